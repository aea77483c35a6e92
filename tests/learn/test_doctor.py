"""Whose weights are these, and what can be made of them here?"""

import pickle
import re
from pathlib import Path

import pytest
import torch
import torchvision.models as tv
from torch import Tensor

import models
from actviz.errors import CheckpointError
from actviz.learn.checkpoints import bundled, load_checkpoint
from actviz.learn.conversion import as_tsn, convert, read_class_names
from actviz.learn.doctor import diagnose, examine
from actviz.learn.matching import nearest_fit
from actviz.learn.weights_files import WeightsFile

NAMES = ("wave", "clap", "run")
State = dict[str, Tensor]


def resnet18(channels: int = 3, classes: int = len(NAMES)) -> torch.nn.Module:
    """torchvision's, with statistics as training leaves them, for RGB or flow."""
    torch.manual_seed(0)
    net = tv.resnet18(num_classes=classes)
    if channels != 3:
        net.conv1 = torch.nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    for name, value in net.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_(std=0.1)
    return net.eval()


def named_by_tsn(state: State) -> State:
    """By tsn-pytorch's names, as DataParallel saves them."""
    names = {k: f"base_model.{k}" for k in state} | {f"fc.{w}": f"new_fc.{w}" for w in WB}
    return {f"module.{names[k]}": v for k, v in state.items()}


def named_by_mmaction2(state: State) -> State:
    """By MMAction2's names: a ConvModule holds a convolution and its batch normalisation."""
    renamed = {}
    for name, value in state.items():
        new = re.sub(r"downsample\.0\.", "downsample.conv.", name)
        new = re.sub(r"downsample\.1\.", "downsample.bn.", new)
        new = re.sub(r"conv(\d)\.", r"conv\1.conv.", new)
        new = re.sub(r"bn(\d)\.", r"conv\1.bn.", new)
        renamed["cls_head.fc_cls." + new[3:] if new.startswith("fc.") else f"backbone.{new}"] = (
            value
        )
    return renamed


WB = ("weight", "bias")
TSN_FILE = {"epoch": 80, "arch": "resnet18", "best_prec1": 83.0}
MM_FILE = {"meta": {"mmaction_version": "1.2.0", "cfg": "model = dict(type='Recognizer2D')"}}


def written(path: Path, state: State, **beside: object) -> Path:
    torch.save({**beside, "state_dict": state} if beside else state, path)
    return path


@pytest.fixture(scope="module")
def net() -> torch.nn.Module:
    return resnet18()


@pytest.fixture(scope="module")
def files(tmp_path_factory, net) -> dict[str, Path]:
    home, state = tmp_path_factory.mktemp("foreign"), net.state_dict()
    lightning = {f"model.{k}": v for k, v in state.items()}
    return {
        "torchvision": written(home / "resnet18-f37072fd.pth", state),
        "tsn-pytorch": written(home / "ucf101_checkpoint.pth.tar", named_by_tsn(state), **TSN_FILE),
        "mmaction2": written(home / "tsn_r18.pth", named_by_mmaction2(state), **MM_FILE),
        "lightning": written(
            home / "epoch=3.ckpt", lightning, **{"pytorch-lightning_version": "2.5.0"}
        ),
    }


@pytest.mark.parametrize(
    ("which", "kind", "said"),
    [
        ("torchvision", "torchvision", "a torchvision classification network"),
        ("tsn-pytorch", "tsn-pytorch", "inside a training checkpoint"),
        ("mmaction2", "mmaction2", "inside an OpenMMLab checkpoint"),
        ("lightning", "torchvision", "inside a Lightning checkpoint"),
    ],
)
def test_foreign_file_is_recognised(files, which, kind, said):
    found = diagnose(files[which])
    assert (found.kind, found.network.name, found.network.share) == (kind, "resnet18", 1.0)
    assert (found.classes, found.modality, found.dtype) == (3, "rgb", "float32")
    assert found.parameters == sum(p.numel() for p in tv.resnet18(num_classes=3).parameters())
    assert said in dict(found.rows())["kind"]
    assert "--classes names.txt" in found.next_step()


