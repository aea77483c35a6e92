"""What a recipe can say, as plain typed dataclasses; the named ones are in the files beside this.

The paper's value stands where the paper gives one; a comment says "ours" where it is silent or
where we differ. Numbers of iterations are optimiser steps.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = [
    "TWO_STREAM",
    "ClipRecipe",
    "MAMRecipe",
    "MANRecipe",
    "PictureRecipe",
    "Recipe",
    "SequenceRecipe",
    "TMNetRecipe",
    "TSNRecipe",
]

TWO_STREAM = ("videolstm", "l2stm", "tslstm")  # models that read flow beside the frames


@dataclass(frozen=True)
class Recipe:
    """What every training has. The subclasses add their model's own choices."""

    name: str
    model: str  # a key of models.BUILDERS
    summary: str  # one sentence for `actviz recipes`
    ours: tuple[str, ...] = ()  # fields on which the paper is silent, or where we differ from it
    # data
    data: str = "puppets"  # a key of actviz.datasets.DATASETS
    protocol: str = ""  # official split; "": the data set's usual one
    train_clips: int = 0  # so many, spread evenly; 0: all there are
    val_clips: int = 0
    test_clips: int = 0
    val_share: float = 0.1  # of the training part, whole groups, where the set names no validation
    frames: int = 16  # T that the model sees of one clip
    # optimisation
    epochs: int = 10  # where iterations is 0
    iterations: int = 0  # optimiser steps in all, in place of epochs; 0: by epochs
    batch_size: int = 32  # clips of one optimiser step, over all devices and accumulated parts
    accumulate: int = 1  # parts that a batch is computed in, one after the other
    optimiser: Literal["sgd", "adamw", "rmsprop"] = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.9  # of "sgd" and "rmsprop"
    smoothing: float = 0.9  # "rmsprop": what the mean of squared gradients keeps at each step
    nesterov: bool = False
    weight_decay: float = 5e-4
    clip_norm: float = 20.0  # total gradient norm; 0: not clipped
    schedule: Literal["constant", "step", "cosine", "plateau"] = "cosine"
    milestones: tuple[int, ...] = ()  # iterations after which "step" divides the rate by ten
    warmup: int = 0  # iterations of linear warm-up
    plateau_factor: float = 0.2  # "plateau", on the validation loss, as Keras has it
    plateau_patience: int = 5  # epochs without a better loss
    plateau_cooldown: int = 3  # epochs
    least_rate: float = 1e-4  # below which "plateau" never goes
    # choosing and keeping
    choose: Literal["val", "last", "test"] = "val"  # which epoch is kept: "test" is MAN's, biased
    save_every: int = 200  # iterations between two last.ckpt, beside one at each epoch's end
    stored: Literal["float32", "float16"] = "float32"  # the finished weights; half is half the size
    # running
    seed: int = 0
    repeats: int = 1  # trainings with seeds seed, seed + 1, …; the first is kept, spread reported
    device: str = "auto"
    devices: int = 1  # GPUs, or processes on the CPU, of each node
    nodes: int = 1
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    channels_last: bool = True
    compile: bool = False  # torch.compile
    threads: int = 0  # CPU threads, on which the last digits depend; 0: torch's choice
    workers: int = -1  # processes that read clips; -1: as many as fit the machine

    def build_overrides(self, classes: int) -> dict[str, Any]:
        """Keyword arguments of ``models.build(self.model, …)``, without weights to start from."""
        return {"num_classes": classes}

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON takes them."""
        return asdict(self)


@dataclass(frozen=True)
class PictureRecipe(Recipe):
    """Trainings on frames or optical flow."""

    # network
    backbone: str = "resnet18"
    width: int | None = None  # channels of the narrow backbone's first stage
    weights: str = ""  # the frame CNN starts from: "imagenet", a file of any known kind, "" random
    start_from: str = ""  # or from one of our checkpoints: a bundled name or a file
    freeze_backbone: bool = False  # features computed once; only the head learns (tsn, mam)
    backbone_rate: float = 1.0  # learning rate of the backbone over that of the rest
    partial_bn: bool = False  # all batch normalisation but the first is frozen (TSN)
    tsn_groups: bool = False  # TSN's rates and decays: biases x2 undecayed, flow's first layer x5
    dropout: float = 0.0
    # what is seen
    modality: Literal["rgb", "flow"] = "rgb"
    flow_length: int = 5  # L, consecutive flow fields of one snippet: 2L channels
    input_size: int = 224  # pixels
    resize: Literal["short", "square"] = (
        "short"  # before cropping: short side, or both, to ``side``
    )
    side: int = 256  # pixels
    sampling: Literal["even", "tsn", "strided"] = "tsn"  # which frames training draws
    stride: int = 1  # frames between two of a "strided" clip
    stored_frames: int = 32  # puppets: frames of a clip kept in the cache, from which T are drawn
    views: int = 2  # frozen backbone: augmented views of each clip whose features are stored
    # variation, the same for all frames of a clip
    augment: Literal["none", "mild", "multiscale"] = "multiscale"  # mild: shift, mirror, colour
    scales: tuple[float, ...] = (1.0, 0.875, 0.75, 0.66)  # "multiscale" crops, of the short side
    max_distort: int = 1  # places in ``scales`` that width and height may be apart
    more_positions: bool = True  # 13 crop positions instead of 5
    flip: bool = True  # mirror half of the clips; flow's x changes its sign
    # evaluation
    test_views: Literal["25x10", "10-crop", "25", "centre", "25-clips", "glance"] = "centre"

    def build_overrides(self, classes: int) -> dict[str, Any]:
        own: dict[str, Any] = {
            "num_classes": classes,
            "backbone": self.backbone,
            "width": self.width,
        }
        if self.modality == "flow":
            own["flow_length"] = self.flow_length
        return own


@dataclass(frozen=True)
class TSNRecipe(PictureRecipe):
    """TSN: the mean of single frames' logits; also the frame CNN for the others."""

    small_epochs: int = 0  # first epochs at half the input size: off chance sooner, four times fast

    def build_overrides(self, classes: int) -> dict[str, Any]:
        return super().build_overrides(classes) | {"dropout": self.dropout}


