"""Weights and cards on disk: whole, matching, and never able to run code."""

import json
import os
import pickle
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import models
from actviz.clip.downloads import sha256_of
from actviz.errors import CheckpointError
from actviz.learn.checkpoints import CARD_KEY, Card, load_checkpoint, save_checkpoint

OVERRIDES = {
    "num_classes": 2,
    "backbone": "resnet18_narrow",
    "width": 4,
    "memory_dim": 8,
    "hidden_dim": 8,
    "controller_dim": 8,
}
CARD = Card(
    model="mam",
    overrides=OVERRIDES,
    classes=("wave", "clap"),
    trained_on="puppets",
    frames=4,
    input_size=32,
    metrics={"top1": 0.5},
    limits=("Small.",),
)


def _mam() -> torch.nn.Module:
    return models.build("mam", **OVERRIDES)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save_checkpoint(tmp_path / "best.safetensors", _mam(), CARD)


@pytest.fixture
def old(saved: Path) -> Path:
    """The pair as versions wrote it whose weights carried no card."""
    with safe_open(saved, framework="pt") as file:
        state = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    save_file(state, saved, metadata={"format": "pt"})
    values = json.loads(saved.with_suffix(".json").read_text())
    saved.with_suffix(".json").write_text(
        json.dumps(values | {"weights_sha256": sha256_of(saved)}),
    )
    return saved


def test_round_trip_gives_the_same_answers_and_card(tmp_path):
    model = _mam().eval()
    path = save_checkpoint(tmp_path / "run" / "best.safetensors", model, CARD)
    loaded = load_checkpoint(path)
    frames = torch.rand(1, 3, 3, 32, 32)
    assert torch.equal(loaded.model(frames).logits, model(frames).logits)
    assert not loaded.model.training
    assert replace(loaded.card, weights_sha256="") == CARD
    assert loaded.card.weights_sha256 == loaded.sha256
    assert loaded.name == "run/best"
    assert sorted(p.name for p in path.parent.iterdir()) == ["best.json", "best.safetensors"]


def test_channels_last_weights_are_saved_as_they_are(tmp_path):
    model = _mam().to(memory_format=torch.channels_last)
    loaded = load_checkpoint(save_checkpoint(tmp_path / "a.safetensors", model, CARD))
    assert torch.equal(next(loaded.model.parameters()), next(model.parameters()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "mom"}, "model is 'mom'"),
        ({"classes": ["wave"]}, "num_classes is not the number of classes"),
        ({"frames": 0}, "frames is 0"),
        ({"layout": "ntu-25"}, "exactly one of input_size"),
        (
            {"overrides": {"num_classes": 2, "weights": "/etc/passwd"}},
            "must not name other weights",
        ),
        ({"overrides": OVERRIDES | {"weights_3d": "a"}}, "must not name other weights"),
        ({"overrides": [1]}, "overrides is .* expected a JSON object"),
        ({"metrics": None}, "metrics is None, expected a JSON object"),
        ({"classes": 3}, "classes is 3, expected a list"),
        ({"classes": None}, "classes is None, expected a list"),
        ({"classes": [1, 2]}, "expected a list of 1 to"),
        ({"model": {}}, "model is {}, expected one of"),
        ({"frames": True}, "frames is True"),
        ({"input_size": "112"}, "input_size is '112', expected null or a whole number"),
        ({"input_size": 112.5}, "input_size is 112.5"),
        ({"input_size": [112]}, "input_size is"),
        ({"input_size": 100_000}, "input_size is 100000"),
        ({"trained_on": "x" * 201}, "trained_on is .* at most 200"),
        ({"overrides": OVERRIDES | {"memory_dim": 10**7}}, "of another shape"),
        ({"overrides": OVERRIDES | {"memory_dim": 10**40}}, "does not describe a model"),
        ({"overrides": OVERRIDES | {"gates": 3}}, "does not describe a model"),
        ({"overrides": OVERRIDES | {"width": 8}}, "of another shape"),
        ({"schema": 99}, "schema 99"),
        ({"surprise": 1}, r"unknown fields \['surprise'\]"),
        ({"modality": "depth"}, "modality is 'depth', expected one of rgb, flow"),
        ({"modality": "flow"}, "modality is 'flow' where overrides have no flow_length"),
        ({"flow_length": 0}, r"flow_length is 0, expected a whole number in 1\.\.64"),
        ({"sampling": ["tsn"]}, "sampling is .* expected one of even, tsn, strided"),
        ({"stride": 0.5}, "stride is 0.5, expected a positive whole number"),
        ({"resize": "long"}, "resize is 'long', expected one of short, square"),
        ({"test_views": "30"}, "test_views is '30'"),
        ({"dataset": None}, "dataset is None, expected a text"),
    ],
)
def test_card_that_does_not_hold_is_refused(saved, change, said):
    card = saved.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    with pytest.raises(CheckpointError, match=said):
        load_checkpoint(saved)