@pytest.mark.parametrize("which", ["torchvision", "tsn-pytorch", "mmaction2", "lightning"])
def test_converted_file_gives_the_answers_of_the_network_it_came_from(files, net, which, tmp_path):
    out = convert(files[which], classes=NAMES, out=tmp_path / "best.safetensors")
    loaded = load_checkpoint(out)
    frames = torch.rand(1, 2, 3, 64, 64)
    grey = frames[0] * 255  # MMAction2's own constants, in 0..255
    mean, deviation = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    expected = net((grey - mean.view(3, 1, 1)) / deviation.view(3, 1, 1))
    torch.testing.assert_close(loaded.model(frames).frame_logits[0], expected, rtol=1e-4, atol=1e-4)
    assert loaded.card.classes == NAMES and loaded.card.overrides["backbone"] == "resnet18"
    assert "nothing is known of how it was trained" in loaded.card.limits[0]


@pytest.mark.parametrize(
    ("rename", "mean", "deviation", "most"),
    [(named_by_tsn, 127.5, 0.226 * 255, 1e-4), (named_by_mmaction2, 128.0, 128.0, 0.02)],
)
def test_converted_flow_network_answers_as_on_its_own_constants(
    tmp_path, rename, mean, deviation, most
):
    net = resnet18(channels=10)
    file = written(tmp_path / "flow.pth", rename(net.state_dict()))
    found = diagnose(file)
    assert (found.modality, found.flow_length) == ("flow", 5)
    loaded = load_checkpoint(convert(file, classes=NAMES, out=tmp_path / "best.safetensors"))
    grey = torch.randint(0, 256, (2, 10, 64, 64)).float()
    answer = loaded.model(grey[None] / 255).frame_logits[0]
    expected = net((grey - mean) / deviation)
    assert (answer - expected).abs().max() < most * expected.abs().max()
    assert (loaded.card.modality, loaded.card.flow_length) == ("flow", 5)


def test_vgg16_of_tsn_has_its_last_layer_as_classifier():
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in tv.vgg16(num_classes=3).state_dict().items()}
    state = {k: torch.zeros(1).expand(v) for k, v in shapes.items()}  # of no size in memory
    state["classifier.6.bias"] = torch.tensor([1.0, 2.0, 3.0])
    state = {k.replace("classifier.6", "new_fc"): v for k, v in state.items()}
    state = {k if "new_fc" in k else f"base_model.{k}": v for k, v in state.items()}
    file = WeightsFile(Path("vgg.pth"), state, card=None, sha256="0" * 64)
    assert examine(file).network.name == "vgg16"  # not read at pool5, which no file shows
    ours, overrides = as_tsn(file, examine(file))
    assert overrides == {"num_classes": 3, "backbone": "vgg16"}
    assert ours["classifier.bias"].tolist() == [1.0, 2.0, 3.0]
    assert ours["backbone.head.5.weight"].shape == (4096, 4096)  # fc7


@pytest.mark.parametrize("name", ["squeezenet1_1", "mobilenet_v3_small"])
def test_networks_that_end_otherwise_are_recognised_as_a_start_for_a_backbone(name):
    with torch.device("meta"):
        state = tv.get_model(name, weights=None, num_classes=9).state_dict()
    state = dict(sorted(state.items()))  # as safetensors has them
    found = examine(WeightsFile(Path("net.safetensors"), state, card=None, sha256="0" * 64))
    assert (found.network.name, found.network.share, found.modality) == (name, 1.0, "rgb")
    assert f"--set backbone={name} --set weights=FILE" in found.next_step()


