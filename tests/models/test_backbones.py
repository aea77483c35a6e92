"""Frame CNNs: cuts, sizes and weights files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision.models as tv

from models.backbones import BACKBONES, FrameCNN, build_backbone, to_stages

SHRINK = {  # of 224 pixels, per stage
    "vgg16": (112, 56, 28, 14, 7),
    "vgg16_pool5": (112, 56, 28, 14, 7),
    "mobilenet_v2": (112, 56, 28, 14, 7),
    "mobilenet_v3_small": (112, 56, 28, 14, 7),
    "squeezenet1_1": (55, 27, 13, 13, 13),
    "resnet18_narrow": (56, 56, 28, 14, 14),
}
DIMENSIONS = {
    "resnet18": (512, (64, 64, 128, 256, 512)),
    "resnet34": (512, (64, 64, 128, 256, 512)),
    "resnet50": (2048, (64, 256, 512, 1024, 2048)),
    "resnet101": (2048, (64, 256, 512, 1024, 2048)),
    "resnet152": (2048, (64, 256, 512, 1024, 2048)),
    "resnext50_32x4d": (2048, (64, 256, 512, 1024, 2048)),
    "densenet161": (2208, (96, 384, 768, 2112, 2208)),
    "mobilenet_v3_small": (576, (16, 16, 24, 48, 576)),
    "vgg16": (4096, (64, 128, 256, 512, 512)),
    "vgg16_pool5": (512, (64, 128, 256, 512, 512)),
    "mobilenet_v2": (1280, (16, 24, 32, 96, 1280)),
    "squeezenet1_1": (512, (64, 128, 256, 384, 512)),
    "resnet18_narrow": (128, (16, 16, 32, 64, 128)),
}


def on_meta(name: str) -> FrameCNN:
    """Shapes without numbers: a VGG16 of half a gigabyte costs nothing."""
    with torch.device("meta"):
        return build_backbone(name).eval()


def test_every_name_is_listed() -> None:
    assert set(DIMENSIONS) == set(BACKBONES)


@pytest.mark.parametrize("name", BACKBONES)
def test_stages_and_feature_have_the_named_sizes(name: str) -> None:
    backbone, (dim, channels) = on_meta(name), DIMENSIONS[name]
    maps = torch.empty(2, 3, 224, 224, device="meta")
    seen, sizes = [], []
    for stage in backbone.stages:
        maps = stage(maps)
        seen.append(maps.shape[1])
        sizes.append(maps.shape[-1])
    assert tuple(seen) == backbone.stage_channels == channels
    assert tuple(sizes) == SHRINK.get(name, (56, 56, 28, 14, 7))
    feature = backbone(torch.empty(2, 3, 64, 64, device="meta"))
    assert feature.shape == (2, dim) and backbone.feature_dim == dim


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "squeezenet1_1"])
def test_cut_network_is_torchvisions_before_its_classifier(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = tv.get_model(name, weights=None).eval()
    torch.save(whole.state_dict(), tmp_path / "weights.pth")
    backbone = build_backbone(name, weights=tmp_path / "weights.pth").eval()
    frames = torch.rand(1, 3, 64, 64)
    given = backbone.normalise(frames)
    with torch.no_grad():
        if name == "resnet18":
            whole.fc = torch.nn.Identity()
            expected = whole(given)
        else:
            expected = whole.features(given).mean((-2, -1))
        torch.testing.assert_close(backbone(frames), expected)


def test_vgg_is_read_at_fc7() -> None:
    head = on_meta("vgg16").head
    layers = [m for m in head if isinstance(m, torch.nn.Linear)]
    assert [m.out_features for m in layers] == [4096, 4096]


def test_vgg_is_also_read_at_pool5_with_the_same_weights(monkeypatch) -> None:
    with torch.device("meta"):
        whole = tv.vgg16(weights=None).state_dict()
    state = {k: torch.zeros(1).expand(v.shape) for k, v in whole.items()}
    state["features.28.bias"] = torch.rand(512)
    monkeypatch.setattr("models.backbones.read_state", lambda _: state)
    backbone = build_backbone("vgg16_pool5", weights="vgg16.pth").eval()  # fc6 to fc8 in it or not
    torch.testing.assert_close(backbone.stages[4][4].bias, state["features.28.bias"])
    frames = torch.rand(2, 3, 64, 64)
    expected = backbone.maps(frames).mean((2, 3))
    assert expected.std() > 0.1
    torch.testing.assert_close(backbone(frames), expected)
    assert not any(k.startswith("head.") for k in backbone.state_dict())


def test_an_own_vgg_starts_the_one_read_at_pool5() -> None:
    with torch.device("meta"):
        own = build_backbone("vgg16").state_dict()
        stages, _, kind = to_stages(own, "vgg16_pool5")
        assert kind == "ours" and stages.keys() == build_backbone("vgg16_pool5").state_dict().keys()


def test_normalisation_is_imagenets() -> None:
    backbone = build_backbone("resnet18_narrow", width=4)
    grey = backbone.normalise(torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
    torch.testing.assert_close(grey, torch.zeros(1, 3, 1, 1))
    assert not any("normalise" in k for k in backbone.state_dict())


def test_narrow_width_sets_all_channels_and_keeps_the_strides_of_resnet18() -> None:
    backbone = build_backbone("resnet18_narrow", width=6)
    assert backbone.stage_channels == (6, 6, 12, 24, 48) and backbone.feature_dim == 48
    narrow = on_meta("resnet18_narrow")
    frames = torch.empty(1, 3, 112, 112, device="meta")
    assert on_meta("resnet18").maps(frames).shape[-2:] == (4, 4)
    assert narrow.maps(frames).shape[-2:] == (7, 7)  # as resnet18 at the papers' 224 pixels
    assert 2.7e6 < 4 * sum(p.numel() for p in narrow.parameters()) < 2.9e6  # bytes at width 16


def test_own_state_dict_file_round_trip(tmp_path: Path) -> None:
    torch.manual_seed(0)
    first = build_backbone("resnet18_narrow", width=4).eval()
    torch.save(first.state_dict(), tmp_path / "own.pt")
    second = build_backbone("resnet18_narrow", width=4, weights=tmp_path / "own.pt").eval()
    frames = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(first(frames), second(frames))


def test_file_older_than_the_counters_of_batch_normalisation_loads(tmp_path: Path) -> None:
    """torchvision itself takes such files; many on the web are."""
    torch.manual_seed(0)
    whole = tv.get_model("resnet18", weights=None)
    state = {k: v for k, v in whole.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert len(state) < len(whole.state_dict())
    torch.save(state, tmp_path / "old.pth")
    backbone = build_backbone("resnet18", weights=tmp_path / "old.pth")
    torch.testing.assert_close(backbone.stages[4][1].conv2.weight, whole.layer4[1].conv2.weight)
    del state["bn1.running_mean"]  # what counts in eval mode may not miss
    torch.save(state, tmp_path / "old.pth")
    with pytest.raises(ValueError, match=r"do not fit.*bn1\.running_mean"):
        build_backbone("resnet18", weights=tmp_path / "old.pth")


@pytest.mark.parametrize("junk", [b"", b"hello world", b"PK\x03\x04 half a zip", b"\x80\x02}q"])
def test_file_that_is_no_state_dict_at_all_is_refused_in_words(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "junk.pth").write_bytes(junk)
    with pytest.raises(ValueError, match=r"junk\.pth: expected a state-dict file"):
        build_backbone("resnet18_narrow", weights=tmp_path / "junk.pth")


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(build_backbone("resnet18_narrow", width=4).state_dict(), path)
    with pytest.raises(ValueError, match="do not fit"):
        build_backbone("resnet18_narrow", width=8, weights=path)
    torch.save({"a": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="do not fit"):
        build_backbone("resnet18", weights=path)
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match="state dict"):
        build_backbone("resnet18_narrow", weights=path)
    with pytest.raises(ValueError, match="no file"):
        build_backbone("resnet18", weights=tmp_path / "missing.pt")


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="resnet18_narrow"):
        build_backbone("resnet18", width=16)
    with pytest.raises(ValueError, match="no ImageNet weights"):
        build_backbone("resnet18_narrow", weights="imagenet")
    with pytest.raises(ValueError, match="must be one of"):
        build_backbone("resnet19")
    with pytest.raises(ValueError, match="Flatten batch"):
        build_backbone("resnet18_narrow", width=4)(torch.rand(1, 2, 3, 32, 32))
    with pytest.raises(TypeError, match=r"float in \[0, 1\]; got uint8.*255"):
        build_backbone("resnet18_narrow", width=4)(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
