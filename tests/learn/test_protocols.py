"""Test protocols of the papers: which pictures of a clip are seen, and how answers are joined."""

import numpy as np
import pytest
import torch

import models
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Card
from actviz.learn.protocols import (
    VIEWS,
    answer,
    clip_pictures,
    pick_views,
    pictures_at_once,
    snippets,
)

SIZE, SIDE = 28, 32  # what the network takes, what is cropped from: 224 and 256 over eight
NARROW = {"num_classes": 7, "backbone": "resnet18_narrow", "width": 8}


class Numbered:
    """Clips in memory: every picture its own number, or any pictures given."""

    def __init__(self, *clips: np.ndarray) -> None:
        self.clips, self.skipped = clips, {}
        self.keys = tuple(f"clip {n}" for n in range(len(clips)))
        self.labels = np.arange(len(clips)) % 7

    def count(self, clip: int) -> int:
        return len(self.clips[clip])

    def read(self, clip: int, at: np.ndarray) -> np.ndarray:
        return self.clips[clip][at]


def card(model: str = "tsn", **more) -> Card:
    usual = {"frames": 4, "input_size": SIZE, "trained_on": "nothing", "sampling": "tsn"}
    classes = tuple("abcdefg")
    return Card(
        **{"model": model, "overrides": {"num_classes": 7}, "classes": classes} | usual | more
    )


