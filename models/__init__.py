"""The papers as models. Needs torch and torchvision, nothing else.

model = build("mam", num_classes=101, backbone="resnet50")
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from torch import Tensor, nn

from models.backbones import BACKBONES, FrameCNN, build_backbone
from models.backbones3d import BACKBONES_3D, ClipCNN, build_backbone_3d, to_channels_last
from models.baselines.attention_lstm import AttentionLSTM
from models.baselines.clip_nets import ClipNetOutput, ResI3D, ResNet3D18, clip_net_loss
from models.baselines.conv_lstm import ConvLSTM
from models.baselines.convnet import ConvNet
from models.baselines.lattice_lstm import LatticeLSTM, LatticeOutput, lattice_lstm_loss
from models.baselines.lstm import LSTM
from models.baselines.sequence import (
    SequenceModel,
    SequenceOutput,
    TwoStreamModel,
    answer_over_time,
    sequence_loss,
)
from models.baselines.skeleton_nets import (
    BGRU,
    SkeletonLSTM,
    SkeletonOutput,
    STCMAlone,
    TARMAlone,
)
from models.baselines.stgcn import STGCN
from models.baselines.ts_lstm import TSLSTM, ts_lstm_loss
from models.baselines.tsm import TSM
from models.baselines.tsn import (
    TSN,
    TSNOutput,
    freeze_partial_bn,
    tsn_loss,
    tsn_parameter_groups,
)
from models.baselines.video_lstm import VideoLSTM
from models.mam import MAM, MAMOutput, mam_loss
from models.man import MAN, NTU_ROLES, MANOutput, man_loss, man_parameter_groups, skeleton_to_image
from models.tmnet import TMNet, TMNetGlance, TMNetOutput, tmnet_loss

__all__ = [
    "BACKBONES",
    "BACKBONES_3D",
    "BGRU",
    "BUILDERS",
    "LOSSES",
    "LSTM",
    "MAM",
    "MAN",
    "NTU_ROLES",
    "ON_JOINTS",
    "STGCN",
    "TSLSTM",
    "TSM",
    "TSN",
    "AttentionLSTM",
    "ClipCNN",
    "ClipNetOutput",
    "ConvLSTM",
    "ConvNet",
    "FrameCNN",
    "LatticeLSTM",
    "LatticeOutput",
    "MAMOutput",
    "MANOutput",
    "ResI3D",
    "ResNet3D18",
    "STCMAlone",
    "SequenceModel",
    "SequenceOutput",
    "SkeletonLSTM",
    "SkeletonOutput",
    "TARMAlone",
    "TMNet",
    "TMNetGlance",
    "TMNetOutput",
    "TSNOutput",
    "TwoStreamModel",
    "VideoLSTM",
    "answer_over_time",
    "build",
    "build_backbone",
    "build_backbone_3d",
    "clip_net_loss",
    "freeze_partial_bn",
    "lattice_lstm_loss",
    "mam_loss",
    "man_loss",
    "man_parameter_groups",
    "sequence_loss",
    "skeleton_to_image",
    "tmnet_loss",
    "to_channels_last",
    "ts_lstm_loss",
    "tsn_loss",
    "tsn_parameter_groups",
]

BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "mam": MAM,
    "tmnet": TMNet,
    "man": MAN,
    "tsn": TSN,
    "tsm": TSM,
    "res_i3d": ResI3D,
    "resnet3d18": ResNet3D18,
    "convnet": ConvNet,
    "lstm": LSTM,
    "alstm": AttentionLSTM,
    "convlstm": ConvLSTM,
    "videolstm": VideoLSTM,
    "l2stm": LatticeLSTM,
    "tslstm": TSLSTM,
    "stcm": STCMAlone,
    "tarm": TARMAlone,
    "bgru": BGRU,
    "skeleton_lstm": SkeletonLSTM,
    "stgcn": STGCN,
}
LOSSES: dict[str, Callable[..., Tensor]] = {
    "mam": mam_loss,
    "tmnet": tmnet_loss,
    "man": man_loss,
    "tsn": tsn_loss,
    "tsm": tsn_loss,
    "res_i3d": clip_net_loss,
    "resnet3d18": clip_net_loss,
    "convnet": sequence_loss,
    "lstm": sequence_loss,
    "alstm": sequence_loss,
    "convlstm": sequence_loss,
    "videolstm": sequence_loss,
    "l2stm": lattice_lstm_loss,
    "tslstm": ts_lstm_loss,
    **dict.fromkeys(("stcm", "tarm", "bgru", "skeleton_lstm", "stgcn"), man_loss),
}
ON_JOINTS = ("man", "stcm", "tarm", "bgru", "skeleton_lstm", "stgcn")  # the others: on pictures


def build(name: str, **overrides: Any) -> nn.Module:
    """Model by name, its keyword arguments overridden by ``overrides``.

    Raises:
        ValueError: no such model. TypeError: a keyword it has not, or ``num_classes`` missing.
    """
    if name not in BUILDERS:
        raise ValueError(
            f"model must be one of {', '.join(BUILDERS)}; got {name!r}.{_nearest(name, BUILDERS)}"
        )
    known = [k for k in inspect.signature(BUILDERS[name]).parameters if k != "self"]
    for keyword in overrides:
        if keyword not in known:
            raise TypeError(
                f"{name} has no keyword {keyword!r}; it has {', '.join(known)}."
                f"{_nearest(keyword, known)}"
            )
    if "num_classes" not in overrides:
        raise TypeError(f'{name} needs num_classes, as in build("{name}", num_classes=12).')
    return BUILDERS[name](**overrides)


def _nearest(word: str, known: Any) -> str:
    close = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
