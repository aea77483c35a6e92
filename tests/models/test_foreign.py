"""Weights files of other projects: read as tensors, renamed, refused in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import torchvision.models as tv
from safetensors.torch import save_file
from torch import Tensor

from models.backbones import build_backbone, load_weights, to_stages
from models.foreign import (
    cross_modality,
    fit_state,
    imagenet_state,
    inflate_kernel,
    read_state,
    to_torchvision_names,
)

CLASSES = 7


def torchvision_state(name: str = "resnet18") -> dict[str, Tensor]:
    torch.manual_seed(0)
    return tv.get_model(name, weights=None, num_classes=CLASSES).state_dict()


def as_tsn_pytorch(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As its main.py saves them: in DataParallel, the last layer beside the base model."""
    return {
        f"module.new_{k}" if k.startswith("fc.") else f"module.base_model.{k}": v
        for k, v in state.items()
    }


def as_mmaction2(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As its ResNet's ConvModules name them."""

    def name(key: str) -> str:
        if key.startswith("fc."):
            return f"cls_head.fc_cls.{key[3:]}"
        key = key.replace("downsample.0.", "downsample.conv.")
        key = key.replace("downsample.1.", "downsample.bn.")
        key = re.sub(r"(^|\.)conv(\d)\.(?=weight)", r"\1conv\2.conv.", key)
        return "backbone." + re.sub(r"(^|\.)bn(\d)\.", r"\1conv\2.bn.", key)

    return {name(k): v for k, v in state.items()}


def as_mmpretrain(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"head.{k}" if k.startswith("fc.") else f"backbone.{k}": v for k, v in state.items()}


NAMINGS = {
    "torchvision": lambda state: state,
    "tsn-pytorch": as_tsn_pytorch,
    "mmaction2": as_mmaction2,
    "mmpretrain": as_mmpretrain,
}


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_every_naming_comes_to_torchvisions(naming: str, name: str) -> None:
    state = torchvision_state(name)
    renamed, kind = to_torchvision_names(NAMINGS[naming](state), tv.get_model(name, weights=None))
    assert kind == {"mmpretrain": "mmaction2"}.get(naming, naming)
    assert renamed.keys() == state.keys()
    assert all(renamed[k] is state[k] for k in state)


def test_mmaction2_names_are_the_ones_it_saves() -> None:
    names = as_mmaction2(torchvision_state())
    for known in (
        "backbone.conv1.conv.weight",
        "backbone.conv1.bn.running_mean",
        "backbone.layer2.0.downsample.conv.weight",
        "backbone.layer4.1.conv2.bn.bias",
    ):
        assert known in names


@pytest.mark.parametrize("naming", NAMINGS)
def test_stages_and_last_layer_are_told_apart(naming: str) -> None:
    state = torchvision_state()
    stages, last, _ = to_stages(NAMINGS[naming](state), "resnet18")
    assert stages.keys() == build_backbone("resnet18").state_dict().keys()
    assert stages["stages.3.0.downsample.0.weight"] is state["layer3.0.downsample.0.weight"]
    assert last["weight"] is state["fc.weight"] and last["bias"] is state["fc.bias"]


@pytest.mark.parametrize("prefix", ["", "backbone.", "module.backbone.", "network.backbone."])
def test_our_own_names_are_kept_behind_any_wrapper(prefix: str) -> None:
    own = build_backbone("resnet18_narrow", width=4).state_dict()
    given = {prefix + k: v for k, v in own.items()} | {"classifier.weight": torch.ones(2, 32)}
    stages, last, kind = to_stages(given, "resnet18_narrow")
    assert kind == "ours" and stages.keys() == own.keys() and last["weight"].shape == (2, 32)


@pytest.mark.parametrize("name", ["vgg16", "mobilenet_v3_small", "squeezenet1_1"])
def test_networks_without_residuals_load_behind_tsns_prefix(name: str) -> None:
    with torch.device("meta"):
        state = tv.get_model(name, weights=None).state_dict()
        own = build_backbone(name).state_dict()
    stages, last, _ = to_stages({f"base_model.{k}": v for k, v in state.items()}, name)
    assert {k: v.shape for k, v in stages.items()} == {k: v.shape for k, v in own.items()}
    assert last["weight"].shape[0] == 1000


def test_torchvisions_own_densenet_files_have_older_names() -> None:
    with torch.device("meta"):
        state = tv.get_model("densenet161", weights=None).state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", k): v for k, v in state.items()}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    stages, _, kind = to_stages(old, "densenet161")
    assert kind == "torchvision" and len(stages) == len(state) - 2


@pytest.mark.parametrize("naming", NAMINGS)
def test_last_layer_may_miss(naming: str) -> None:
    state = {k: v for k, v in torchvision_state().items() if not k.startswith("fc.")}
    stages, last, _ = to_stages(NAMINGS[naming](state), "resnet18")
    assert len(stages) == len(state) and last == {}


def test_two_networks_in_one_file_are_refused() -> None:
    state = torchvision_state()
    both = {f"backbone.{k}": v for k, v in state.items()} | {
        f"model.{k}": v for k, v in state.items()
    }
    with pytest.raises(ValueError, match=r"one network; backbone\.conv1.*model\.conv1.*both come"):
        to_stages(both, "resnet18")


def test_deeper_networks_file_is_refused_although_every_layer_is_in_it() -> None:
    with pytest.raises(ValueError, match=r"34\.pth: .*do not fit.*unknown: layer1\.2\.conv1"):
        to_stages(torchvision_state("resnet34"), "resnet18", source="34.pth")


@pytest.mark.parametrize("ending", ["pth", "pt", "safetensors", "pth.tar"])
@pytest.mark.parametrize("nest", [None, "state_dict", "model"])
def test_file_of_any_kind_fills_the_backbone(tmp_path: Path, ending: str, nest: str | None) -> None:
    torch.manual_seed(0)
    whole = build_backbone("resnet18_narrow", width=4)
    path = tmp_path / f"w.{ending}"
    if ending == "safetensors":
        save_file(whole.state_dict(), path)
    else:
        state = {f"module.{k}": v for k, v in whole.state_dict().items()}
        torch.save({nest: state, "epoch": 3, "arch": "x"} if nest else state, path)
    other = build_backbone("resnet18_narrow", width=4, weights=path)
    for key, value in whole.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key


class Harmful:
    """Code that a pickle would run: it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    torch.save(
        {"state_dict": {"conv1.weight": torch.ones(1)}, "extra": Harmful(tmp_path / "mark")},
        tmp_path / "h.pth",
    )
    with pytest.raises(ValueError, match=r"h\.pth: .*could not read it safely.*Python objects"):
        read_state(tmp_path / "h.pth")
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({}, "expected a state dict"),
        ([torch.ones(1)], "expected a state dict"),
        ({"a": torch.ones(1), "b": 3}, "'b' is a int"),
        ({"a": torch.tensor([1.0, torch.nan])}, "a holds nan or infinity"),
        ({"a": torch.eye(2).to_sparse()}, "a is no plain dense tensor"),
    ],
)
def test_what_is_no_state_dict_is_named(tmp_path: Path, payload: object, said: str) -> None:
    torch.save(payload, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=rf"x\.pth: .*{said}"):
        read_state(tmp_path / "x.pth")


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_file_cut_short_is_refused_in_words(tmp_path: Path, ending: str) -> None:
    path, state = tmp_path / f"w.{ending}", {"a": torch.ones(1000)}
    if ending == "pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ValueError, match=rf"w\.{ending}: expected"):
        read_state(path)


def test_inflated_kernel_sums_over_time_to_the_flat_one() -> None:
    flat = torch.randn(3, 2, 5, 5)
    cube = inflate_kernel(flat, 3)
    assert cube.shape == (3, 2, 3, 5, 5)
    torch.testing.assert_close(cube.sum(2), flat)
    assert torch.equal(cube[:, :, 0], cube[:, :, 2])


def test_cross_modality_repeats_the_mean_over_input_channels() -> None:
    kernel = torch.tensor([[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]])[..., None, None]
    moved = cross_modality(kernel, 10)
    assert moved.shape == (2, 10, 1, 1)
    assert torch.equal(moved[:, :, 0, 0], torch.tensor([[3.0], [1.0]]).expand(2, 10))


def test_three_dimensional_file_is_taken_as_it_is() -> None:
    own = {"conv.weight": torch.zeros(4, 3, 3, 1, 1), "bn.num_batches_tracked": torch.tensor(0)}
    given = {"conv.weight": torch.randn(4, 3, 3, 1, 1)}
    assert fit_state(given, own, source="f")["conv.weight"] is given["conv.weight"]
    with pytest.raises(ValueError, match=r"f: .*of another shape: conv\.weight"):
        fit_state({"conv.weight": torch.randn(4, 3, 5, 1, 1)}, own, source="f")


def test_imagenet_weights_come_from_torchvisions_cache(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    state = torchvision_state("squeezenet1_1")
    url = tv.SqueezeNet1_1_Weights.IMAGENET1K_V1.url
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.save(state, cache / url.rpartition("/")[2])
    backbone = build_backbone("squeezenet1_1", weights="imagenet")
    assert torch.equal(backbone.stages[0][0].weight, state["features.0.weight"])


def test_vgg_at_pool5_starts_from_vggs_imagenet_weights(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = tv.get_model_weights("vgg16")["IMAGENET1K_V1"].url
    file = tmp_path / "hub" / "checkpoints" / Path(url).name
    file.parent.mkdir(parents=True)
    torch.save({"features.0.weight": torch.ones(2)}, file)
    assert imagenet_state("vgg16_pool5")["features.0.weight"].tolist() == [1, 1]


def test_no_network_names_the_address_the_cached_file_and_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for scheme in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(scheme, "http://127.0.0.1:9")  # where nobody answers
    monkeypatch.setenv("no_proxy", "")
    where = re.escape(str(tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"))
    with pytest.raises(ValueError, match=rf"https://download.*{where} by hand.*weights=FILE"):
        imagenet_state("resnet18")


def test_load_weights_fills_what_build_backbone_made(tmp_path: Path) -> None:
    first = build_backbone("resnet18_narrow", width=4)
    torch.save(first.state_dict(), tmp_path / "w.pth")
    second = build_backbone("resnet18_narrow", width=4)
    load_weights(second, "resnet18_narrow", tmp_path / "w.pth")
    assert torch.equal(first.stages[4][1].conv2.weight, second.stages[4][1].conv2.weight)