def noise(count: int, channels: int = 3, height: int = SIDE, width: int = 40) -> np.ndarray:
    rng = np.random.default_rng(count)
    return rng.integers(0, 256, (count, height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize(("count", "middle"), [(1, 0), (2, 1), (5, 2), (100, 50)])
def test_a_glance_is_the_exact_middle_frame(count, middle):
    assert snippets(card(), "glance", count).tolist() == [[middle]]


def test_25_segments_of_100_frames_are_looked_at_in_their_middle():
    assert snippets(card(), "25x10", 100)[:, 0].tolist() == list(range(2, 100, 4))


def test_frames_as_in_training_follow_the_card():
    assert snippets(card(), "10-crop", 40)[:, 0].tolist() == [5, 15, 25, 35]
    strided = card(sampling="strided", stride=2)
    assert snippets(strided, "centre", 40)[:, 0].tolist() == [16, 18, 20, 22]


def test_25_runs_of_consecutive_frames_begin_in_the_middles_of_equal_parts():
    at = snippets(card(), "25-clips", 103).reshape(25, 4)  # 100 places to begin at, 4 in a part
    assert at[:, 0].tolist() == list(range(2, 102, 4))
    assert (np.diff(at, axis=1) == 1).all() and at.max() == 101
    strided = snippets(card(sampling="strided", stride=2), "25-clips", 106).reshape(25, 4)
    assert strided[1].tolist() == [6, 8, 10, 12]
    assert snippets(card(), "25-clips", 3).reshape(25, 4)[7].tolist() == [0, 1, 2, 2]


def test_runs_of_flow_lie_within_the_clip():
    stacks = snippets(card(flow_length=5), "25-clips", 40).reshape(25, 4, 5)
    assert (np.diff(stacks, axis=2) == 1).all() and (np.diff(stacks, axis=1) == 1).all()
    assert stacks[0, 0, 0] == 0 and stacks.max() == 39


def test_each_run_is_seen_from_its_first_frame_to_its_last():
    grey = np.arange(40, dtype=np.uint8)[:, None, None, None]
    clip = np.broadcast_to(grey, (40, SIDE, SIDE, 3))
    seen = clip_pictures(Numbered(clip), 0, card(), "25-clips")[..., 0, 0, 0]
    assert np.array_equal(seen.numpy(), snippets(card(), "25-clips", 40).reshape(25, 4))


def test_flow_is_looked_at_in_stacks_that_fit_the_clip():
    stacks = snippets(card(flow_length=5), "25", 30)
    assert stacks.shape == (25, 5)
    assert (np.diff(stacks, axis=1) == 1).all() and stacks.max() <= 29


@pytest.mark.parametrize("views", [v for v in VIEWS if v != "whole"])
def test_a_clip_of_one_frame_repeats_it(views):
    assert not snippets(card(), views, 1).any()
    stacks = snippets(card(flow_length=5), views, 1)
    assert stacks.shape[1] == 5 and not stacks.any()


@pytest.mark.parametrize(
    ("views", "shape"),
    [
        ("25x10", (10, 25)),
        ("10-crop", (10, 4)),
        ("25", (1, 25)),
        ("centre", (1, 4)),
        ("25-clips", (25, 4)),
        ("glance", (1, 1)),
    ],
)
def test_each_protocol_shows_so_many_crops_of_so_many_frames(views, shape):
    pictures = clip_pictures(Numbered(noise(30)), 0, card(), views)
    assert pictures.shape == (*shape, 3, SIZE, SIZE) and pictures.dtype == torch.uint8


def test_ten_crops_are_corners_and_centre_and_their_mirror_images():
    clip = noise(1)
    seen = clip_pictures(Numbered(clip), 0, card(frames=1), "10-crop")[:, 0]
    places = [(y, x) for y in (0, SIDE - SIZE) for x in (0, 40 - SIZE)] + [(2, 6)]
    cut = [clip[0, y : y + SIZE, x : x + SIZE].transpose(2, 0, 1) for y, x in places]
    wanted = {c.tobytes() for c in cut} | {c[:, :, ::-1].tobytes() for c in cut}
    assert {crop.numpy().tobytes() for crop in seen} == wanted and len(wanted) == 10


def test_mirrored_flow_has_its_x_inverted_and_its_y_not():
    fields = noise(2, channels=2, height=SIDE, width=SIDE)
    flow = card(frames=1, flow_length=2, modality="flow")
    seen = clip_pictures(Numbered(fields), 0, flow, "10-crop")[:, 0]  # (10, x1 y1 x2 y2, S, S)
    plain, mirrored = seen[:5], seen[5:].flip(-1)
    assert torch.equal(plain[4, 0::2], 255 - mirrored[4, 0::2])
    assert torch.equal(plain[4, 1::2], mirrored[4, 1::2])
    assert np.array_equal(plain[0, 2], fields[1, :SIZE, :SIZE, 0])  # x of the second field


def test_large_pictures_are_brought_to_the_test_size_first():
    grey = np.full((3, 90, 120, 3), 77, dtype=np.uint8)
    seen = clip_pictures(Numbered(grey), 0, card(), "25x10")
    assert (seen == 77).all()


@pytest.mark.parametrize("model", ["tsn", "mam", "tmnet"])
@torch.inference_mode()
def test_answers_equal_a_plain_loop_over_crops_and_frames(model):
    small = {} if model != "mam" else {"hidden_dim": 8, "memory_dim": 8, "controller_dim": 8}
    network = models.build(model, **NARROW, **small).eval()
    pictures = torch.randint(0, 256, (2, 3, 5, 3, SIZE, SIZE), dtype=torch.uint8)
    told = answer(network, model, pictures, at_once=4)["logits"]
    for clip, got in zip(pictures, told, strict=True):
        loop = [plain_answer(network, model, crop.float() / 255) for crop in clip]
        assert np.allclose(got, np.mean(loop, axis=0), atol=2e-5)


def plain_answer(network, model, frames):
    """One crop (T, 3, S, S): MAM in one rollout, the others frame by frame."""
    if model == "mam":
        return network(frames[None]).logits[0].numpy()
    one = network.glance if model == "tmnet" else network
    return np.mean([one(f[None, None]).logits.flatten().numpy() for f in frames], axis=0)


@torch.inference_mode()
def test_the_order_of_crops_shows_in_no_digit():
    network = models.build("tsn", **NARROW).eval()
    pictures = torch.randint(0, 256, (1, 10, 3, 3, SIZE, SIZE), dtype=torch.uint8)
    one = answer(network, "tsn", pictures, at_once=1)["logits"]
    other = answer(network, "tsn", pictures[:, torch.randperm(10)], at_once=1)["logits"]
    assert np.array_equal(one, other)


def test_tmnet_tells_its_branches_too():
    network = models.build("tmnet", **NARROW).eval()
    pictures = torch.randint(0, 256, (1, 1, 2, 3, SIZE, SIZE), dtype=torch.uint8)
    with torch.inference_mode():
        told = answer(network, "tmnet", pictures, at_once=8)
    assert np.allclose(told["logits"], (told["rb"] + told["cb"]) / 2, atol=1e-6)


def test_unknown_views_are_refused_and_skeletons_have_none():
    with pytest.raises(ActvizError, match=r"--views must be one of 25x10.*got '30x3'"):
        pick_views(card(), "30x3")
    joints = card("man", input_size=None, layout="ntu-25")
    assert pick_views(joints) == "whole"
    with pytest.raises(ActvizError, match="whole skeleton sequences; leave --views 25 out"):
        pick_views(joints, "25")


def test_views_are_the_cards_own_unless_asked():
    assert pick_views(card(test_views="10-crop")) == "10-crop"
    assert pick_views(card(test_views="10-crop"), "glance") == "glance"


def test_smaller_pictures_go_through_in_larger_numbers():
    cpu = torch.device("cpu")
    assert pictures_at_once(cpu, 112) == 4 * pictures_at_once(cpu, 224) > 4
    assert pictures_at_once(cpu, 4000) == 1


@pytest.mark.parametrize("variant", ["3d-a", "3d-b"])
@torch.inference_mode()
def test_3d_kinds_answer_by_their_regression_branch_from_whole_clips(variant):
    network = models.build("tmnet", num_classes=7, backbone="resnet18", variant=variant).eval()
    pictures = torch.randint(0, 256, (1, 3, 4, 3, SIZE, SIZE), dtype=torch.uint8)
    told = answer(network, "tmnet", pictures, at_once=5)
    loop = [network.glance(crop[None].float() / 255).logits_rb[0].mean(0) for crop in pictures[0]]
    assert set(told) == {"logits"}
    assert np.allclose(told["logits"][0], torch.stack(loop).mean(0), atol=1e-5)