@dataclass(frozen=True)
class ClipRecipe(PictureRecipe):
    """What TMNet is compared with: TSM, Res-I3D and ResNet3D-18 see a clip's frames together."""

    def build_overrides(self, classes: int) -> dict[str, Any]:
        return super().build_overrides(classes) | {"dropout": self.dropout}


@dataclass(frozen=True)
class MAMRecipe(PictureRecipe):
    """MAM (Yuan et al., AAAI 2019), end to end as published or on frozen features."""

    memory_dim: int = 512  # D
    hidden_dim: int = 512  # H
    controller_dim: int = 512  # K
    output_bias: float = 1.0  # of q_t; ours, the paper writes none: 0 leaves memories empty
    threshold: float = 0.5  # thr of eq. 9; 0 writes everything
    # what the paper argues for, each of which can be done without
    reset: bool = True  # the LSTM starts anew after a frame that is not written (eq. 4, 5)
    inputs: tuple[str, ...] = ("feature", "context", "history")  # of the controller (eq. 6)
    read: Literal["mean", "sum"] = "mean"  # of the memory
    writes: Literal["discrete", "soft"] = "discrete"  # soft: s_t = a_t

    def build_overrides(self, classes: int) -> dict[str, Any]:
        own = ("memory_dim", "hidden_dim", "controller_dim", "output_bias", "dropout")
        switches = ("threshold", "reset", "inputs", "read", "writes")
        return super().build_overrides(classes) | {k: getattr(self, k) for k in own + switches}


@dataclass(frozen=True)
class SequenceRecipe(PictureRecipe):
    """What MAM is compared with, as VideoLSTM's code trains it: on features of a frozen CNN.

    Two-stream models read RGB frames and the flow around each; ``modality`` is then "rgb".
    """

    freeze_backbone: bool = True
    hidden_dim: int = 512  # H
    head_dim: int = 1024  # of the layer between hidden state and answer
    motion_length: int = 5  # two streams: L, flow fields around each frame
    motion_weights: str = ""  # two streams: the motion CNN starts as ``weights`` says of the other
    start_from_flow: str = ""  # or as ``start_from``

    def build_overrides(self, classes: int) -> dict[str, Any]:
        own = super().build_overrides(classes) | {"dropout": self.dropout}
        if self.model != "convnet":
            own["hidden_dim"] = self.hidden_dim
        if self.model not in ("convnet", "tslstm"):
            own["head_dim"] = self.head_dim
        if self.model in TWO_STREAM:
            own["motion_length"] = self.motion_length
        return own