def test_flow_card_with_another_flow_length_than_its_model_is_refused():
    flow = CARD.to_dict() | {"modality": "flow", "flow_length": 1}
    flow["overrides"] = OVERRIDES | {"flow_length": 5}
    with pytest.raises(CheckpointError, match="flow_length differs from that of overrides"):
        Card.from_dict(json.loads(json.dumps(flow)), source="card")


def test_older_card_without_the_later_fields_is_of_rgb(old):
    card = old.with_suffix(".json")
    values = json.loads(card.read_text())
    for later in ("dataset", "protocol", "modality", "flow_length", "sampling", "stride"):
        del values[later]
    card.write_text(json.dumps(values))
    assert replace(load_checkpoint(old).card, weights_sha256="") == CARD


def test_card_of_other_weights_is_refused_where_the_weights_carry_none(old):
    card = old.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"weights_sha256": "0" * 64}))
    with pytest.raises(CheckpointError, match="belongs to other weights"):
        load_checkpoint(old)


@pytest.mark.parametrize("text", [None, "", "{", "[1]", '{"weights_sha256": "0"}', "[" * 100_000])
def test_weights_that_carry_their_card_need_none_beside_them(saved, text):
    saved.with_suffix(".json").unlink()
    if text is not None:
        saved.with_suffix(".json").write_text(text)
    loaded = load_checkpoint(saved)
    assert replace(loaded.card, weights_sha256="") == CARD
    assert loaded.card.weights_sha256 == loaded.sha256


def test_card_beside_weights_is_the_one_that_counts_where_it_is_theirs(saved):
    card = saved.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"trained_on": "my own clips"}))
    assert load_checkpoint(saved).card.trained_on == "my own clips"


def _killed_at_rename(number: int, work: Callable[[], object]) -> None:
    """Do ``work`` in a child process that SIGKILL ends before its rename of this number."""
    child = os.fork()
    if child == 0:
        rename, done = Path.replace, iter(range(10))

        def replaced(self: Path, target: Path) -> Path:
            if next(done) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return rename(self, target)

        Path.replace = replaced
        try:
            work()
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


@pytest.mark.parametrize(("renames", "trained_on"), [(0, "puppets"), (1, "new clips")])
def test_killed_while_saving_leaves_weights_with_their_own_card(saved, renames, trained_on):
    new = load_checkpoint(saved)
    torch.nn.init.ones_(new.model.classifier.bias)
    card = replace(new.card, trained_on="new clips")
    _killed_at_rename(renames, lambda: save_checkpoint(saved, new.model, card))
    loaded = load_checkpoint(saved)
    assert loaded.card.trained_on == trained_on
    assert bool((loaded.model.classifier.bias == 1).all()) == (trained_on == "new clips")
    save_checkpoint(saved, new.model, card)
    assert sorted(p.name for p in saved.parent.iterdir()) == ["best.json", "best.safetensors"]


def test_equal_weights_and_cards_are_equal_bytes(tmp_path):
    model = _mam()
    paths = [save_checkpoint(tmp_path / f"{n}.safetensors", model, CARD) for n in range(8)]
    assert len({path.read_bytes() for path in paths}) == 1


def test_files_have_the_mode_that_the_user_asked_for(tmp_path):
    before = os.umask(0o027)
    try:
        path = save_checkpoint(tmp_path / "best.safetensors", _mam(), CARD)
    finally:
        os.umask(before)
    assert {p.stat().st_mode & 0o777 for p in (path, path.with_suffix(".json"))} == {0o640}


def test_card_with_values_that_json_has_not_leaves_no_file(tmp_path):
    card = replace(CARD, metrics={"top1": float("nan")})
    with pytest.raises(CheckpointError, match="plain finite values"):
        save_checkpoint(tmp_path / "best.safetensors", _mam(), card)
    assert list(tmp_path.iterdir()) == []


def test_more_words_than_a_card_needs_are_refused(saved):
    with pytest.raises(CheckpointError, match="expected nothing but a path"):
        load_checkpoint(saved, classes=["a", "b"])


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"model": "mam"}'])
def test_broken_card_is_refused(old, text):
    old.with_suffix(".json").write_text(text)
    with pytest.raises(CheckpointError, match=r"best\.json"):
        load_checkpoint(old)


@pytest.mark.parametrize("depth", [500, 100_000])
def test_card_nested_too_deep_is_refused(old, depth):
    values = json.loads(old.with_suffix(".json").read_text()) | {"metrics": {"deep": 0}}
    text = json.dumps(values).replace('"deep": 0', '"deep": ' + "[" * depth + "]" * depth)
    old.with_suffix(".json").write_text(text)
    with pytest.raises(CheckpointError, match="nested too deep"):
        load_checkpoint(old)


@pytest.mark.parametrize("odd", [torch.eye(3).to_sparse(), torch.ones(2, device="meta")])
def test_tensors_that_are_not_dense_are_refused(tmp_path, odd):
    torch.save({"weight": odd}, tmp_path / "odd.pt")
    with pytest.raises(CheckpointError, match=r"weight is a sparse, quantised or meta|expected"):
        load_checkpoint(tmp_path / "odd.pt", model="mam", overrides=OVERRIDES)