def changed(state: State, how: str) -> State:
    if how == "tsm":
        return {k.replace("layer1.0.conv1.", "layer1.0.conv1.net."): v for k, v in state.items()}
    if how == "solid":
        return {k: v[:, :, None] if v.ndim == 4 else v for k, v in state.items()}
    if how == "cut":
        return {k: v for k, v in state.items() if not k.startswith("layer4.1")}
    if how == "headless":
        return {k: v for k, v in state.items() if not k.startswith("fc.")}
    if how == "difference":
        return state | {"conv1.weight": torch.zeros(64, 15, 7, 7)}
    return {"encoder.weight": torch.zeros(3, 3)}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("tsm", "shifts features in time"),
        ("solid", "kernels have three dimensions"),
        ("cut", "Not all of resnet18 is there"),
        ("headless", "no last layer, so no classes"),
        ("difference", "neither RGB nor flow"),
        ("strange", "Known are resnet18"),
    ],
)
def test_what_cannot_be_converted_is_refused_in_words(tmp_path, net, how, said):
    file = written(tmp_path / "odd.pth", as_tsn_backbone(changed(net.state_dict(), how)))
    assert said in diagnose(file).next_step()
    with pytest.raises(CheckpointError, match=said):
        convert(file, classes=NAMES, out=tmp_path / "best.safetensors")
    assert not (tmp_path / "best.safetensors").exists()


def as_tsn_backbone(state: State) -> State:
    return {f"module.base_model.{k}": v for k, v in state.items()}


def test_names_of_another_number_are_refused(files, tmp_path):
    with pytest.raises(CheckpointError, match="names of its 3 classes; got 2"):
        convert(files["mmaction2"], classes=NAMES[:2], out=tmp_path / "best.safetensors")


def test_no_file_is_overwritten_and_no_other_model_made(files, tmp_path):
    (tmp_path / "best.safetensors").write_bytes(b"mine")
    with pytest.raises(CheckpointError, match="would be overwritten"):
        convert(files["mmaction2"], classes=NAMES, out=tmp_path / "best.safetensors")
    with pytest.raises(CheckpointError, match='expected model="tsn"'):
        convert(files["mmaction2"], classes=NAMES, out=tmp_path / "a.safetensors", model="mam")


class HistoryBuffer:
    """What MMEngine leaves in a training checkpoint: an object, not a tensor."""


def test_file_with_objects_is_refused_and_the_object_named(tmp_path, net):
    file = written(tmp_path / "epoch_9.pth", net.state_dict(), message_hub=HistoryBuffer())
    with pytest.raises(CheckpointError, match=r"HistoryBuffer.*never loaded"):
        diagnose(file)


def test_malicious_pickle_runs_nothing(tmp_path):
    touched = tmp_path / "touched"

    class Touch:
        def __reduce__(self):
            return (Path.touch, (touched,))

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"state_dict": Touch()}))
    with pytest.raises(CheckpointError, match="never loaded"):
        diagnose(tmp_path / "evil.pth")
    assert not touched.exists()


def test_own_weights_load_as_they_are():
    found = diagnose(bundled("mam"))
    assert (found.kind, found.classes) == ("ours", 12)
    assert found.next_step() == "It has its card (puppets) and loads as it is."


@pytest.mark.parametrize(
    ("name", "sees"),
    [
        ("alstm", "RGB frames"),
        ("videolstm", "RGB frames, and flow around each, 5 fields of a snippet"),
        ("mam-flow", "flow, 5 fields of a snippet"),
    ],
)
def test_weights_of_two_streams_say_what_each_sees(name, sees):
    rows = dict(diagnose(bundled(name)).rows())
    assert rows["sees"] == sees and rows["classes"] == "12"
    assert rows["next"] == "It has its card (puppets) and loads as it is."