@dataclass(frozen=True)
class TMNetRecipe(PictureRecipe):
    """TMNet (Liu et al., IEEE Access 2020): one glance learns from many frames."""

    variant: Literal["2d", "3d-a", "3d-b"] = "2d"
    backbone_3d: str = ""  # of the 3-D kinds
    weights_3d: str = ""  # its start, a file; "": the 2-D network's, inflated
    base_stages: int = 2  # of four; the rest is each branch's own
    alpha: float = 0.8  # weight of the regression loss, the paper's best
    key: Literal["begin", "middle", "end", "centre", "any"] = "middle"  # where key frames are drawn
    level: Literal["vector", "map"] = "vector"  # regressed, after or before global average pooling
    detach_target: bool = True  # the regression moves RB and the base alone

    def build_overrides(self, classes: int) -> dict[str, Any]:
        own: dict[str, Any] = {
            "base_stages": self.base_stages,
            "key_third": self.key,
            "dropout": self.dropout,
        }
        if self.variant != "2d":
            own |= {"variant": self.variant, "backbone_3d": self.backbone_3d}
        return super().build_overrides(classes) | own


STCMName = Literal[
    "conv9",
    "preact18",
    "preact34",
    "preact50",
    "preact101",
    "preact152",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "densenet161",
]
_OF_TARM = ("hidden", "reduction", "cell", "attention")
_TAKEN = {  # by each model on skeletons, beside what is given where it is not the model's own
    "man": ("frames", *_OF_TARM),
    "stcm": ("frames",),
    "tarm": ("frames", *_OF_TARM),
    "bgru": ("frames", "hidden", "layers"),
    "skeleton_lstm": ("frames", "hidden", "layers"),
    "stgcn": ("frames",),
}


@dataclass(frozen=True)
class MANRecipe(Recipe):
    """MAN (Xie et al., IJCAI 2018) and what it is compared with, on skeletons."""

    layout: str = "ntu-25"  # skeletons are converted to it; "": as the data set has them
    stcm: STCMName = "conv9"
    weights: str = ""  # of torchvision's networks: "imagenet", a file, "" random
    hidden: int = 64  # units of each direction of a recurrent layer
    layers: int = 1  # of them, one above the other: "bgru", "skeleton_lstm"
    reduction: int = 16  # of the attention's bottleneck
    cell: Literal["torch", "keras"] = "torch"
    attention: Literal["trained", "frozen", "none"] = "trained"
    channels: tuple[int, ...] = ()  # of each block of "stgcn"; (): its own
    dropout: float | None = None  # null: the model's own
    recurrent_dropout: float | None = None  # of Keras's cell; null: the model's own
    # share of a new batch in batch normalisation's statistics ("man", "stcm"); null: the model's
    # own, the published hundredth, which wants thousands of steps
    norm_momentum: float | None = None
    # variation, all off in the paper
    turn: float = 0.0  # degrees, most, about the vertical
    scale: float = 0.0  # most, share of the body's size
    speed: float = 0.0  # most, share of the pace
    crop: float = 0.0  # most, share of the length cut from each end
    noise: float = 0.0  # metres, most, standard deviation of the joints' noise
    hips_share: float = 0.0  # of clips centred on the hips, beside those that come so
    mirror: float = 0.0  # of clips seen in a mirror, left and right exchanged

    def build_overrides(self, classes: int) -> dict[str, Any]:
        own: dict[str, Any] = {"num_classes": classes}
        own |= {name: getattr(self, name) for name in _TAKEN[self.model]}
        if self.stcm != "conv9":
            own["stcm"] = self.stcm
        if self.channels:
            own["channels"] = self.channels
        for name in ("dropout", "recurrent_dropout"):
            if getattr(self, name) is not None:
                own[name] = getattr(self, name)
        if self.norm_momentum is not None:
            own["momentum"] = self.norm_momentum
        return own
