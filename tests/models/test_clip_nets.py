"""Res-I3D and ResNet3D-18: torchvision's and the inflated networks, with weights and without."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models.video import r3d_18
from torchvision.transforms._presets import VideoClassification

from models.backbones import build_backbone
from models.baselines.clip_nets import ResI3D, ResNet3D18


@pytest.fixture(scope="module")
def theirs() -> torch.nn.Module:
    torch.manual_seed(0)
    return r3d_18(weights=None).eval()


@torch.no_grad()
def test_resnet3d18_is_torchvisions_on_its_weights(theirs, tmp_path: Path) -> None:
    torch.save(theirs.state_dict(), tmp_path / "r3d.pth")
    ours = ResNet3D18(400, weights=tmp_path / "r3d.pth").eval()
    ours.classifier.load_state_dict(theirs.fc.state_dict())
    clip = torch.rand(1, 4, 3, 40, 40)
    given = ours.backbone.normalise(clip).transpose(1, 2)
    torch.testing.assert_close(ours(clip).logits, theirs(given), rtol=1e-4, atol=1e-5)


def test_clips_are_normalised_as_torchvision_does() -> None:
    shown = VideoClassification(crop_size=(8, 8), resize_size=(8, 8))
    clip = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    ours = ResNet3D18(2, width=4).backbone.normalise(clip / 255).transpose(0, 1)
    torch.testing.assert_close(ours, shown(clip), rtol=1e-4, atol=1e-5)


def test_resnet3d18_is_as_large_as_published_and_halves_time_three_times() -> None:
    with torch.device("meta"):
        model = ResNet3D18(400)
        maps = model(torch.empty(1, 16, 3, 112, 112)).maps
    assert sum(p.numel() for p in model.parameters()) == 33_371_472  # torchvision's figure
    assert maps.shape == (1, 512, 2, 7, 7)
    assert ResNet3D18(3, width=4)(torch.rand(2, 1, 3, 32, 32)).logits.shape == (2, 3)


def test_own_file_of_a_whole_model_starts_another(tmp_path: Path) -> None:
    first = ResNet3D18(3, width=4)
    torch.save(first.state_dict(), tmp_path / "own.pth")
    second = ResNet3D18(5, width=4, weights=tmp_path / "own.pth")
    for name, value in first.backbone.state_dict().items():
        assert torch.equal(second.backbone.state_dict()[name], value), name


def test_kinetics_weights_that_cannot_be_had_say_what_to_do(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def offline(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(ValueError, match=r"Kinetics weights of r3d_18.*put that file at.*FILE"):
        ResNet3D18(3, weights="kinetics400")


def test_kinetics_weights_are_taken_from_torchs_cache(theirs, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    torch.save(theirs.state_dict(), tmp_path / "checkpoints" / "r3d_18-b3b3357e.pth")
    ours = ResNet3D18(3, weights="kinetics400")
    assert torch.equal(ours.backbone.stages[0][0].weight, theirs.stem[0].weight)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(build_backbone("resnet18_narrow", width=4).state_dict(), tmp_path / "2d.pth")
    with pytest.raises(ValueError, match="do not fit this backbone"):
        ResNet3D18(3, width=4, weights=tmp_path / "2d.pth")
    with pytest.raises(ValueError, match='backbone "r3d_18" and a positive width; got'):
        ResNet3D18(3, backbone="resnet18")


@torch.no_grad()
def test_res_i3d_of_a_frame_cnn_answers_a_still_clip_as_it_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    flat = build_backbone("resnet18_narrow", width=4).eval()
    torch.save(flat.state_dict(), tmp_path / "2d.pth")
    kind = {"backbone": "i3d_resnet18_narrow", "width": 4, "weights": tmp_path / "2d.pth"}
    model = ResI3D(3, **kind).eval()
    frame = torch.rand(1, 1, 3, 32, 32)
    maps = model(frame.expand(1, 80, 3, 32, 32)).maps  # 10 steps, of which 5 sees no end
    torch.testing.assert_close(maps[:, :, 5], flat.maps(frame[:, 0]), rtol=1e-4, atol=1e-5)


def test_res_i3d_is_the_papers_network_by_default() -> None:
    with torch.device("meta"):
        model = ResI3D(400)
        maps = model(torch.empty(1, 32, 3, 64, 64)).maps
    assert maps.shape == (1, 2048, 4, 2, 2) and model.classifier.in_features == 2048