@pytest.mark.parametrize(
    ("model", "overrides"),
    [
        ("mam", {"backbone": "resnet18_narrow", "width": 8, "memory_dim": 9, "hidden_dim": 7}),
        ("tsn", {"backbone": "resnet34", "flow_length": 5}),
        ("tsn", {"backbone": "squeezenet1_1"}),
        ("mam", {"backbone": "vgg16", "flow_length": 1}),
        ("mam", {"backbone": "vgg16_pool5"}),
        ("convlstm", {"backbone": "vgg16_pool5"}),
        ("tmnet", {"backbone": "mobilenet_v2", "base_stages": 3}),
        ("man", {"hidden": 32, "frames": 30}),
        ("man", {"cell": "torch"}),
        ("man", {"stcm": "densenet161"}),
        ("man", {"stcm": "resnet34", "cell": "torch"}),
        ("stcm", {"stcm": "preact18"}),
        ("tarm", {"cell": "torch", "hidden": 9}),
        ("bgru", {"hidden": 9, "layers": 2}),
        ("skeleton_lstm", {"hidden": 9, "layers": 1}),
        ("stgcn", {"channels": (4, 8)}),
        ("tmnet", {"backbone": "resnet50", "variant": "3d-b"}),
        ("lstm", {"backbone": "resnet18_narrow", "hidden_dim": 16, "flow_length": 1}),
        ("alstm", {"backbone": "resnet18_narrow", "hidden_dim": 16, "attention_dim": 8}),
        ("convlstm", {"backbone": "resnet34", "hidden_dim": 4, "map_size": (4, 4)}),
        ("videolstm", {"backbone": "resnet18_narrow", "hidden_dim": 4, "motion_length": 1}),
        ("videolstm", {"backbone": "resnet18_narrow", "hidden_dim": 4, "motion": False}),
        ("l2stm", {"backbone": "resnet18_narrow", "hidden_dim": 4, "head_dim": 8}),
        ("tslstm", {"backbone": "resnet18_narrow", "hidden_dim": 4}),
    ],
)
def test_nearest_builder_is_the_one_that_made_the_weights(model, overrides):
    with torch.device("meta"):
        state = models.build(model, num_classes=5, **overrides).state_dict()
    fit = nearest_fit(state)
    assert (fit.model, fit.overrides, fit.share) == (model, overrides, 1.0)
    assert not fit.difference


@pytest.mark.parametrize("model", models.ON_JOINTS)
def test_weights_of_models_on_skeletons_see_joints(tmp_path, model):
    small = {"channels": (4,)} if model == "stgcn" else {}
    net = models.build(model, num_classes=2, **small)
    assert dict(diagnose(written(tmp_path / "j.pt", net.state_dict())).rows())["sees"] == "joints"


def test_own_weights_without_card_are_told_how_they_load(tmp_path):
    net = models.build("tsn", num_classes=2, backbone="resnet18_narrow", width=8)
    step = diagnose(written(tmp_path / "mine.pt", net.state_dict())).next_step()
    assert "model='tsn'" in step and "'width': 8" in step
    backbone = written(tmp_path / "frames.pt", net.backbone.state_dict())
    assert "one of our frame CNNs alone" in diagnose(backbone).next_step()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("wave\n clap \n\nrun\n", ("wave", "clap", "run")),
        ("\ufeff1 Apply Eye Makeup\n2 Archery\n", ("Apply Eye Makeup", "Archery")),
        ("0, a\n1, b\n", ("a", "b")),
        ("3 point shot\n7 up\n", ("3 point shot", "7 up")),
    ],
)
def test_class_names_are_read_a_line_each(tmp_path, text, names):
    (tmp_path / "names.txt").write_text(text, encoding="utf-8")
    assert read_class_names(tmp_path / "names.txt") == names


@pytest.mark.parametrize(("content", "got"), [(b"", "got none"), (b"a\na\n", "'a' twice")])
def test_class_names_must_be_there_and_differ(tmp_path, content, got):
    (tmp_path / "names.txt").write_bytes(content)
    with pytest.raises(CheckpointError, match=got):
        read_class_names(tmp_path / "names.txt")