def test_pickled_weights_without_card_are_not_told_to_bring_one_beside_them(tmp_path):
    torch.save(_mam().state_dict(), tmp_path / "foreign.pt")
    with pytest.raises(CheckpointError, match="expected a card inside it"):
        load_checkpoint(tmp_path / "foreign.pt")


def test_endings_in_capitals_are_read(saved):
    loud = saved.rename(saved.with_suffix(".SAFETENSORS"))
    assert load_checkpoint(loud).card.classes == CARD.classes


def test_what_is_no_file_or_may_not_be_read_is_told_so(tmp_path, saved, monkeypatch):
    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(CheckpointError, match="no regular file"):
        load_checkpoint(tmp_path / "pipe.safetensors")

    def denied(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(CheckpointError, match=r"opened \(Permission denied"):
        load_checkpoint(saved)


def test_weights_without_card_say_what_to_do(old):
    old.with_suffix(".json").unlink()
    with pytest.raises(CheckpointError, match=r"expected best\.json beside it"):
        load_checkpoint(old)
    loaded = load_checkpoint(old, model="mam", overrides=OVERRIDES, classes=["a", "b"])
    assert loaded.card.classes == ("a", "b")
    assert loaded.card.trained_on == "unknown data"


@pytest.mark.parametrize("name", ["x.safetensors", "x.pt", "x.pth", "x.ckpt"])
@pytest.mark.parametrize("content", [b"", b"not weights at all", bytes(range(256)) * 40])
def test_noise_under_a_weights_name_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(path, model="mam", overrides=OVERRIDES)


def test_truncated_weights_are_refused(saved):
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        load_checkpoint(saved)


class _Touch:
    """Pickled, it makes a file when unpickled: what a malicious checkpoint could do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_malicious_checkpoint_runs_nothing(tmp_path, how):
    path, touched = tmp_path / "evil.pt", tmp_path / "touched"
    evil = {"state_dict": {"weight": _Touch(touched)}}
    if how == "torch":
        torch.save(evil, path)
    else:
        path.write_bytes(pickle.dumps(evil))
    with pytest.raises(CheckpointError, match="never loaded"):
        load_checkpoint(path, model="mam", overrides=OVERRIDES)
    assert not touched.exists()


def test_foreign_state_dict_is_read_under_its_wrappers(tmp_path):
    model = _mam().eval()
    wrapped = {
        "epoch": 3,
        "state_dict": {f"model.module._orig_mod.{k}": v for k, v in model.state_dict().items()},
    }
    torch.save(wrapped, tmp_path / "foreign.pth")
    loaded = load_checkpoint(tmp_path / "foreign.pth", model="mam", overrides=OVERRIDES)
    assert loaded.card.classes == ("class 0", "class 1")
    assert torch.equal(loaded.model.classifier.weight, model.classifier.weight)


def test_checkpoint_that_carries_its_card_needs_no_other(tmp_path):
    state = {f"model.{k}": v for k, v in _mam().state_dict().items()}
    torch.save({"state_dict": state, CARD_KEY: CARD.to_dict()}, tmp_path / "last.ckpt")
    assert load_checkpoint(tmp_path / "last.ckpt").card.classes == CARD.classes


@pytest.mark.parametrize("payload", [[1, 2], {"a": 1}, {}, torch.ones(2)])
def test_tensor_file_that_is_no_state_dict_is_refused(tmp_path, payload):
    torch.save(payload, tmp_path / "odd.pt")
    with pytest.raises(CheckpointError, match="expected a state dict"):
        load_checkpoint(tmp_path / "odd.pt", model="mam", overrides=OVERRIDES)


def test_values_that_are_not_finite_are_refused(tmp_path):
    model = _mam()
    model.classifier.bias.data[0] = float("nan")
    path = save_checkpoint(tmp_path / "nan.safetensors", model, CARD)
    with pytest.raises(CheckpointError, match=r"classifier\.bias .*not finite"):
        load_checkpoint(path)


def test_mismatch_lists_keys_in_words_and_names_the_nearest_builder(tmp_path):
    state = models.build("man", num_classes=12).state_dict()
    state.pop("classifier.bias", None)
    save_file({k: v.contiguous() for k, v in state.items()}, tmp_path / "skeletons.safetensors")
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path / "skeletons.safetensors", model="mam", overrides=OVERRIDES)
    said = str(error.value)
    assert "missing: " in said and "unexpected: " in said and " more" in said
    assert 'Nearest is models.build("man", …)' in said


def test_asking_for_another_model_than_the_card_names_is_refused(saved):
    with pytest.raises(CheckpointError, match="expected weights of man; these are of mam"):
        load_checkpoint(saved, model="man")


def test_other_endings_and_missing_files_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="there is none"):
        load_checkpoint(tmp_path / "nowhere.safetensors")
    (tmp_path / "weights.h5").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"got '\.h5'"):
        load_checkpoint(tmp_path / "weights.h5")
    with pytest.raises(CheckpointError, match=r"saved as \.safetensors"):
        save_checkpoint(tmp_path / "a.pt", _mam(), CARD)
