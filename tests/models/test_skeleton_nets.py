"""What MAN is compared with on skeletons: each is the part of MAN, or the layer, that it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.baselines.skeleton_nets import BGRU, SkeletonLSTM, STCMAlone, TARMAlone
from models.man import MAN, TARM

SMALL = {"frames": 16, "hidden": 6, "reduction": 4}


def skeletons(batch: int = 2, frames: int = 12, people: int = 2) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(7)
    joints = torch.randn(batch, frames, people, 25, 3, generator=draw)
    return joints, torch.ones(batch, frames, people, dtype=torch.bool)


def take_over(own: nn.Module, other: nn.Module) -> None:
    state = other.state_dict()
    own.load_state_dict({k: state[k] for k in own.state_dict()})


def test_man_whose_memory_is_not_attended_to_is_stcm_alone_on_a_shifted_image() -> None:
    """a = 0 leaves X~ = X + b_o."""
    torch.manual_seed(0)
    model, alone = MAN(4, **SMALL).eval(), STCMAlone(4, frames=16).eval()
    take_over(alone, model)
    for number, tarm in enumerate(model.tarms):
        assert isinstance(tarm, TARM)
        tarm.excite.bias.data.fill_(-1e4)
        tarm.restore.bias.data.fill_(0.1 * number)
    output = model(*skeletons())
    shift = torch.tensor([0.0, 0.1, 0.2])[:, None, None]
    maps = alone.stcm(output.image + shift)
    assert not output.attention.any()
    torch.testing.assert_close(output.logits, alone.classifier(maps.mean((-2, -1))))


def test_stcm_alone_is_its_parts_on_the_image() -> None:
    torch.manual_seed(0)
    model = STCMAlone(4, frames=16).eval()
    output = model(*skeletons())
    torch.testing.assert_close(
        output.logits, model.classifier(model.stcm(output.image).mean((2, 3)))
    )


def test_tarm_alone_classifies_the_mean_row_of_what_man_would_read() -> None:
    torch.manual_seed(0)
    model, alone = MAN(4, **SMALL).eval(), TARMAlone(4, **SMALL).eval()
    alone.tarms.load_state_dict(model.tarms.state_dict())
    given = skeletons()
    theirs, output = model(*given), alone(*given)
    torch.testing.assert_close(output.recalibrated, theirs.recalibrated)
    torch.testing.assert_close(output.attention, theirs.attention)
    expected = alone.classifier(theirs.recalibrated.mean(2).flatten(1))
    torch.testing.assert_close(output.logits, expected)


def test_frozen_attention_alone_is_not_trained() -> None:
    still = [
        n for n, p in TARMAlone(4, attention="frozen").named_parameters() if not p.requires_grad
    ]
    assert len(still) == 12 and all(".squeeze." in n or ".excite." in n for n in still)


def test_without_attention_every_frame_of_the_memory_counts_in_full() -> None:
    torch.manual_seed(0)
    model = MAN(4, attention="none", **SMALL).eval()
    output = model(*skeletons())
    assert (output.attention == 1).all()
    tarm = model.tarms[1]
    added = output.memory[:, 1] @ tarm.restore.weight.T + tarm.restore.bias
    torch.testing.assert_close(output.recalibrated[:, 1], output.image[:, 1] + added)
    assert not any(p.requires_grad for p in (*tarm.squeeze.parameters(), *tarm.excite.parameters()))


def image_vectors(image: Tensor, count: int) -> Tensor:
    """(B, 3, S, F) -> (B, S, J·3), by loops; ``count`` joints stand in the middle."""
    start = (image.shape[-1] - count) // 2
    columns = [image[:, c, :, start + j] for j in range(count) for c in range(3)]
    return torch.stack(columns, -1)


def test_bgru_is_torchs_own_over_the_rows_and_averages_those_with_a_frame() -> None:
    torch.manual_seed(0)
    model = BGRU(4, frames=16, joints=20, people=1, hidden=5, roles={}).eval()
    own = nn.GRU(60, 5, batch_first=True, bidirectional=True)
    own.load_state_dict(model.cell.state_dict())
    joints, present = skeletons(people=1)
    output = model(joints[..., :20, :], present)
    states, _ = own(image_vectors(output.image, 20))
    assert output.rows[0].tolist() == [-1, -1, *range(12), -1, -1]
    torch.testing.assert_close(output.logits, model.classifier(states[:, 2:14].mean(1)))


def test_lstm_is_torchs_own_asked_at_the_last_row_with_a_frame() -> None:
    torch.manual_seed(0)
    model = SkeletonLSTM(4, frames=16, hidden=5, layers=2, roles={}).eval()
    own = nn.LSTM(150, 5, 2, batch_first=True)
    own.load_state_dict(model.cell.state_dict())
    joints, present = skeletons()
    present[1, 4:] = False  # four frames stand in rows 6 to 9
    output = model(joints, present)
    states, _ = own(image_vectors(output.image, 50))
    last = torch.stack([states[0, 13], states[1, 9]])
    torch.testing.assert_close(output.logits, model.classifier(last))


@pytest.mark.parametrize("kind", [BGRU, SkeletonLSTM])
def test_recurrent_nets_drop_out_in_training_alone_and_nobody_there_is_no_error(kind: type) -> None:
    torch.manual_seed(0)
    model, (joints, present) = kind(4, frames=16, hidden=5), skeletons()
    assert not torch.equal(model(joints, present).logits, model(joints, present).logits)
    nobody = model.eval()(joints, torch.zeros_like(present)).logits
    assert nobody.isfinite().all() and model.cell.training  # cuDNN's backward needs it


def test_bodies_of_an_image_are_the_joints_in_it() -> None:
    model = STCMAlone(4, frames=50, joints=20, people=2, roles={})
    joints, present = skeletons(frames=50)
    joints = joints[..., :20, :]
    image, _ = model.see_image(joints, present)
    torch.testing.assert_close(model.bodies(image), joints, rtol=0, atol=1e-6)
    assert not F.pad(image, (-5, -5)).equal(image)


@pytest.mark.real
@pytest.mark.parametrize("name", ["A001", "A050"])
def test_rotated_and_shifted_copies_of_a_real_ntu_file_give_the_same_image(
    real_data: Path, name: str
) -> None:
    from actviz.clip.skeleton import read_skeleton, usable

    file = next((real_data / "skeletons" / "ntu").glob(f"*{name}*.skeleton"))
    skeleton = read_skeleton(file)
    joints = torch.from_numpy(skeleton.joints)[None]
    present = torch.from_numpy(usable(skeleton))[None]
    model, draw = MAN(60), torch.Generator().manual_seed(3)
    first, rows = model.see_image(joints, present)
    for _ in range(10):
        turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=draw))
        turn = turn * torch.det(turn).sign()
        moved = joints @ turn.T + torch.randn(3, generator=draw)
        again, same = model.see_image(moved, present)
        torch.testing.assert_close(again, first, rtol=0, atol=1e-4)
        assert torch.equal(rows, same)
