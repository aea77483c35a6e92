"""What every model promises, whatever its paper."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest
import torch
from torch import Tensor, nn

import models

BATCH, FRAMES, CLASSES = 2, 6, 5
NARROW: dict[str, object] = {"backbone": "resnet18_narrow", "width": 4}
HIDDEN: dict[str, object] = {"hidden_dim": 8}
MAPS: dict[str, object] = HIDDEN | {"map_size": (2, 2), "head_dim": 12}  # of 32 pixels
MAM_DIMS: dict[str, object] = {"memory_dim": 8, "hidden_dim": 8, "controller_dim": 16}
SMALL: dict[str, dict[str, object]] = {  # a builder's name, and behind a blank its variant
    "mam": NARROW | MAM_DIMS,
    "mam flow": NARROW | MAM_DIMS | {"flow_length": 5},
    "tmnet": NARROW,
    "tmnet flow": NARROW | {"flow_length": 1},
    "tmnet 3d-a": NARROW | {"variant": "3d-a"},
    "tmnet 3d-b": NARROW | {"variant": "3d-b", "base_stages": 3},
    "man": {"frames": 16, "joints": 25, "hidden": 8, "reduction": 4},
    "man densenet161": {"frames": 29, "hidden": 8, "reduction": 4, "stcm": "densenet161"},
    "tsn": NARROW,
    "tsn flow": NARROW | {"flow_length": 5},
    "tsm": NARROW | {"width": 8},
    "tsm flow": NARROW | {"width": 8, "flow_length": 5},
    "res_i3d": {"backbone": "i3d_resnet18_narrow", "width": 4},
    "res_i3d flow": {"backbone": "i3d_resnet18_narrow", "width": 4, "flow_length": 5},
    "resnet3d18": {"width": 4},
    "convnet": NARROW,
    "lstm": NARROW | HIDDEN,
    "lstm flow": NARROW | HIDDEN | {"flow_length": 5},
    "alstm": NARROW | HIDDEN,
    "convlstm": NARROW | MAPS,
    "videolstm": NARROW | MAPS,
    "videolstm flow": NARROW | MAPS | {"flow_length": 1, "motion_length": 1},
    "videolstm unmoved": NARROW | MAPS | {"motion": False},
    "l2stm": NARROW | MAPS,
    "tslstm": NARROW | HIDDEN,
    "stcm": {"frames": 16},
    "tarm": {"frames": 16, "hidden": 8, "reduction": 4},
    "bgru": {"frames": 16, "hidden": 8, "layers": 2},
    "skeleton_lstm": {"frames": 16, "hidden": 8},
    "stgcn": {"frames": 16, "channels": (8, 8, 12)},
}
LARGE_FIELDS = {"key", "rows", "memory_size"}  # integers
ON_FRAMES = [n for n in SMALL if n.split()[0] not in models.ON_JOINTS]


def of(name: str) -> str:
    """Builder of a variant."""
    return name.split()[0]


def small(name: str, **more: object) -> nn.Module:
    torch.manual_seed(0)
    return models.build(of(name), num_classes=CLASSES, **SMALL[name], **more)


def inputs(name: str, batch: int = BATCH) -> tuple[Tensor, ...]:
    draw = torch.Generator().manual_seed(1)
    if of(name) in models.ON_JOINTS:
        joints = torch.randn(batch, FRAMES, 2, 25, 3, generator=draw)
        return joints, torch.ones(batch, FRAMES, 2, dtype=torch.bool)
    frames = torch.rand(batch, FRAMES, channels(name), 32, 32, generator=draw)
    if not reads_flow_too(name):
        return (frames,)
    length = SMALL[name].get("motion_length", 5)
    assert isinstance(length, int)
    return frames, torch.rand(batch, FRAMES, 2 * length, 32, 32, generator=draw)


def reads_flow_too(name: str) -> bool:
    return of(name) in ("videolstm", "l2stm", "tslstm") and SMALL[name].get("motion", True) is True


def channels(name: str) -> int:
    length = SMALL[name].get("flow_length")
    return 2 * length if isinstance(length, int) else 3


def run(name: str, model: nn.Module, given: tuple[Tensor, ...]):
    return model(*given, key=FRAMES // 2) if of(name) == "tmnet" else model(*given)


@pytest.fixture(params=sorted(SMALL))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_every_builder_has_a_small_form_here_and_a_loss() -> None:
    assert {of(name) for name in SMALL} == set(models.BUILDERS) == set(models.LOSSES)


def test_output_is_a_frozen_dataclass_of_finite_tensors(name: str) -> None:
    output = run(name, small(name).eval(), inputs(name))
    assert is_dataclass(output) and output.logits.shape == (BATCH, CLASSES)
    for field in fields(output):
        value = getattr(output, field.name)
        if value is None:  # a rival without attention, or without a state
            assert field.default is None, field.name
            continue
        assert value.shape[0] == BATCH and value.isfinite().all(), field.name
        integer = field.name in LARGE_FIELDS
        assert value.dtype == (torch.int64 if integer else torch.float32), field.name
    with pytest.raises(FrozenInstanceError):
        output.logits = output.logits


def test_gradient_reaches_every_parameter_under_the_models_own_loss(name: str) -> None:
    model = small(name, **({} if of(name) == "tmnet" else {"dropout": 0.0}))
    given = inputs(name, batch=4)
    if of(name) == "mam":  # one early write, the rest as the controller decides
        force = torch.full((4, FRAMES), torch.nan)
        force[:, 0] = 1
        output = model.rollout(model.features(*given), force=force)
    else:
        output = run(name, model, given)
    models.LOSSES[of(name)](output, torch.arange(4) % CLASSES).backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # No parameter is exempt. (MAN's convolution biases before a batch normalisation have gradient
    # 0 in exact arithmetic; being reached shows in what rounding leaves.)
    assert not silent


def test_eval_is_deterministic(name: str) -> None:
    model, given = small(name).eval(), inputs(name)
    torch.testing.assert_close(
        run(name, model, given).logits, run(name, model, given).logits, rtol=0, atol=0
    )


def test_batch_of_two_equals_two_batches_of_one(name: str) -> None:
    model, given = small(name).eval(), inputs(name)
    both = run(name, model, given)
    for b in range(BATCH):
        alone = run(name, model, tuple(x[b : b + 1] for x in given))
        for field in fields(both):
            if getattr(both, field.name) is None:
                continue
            torch.testing.assert_close(
                getattr(alone, field.name)[0], getattr(both, field.name)[b], rtol=1e-4, atol=1e-5
            )


def test_permuting_the_batch_permutes_the_output(name: str) -> None:
    model, given = small(name).eval(), inputs(name)
    turned = run(name, model, tuple(x.flip(0) for x in given)).logits
    torch.testing.assert_close(turned.flip(0), run(name, model, given).logits, rtol=1e-4, atol=1e-5)


def test_state_dict_round_trip(name: str) -> None:
    model, given = small(name).eval(), inputs(name)
    torch.manual_seed(9)
    other = models.build(of(name), num_classes=CLASSES, **SMALL[name]).eval()
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(run(name, other, given).logits, run(name, model, given).logits)


def test_normalisation_constants_are_not_in_the_state_dict(name: str) -> None:
    keys = small(name).state_dict()
    assert not any(k.endswith((".mean", ".std")) for k in keys)


def test_wrong_shape_is_refused_with_what_was_expected(name: str) -> None:
    model = small(name)
    bad = (torch.rand(2, 3),) if len(inputs(name)) == 1 else (torch.rand(2, 3), torch.ones(2, 3))
    with pytest.raises(ValueError, match="must have shape"):
        run(name, model, bad)


@pytest.mark.parametrize("name", ON_FRAMES)
def test_pixels_that_were_not_scaled_are_refused(name: str) -> None:
    pixels = torch.zeros(BATCH, FRAMES, channels(name), 32, 32, dtype=torch.uint8)
    model = small(name)
    for look in (model, getattr(model, "glance", model)):
        with pytest.raises(TypeError, match=r"got uint8\. Divide pixels by 255"):
            look(pixels)


def test_unknown_model_names_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"mam, tmnet, man, tsn, .*Did you mean 'tmnet'"):
        models.build("tmnets", num_classes=3)


def test_unknown_keyword_names_the_valid_ones_and_the_nearest(name: str) -> None:
    with pytest.raises(TypeError, match=r"num_classes.*Did you mean 'dropout'"):
        models.build(of(name), num_classes=3, dropuot=0.1)


def test_missing_number_of_classes_is_said(name: str) -> None:
    with pytest.raises(TypeError, match="num_classes"):
        models.build(of(name))


def test_package_imports_with_torch_and_torchvision_alone() -> None:
    """A finder refuses whatever torch and torchvision do not bring along themselves."""
    ours = ["actviz", "explorer", "av", "cv2", "matplotlib", "plotly", "streamlit", "mediapipe"]
    theirs = ["lightning", "pytorch_grad_cam", "safetensors", "scipy", "sklearn", "pandas", "tqdm"]
    blocked = ours + theirs
    code = f"""
import sys
import torch, torchvision
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError("blocked: " + name)
sys.meta_path.insert(0, Block())
for name in {blocked!r}:
    sys.modules.pop(name, None)
before = set(sys.modules)
import models
new = {{m.split(".")[0] for m in set(sys.modules) - before}}
new -= set(sys.stdlib_module_names) | {{"models", "torch", "torchvision"}}
assert not new, new
models.build("tsn", num_classes=2, backbone="resnet18_narrow", width=4)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """No TF32 in this test; as it was after it."""
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("training", [True, False])
def test_forward_and_backward_on_a_gpu(name: str, training: bool) -> None:
    for more in ({"cell": "torch"}, {}) if of(name) == "man" else ({},):
        model = small(name, **more).cuda().train(training)
        output = run(name, model, tuple(x.cuda() for x in inputs(name)))
        models.LOSSES[of(name)](output, torch.zeros(BATCH, dtype=torch.int64).cuda()).backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
        assert output.logits.is_cuda and output.logits.isfinite().all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gpu_agrees_with_cpu(name: str, full_precision: None) -> None:
    model, given = small(name).eval(), inputs(name)
    here = run(name, model, given).logits
    there = run(name, model.cuda(), tuple(x.cuda() for x in given)).logits
    torch.testing.assert_close(there.cpu(), here, rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", [n for n in SMALL if of(n) == "tmnet"])
def test_glance_on_a_gpu_agrees_with_cpu(name: str, full_precision: None) -> None:
    model, (frames,) = small(name).eval(), inputs(name)
    here, there = model.glance(frames), model.cuda().glance(frames.cuda())
    for field in fields(here):
        a, b = getattr(here, field.name), getattr(there, field.name)
        torch.testing.assert_close(b.cpu(), a, rtol=1e-3, atol=1e-3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_forced_rollout_on_a_gpu_agrees_with_cpu(full_precision: None) -> None:
    model, (frames,) = small("mam").eval(), inputs("mam")
    force = torch.full((BATCH, FRAMES), torch.nan)  # on the CPU: rollout takes it along
    force[:, 1], force[:, 3] = 0, 1
    here = model.rollout(model.features(frames), force=force)
    there = model.cuda().rollout(model.features(frames.cuda()), force=force)
    assert torch.equal(there.written.cpu(), here.written)
    torch.testing.assert_close(there.logits.cpu(), here.logits, rtol=1e-3, atol=1e-4)
