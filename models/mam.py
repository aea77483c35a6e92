"""MAM: a growing memory whose writes are discrete decisions.

Memory-Augmented Temporal Dynamic Learning for Action Recognition
Yuan Yuan, Dong Wang, Qi Wang, AAAI 2019, https://arxiv.org/abs/1904.13080

    mh_t = mean of the items in M_{t-1}, 0 if empty                                        (1)
    M_t  = append(M_{t-1}, W_w x_t)  if s_t = 1,  else M_{t-1}                             (2)
    ĥ_t, ĉ_t = LSTM(x_t; h_{t-1}, c_{t-1}),   ce_t = ĥ_t                                   (3)
    h_t = s_t ĥ_t,   c_t = s_t ĉ_t                                                         (4, 5)
    q_t = v_s · ReLU(W_sf x_t + W_sc ce_t + W_sm mh_t + b_s)                               (6)
    a_t = σ(q_t)                                                                           (7)
    s_t = 1 if a_t > thr else 0,   thr = 0.5                                               (8, 9)
    ∂s_t/∂q_t = σ(q_t)(1 − σ(q_t)), the straight-through estimator                         (10)
    video feature = mean of the items in M_T -> classifier

Where we differ, and why
- Eq. 1 is printed as a sum; the text says average, and so do we. ``read="sum"`` reads as printed;
  the video feature stays the average that the text asks for, twice.
- The list is kept as a sum S_t and a count n_t, which gives the same reads and lets the gradient
  of eq. 10 pass: ∂out/∂s_t = (m_t − out)/n_T for n_T ≥ 1, and m_t where the memory is empty.
- q_t has a scalar bias that starts at +1 (the paper writes none). With 0 the first decisions hang
  on the seed, and an empty memory gives the controller nothing to learn from.
- Each frame's feature is divided by its root mean square, so that features have scale 1 whatever
  the backbone: the controller does not become selective on small ones. ``feature_norm="none"``
  leaves them as they are.
- The paper names no sizes and no dropout: 512 as in the LSTMs it compares with, 0.8 as in TSN.
- An empty memory is read as the zero vector; nothing is forced to be written.
- Switches that the paper argues about and does not show, its own choice the default: ``reset``
  (eq. 4, 5), ``inputs`` (the terms of eq. 6; one left out is read as zeros, b_s stays), ``read``
  (eq. 1) and ``writes`` ("soft": s_t = a_t, so that a frame weighs a_t in the averages, keeps that
  share of the state, and nothing is compared with a threshold). They change no parameter's shape.
- Under autocast the recurrence runs in single precision, whatever the features came in: rounding
  flips decisions. Sum and count are never narrower: a count of bfloat16 stops at 256.

B batch · T frames · d CNN feature · D memory item · H LSTM · C controller · K classes
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.backbones import build_backbone, check_clip

__all__ = ["CONTROLLER_INPUTS", "MAM", "MAMOutput", "mam_loss", "write_decision"]

CONTROLLER_INPUTS = ("feature", "context", "history")  # the terms of eq. 6, in its order


@dataclass(frozen=True)
class MAMOutput:
    """Everything that happened at each frame, in the order of the frames."""

    logits: Tensor  # (B, K), before softmax
    write_probability: Tensor  # (B, T), a_t in [0, 1], eq. 7
    written: Tensor  # (B, T), s_t: 0. or 1., eq. 8 or forced; a_t where writes are soft
    memory_items: Tensor  # (B, T, D), W_w x_t; those with written = 1 are the memory, eq. 2
    memory_size: Tensor  # (B, T) int64, items in M_t, after frame t; soft: Σ a_t, rounded
    context: Tensor  # (B, T, H), ce_t, eq. 3
    history: Tensor  # (B, T, D), mh_t, read before frame t is written, eq. 1
    score: Tensor  # (B, T), q_t, eq. 6
    score_terms: Tensor  # (B, T, 3), what each of CONTROLLER_INPUTS adds to q_t; no gradient
    video_feature: Tensor  # (B, D), mean of M_T, zeros where nothing was written


def write_decision(score: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """Write probability a and decision s of a controller score q, each of its shape (eq. 7–10)."""
    probability = torch.sigmoid(score)  # eq. 7
    hard = (probability > threshold).to(score.dtype)  # eq. 8, 9: strict ">"
    # Eq. 10, straight-through: ds/da = 1. The difference is exactly 0, so s is exactly 0 or 1.
    written = hard + (probability - probability.detach())
    return probability, written


def _mean_of(total: Tensor, count: Tensor) -> Tensor:
    """Mean of a memory kept as sum (B, D) and count (B, 1); zeros where it is empty (eq. 1)."""
    # Not clamp(min=1): its gradient is 0 at a count of 1, which spoils eq. 10 after one write.
    return total / torch.where(count > 0, count, torch.ones_like(count))


class Controller(nn.Module):
    """Eq. 6: the score of writing a frame, from the frame, its context and the memory history."""

    def __init__(
        self,
        feature_dim: int,
        *,
        context_dim: int,
        memory_dim: int,
        dim: int,
        output_bias: float,
        inputs: tuple[str, ...],
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.from_feature = nn.Linear(feature_dim, dim)  # W_sf, b_s
        self.from_context = nn.Linear(context_dim, dim, bias=False)  # W_sc
        self.from_memory = nn.Linear(memory_dim, dim, bias=False)  # W_sm
        self.score = nn.Linear(dim, 1)  # v_s, and our scalar bias
        nn.init.constant_(self.score.bias, output_bias)

    def see(self, features: Tensor) -> Tensor:
        """(B, T, d) -> (B, T, C), W_sf x_t + b_s, which waits for no other frame."""
        return self.from_feature(self._if_read("feature", features))

    def read(self, context: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        """ce_t (B, H), mh_t (B, D) -> W_sc ce_t and W_sm mh_t, each (B, C)."""
        return (
            self.from_context(self._if_read("context", context)),
            self.from_memory(self._if_read("history", history)),
        )

    def forward(self, seen: Tensor, context: Tensor, history: Tensor) -> Tensor:
        """The addends of eq. 6, each (…, C), as ``see`` and ``read`` give them -> q_t (…, 1)."""
        return self.score(F.relu(seen + context + history))

    @torch.no_grad()
    def terms(self, *addends: Tensor) -> Tensor:
        """What each of ``CONTROLLER_INPUTS`` adds to q_t (…, 3); with the scalar bias all of it.

        A unit that ReLU lets pass is the sum of what its inputs gave it; v_s weighs their shares.
        b_s counts to the feature.
        """
        passed = (sum(addends) > 0) * self.score.weight  # (…, C), v_s where ReLU is open
        return torch.stack([(passed * addend).sum(-1) for addend in addends], -1)

    def _if_read(self, name: str, value: Tensor) -> Tensor:
        # Times 0 rather than left out: every parameter stays in the graph, with a gradient of 0.
        return value if name in self.inputs else value * 0


class MAM(nn.Module):
    """Memory-augmented recognition of a clip.

    Args:
        num_classes: K.
        backbone: name of a frame CNN (``models.backbones``); None for ready features.
        width: channels of ``resnet18_narrow``.
        weights: of the backbone: None, "imagenet" or a file.
        feature_dim: d of ready features; only with ``backbone=None``.
        memory_dim: D. hidden_dim: H. controller_dim: C.
        threshold: thr of eq. 9.
        output_bias: where the controller's scalar bias starts.
        dropout: on the video feature, before the classifier.
        feature_norm: "rms" (each frame's feature at root mean square 1) or "none".
        flow_length: L where a frame is a snippet of so many flow fields; None: RGB frames.
        reset: whether a skipped frame sets the LSTM back (eq. 4, 5).
        inputs: which of ``CONTROLLER_INPUTS`` the controller sees (eq. 6).
        read: "mean" of the items, or their "sum" as eq. 1 is printed.
        writes: "discrete" (eq. 8, 9) or "soft" (s_t = a_t).
    """

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str | None = "resnet18",
        width: int | None = None,
        weights: str | PathLike[str] | None = None,
        feature_dim: int | None = None,
        memory_dim: int = 512,
        hidden_dim: int = 512,
        controller_dim: int = 512,
        threshold: float = 0.5,
        output_bias: float = 1.0,
        dropout: float = 0.8,
        feature_norm: str = "rms",
        flow_length: int | None = None,
        reset: bool = True,
        inputs: Sequence[str] = CONTROLLER_INPUTS,
        read: str = "mean",
        writes: str = "discrete",
    ) -> None:
        super().__init__()
        if (backbone is None) == (feature_dim is None):
            raise ValueError(
                "give either backbone=<name> (frames in) or backbone=None with feature_dim=<d> "
                f"(ready features in); got backbone={backbone!r}, feature_dim={feature_dim}."
            )
        cnn = None
        if backbone is not None:
            cnn = build_backbone(backbone, width=width, weights=weights, flow_length=flow_length)
        self.backbone = cnn
        self.feature_dim = d = cnn.feature_dim if cnn is not None else int(feature_dim or 0)
        self.threshold = _checked_threshold(threshold)
        self.feature_norm = _one_of("feature_norm", feature_norm, "rms", "none")
        self.reset = reset
        self.read = _one_of("read", read, "mean", "sum")
        self.writes = _one_of("writes", writes, "discrete", "soft")
        self.lstm = nn.LSTMCell(d, hidden_dim)
        self.write = nn.Linear(d, memory_dim, bias=False)  # W_w
        self.controller = Controller(
            d,
            context_dim=hidden_dim,
            memory_dim=memory_dim,
            dim=controller_dim,
            output_bias=output_bias,
            inputs=_checked_inputs(inputs),
        )
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(memory_dim, num_classes)

    def features(self, frames: Tensor) -> Tensor:
        """CNN features of frames (B, T, 3, H, W) in [0, 1] -> (B, T, d), as ``rollout`` takes.

        With ``flow_length`` the frames are snippets of flow (B, T, 2L, H, W), rest at 0.5.
        """
        if self.backbone is None:
            raise ValueError("this MAM was built with backbone=None: call rollout(features).")
        check_clip(frames, flow_length=self.backbone.flow_length)
        return self.backbone(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])

    def forward(self, frames: Tensor) -> MAMOutput:
        """Frames (B, T, 3, H, W) in [0, 1] (ready features (B, T, d) where there is no CNN)."""
        return self.rollout(frames if self.backbone is None else self.features(frames))

    def rollout(
        self,
        features: Tensor,
        *,
        threshold: float | None = None,
        force: Tensor | None = None,
    ) -> MAMOutput:
        """The recurrence alone, on features (B, T, d): a what-if costs no second CNN pass.

        Args:
            features: (B, T, d), finite, before normalisation, as ``features`` returns them.
            threshold: thr of eq. 9, in place of the model's.
            force: (B, T): 1 write, 0 skip, nan the controller decides. Carries no gradient.
        """
        if features.ndim != 3 or features.shape[-1] != self.feature_dim or not features.numel():
            raise ValueError(
                f"features must have shape (B, T, {self.feature_dim}) with at least one frame; "
                f"got {tuple(features.shape)}."
            )
        if not bool(torch.isfinite(features).all()):
            raise ValueError(
                "features must be finite; got nan or infinity. Check the frames for nan, and the "
                "backbone's weights."
            )
        if threshold is not None and self.writes == "soft":
            raise ValueError("soft writes are compared with no threshold: leave it out.")
        threshold = self.threshold if threshold is None else _checked_threshold(threshold)
        features = features.to(self.write.weight.dtype)  # autocast makes them bfloat16
        forced = None if force is None else _checked_force(force, like=features)
        with torch.autocast(features.device.type, enabled=False):
            return self._recur(self._normalised(features), threshold=threshold, forced=forced)

    def _recur(self, features: Tensor, *, threshold: float, forced: Tensor | None) -> MAMOutput:
        """Eq. 1–10 over normalised features (B, T, d)."""
        batch, frames, _ = features.shape
        items = self.write(features)  # (B, T, D), m_t = W_w x_t
        from_feature = self.controller.see(features)  # (B, T, C), W_sf x_t + b_s

        hidden = cell = features.new_zeros(batch, self.lstm.hidden_size)  # h_0 = c_0 = 0
        exact = torch.promote_types(features.dtype, torch.float32)  # also of a bfloat16 model
        total = features.new_zeros(batch, items.shape[-1], dtype=exact)
        count = features.new_zeros(batch, 1, dtype=exact)
        seen: list[tuple[Tensor, ...]] = []
        for t in range(frames):
            read = total if self.read == "sum" else _mean_of(total, count)
            history = read.to(features)  # eq. 1, M'_t = M_{t-1}
            context, carry = self.lstm(features[:, t], (hidden, cell))  # eq. 3, ce_t = ĥ_t
            addends = self.controller.read(context, history)  # W_sc ce_t, W_sm mh_t
            score = self.controller(from_feature[:, t], *addends)  # eq. 6, (B, 1)
            probability, written = write_decision(score, threshold)  # eq. 7–10
            if self.writes == "soft":
                written = probability
            if forced is not None:
                free = torch.isnan(forced[:, t : t + 1])
                written = torch.where(free, written, forced[:, t : t + 1])
            total, count = total + written * items[:, t], count + written  # eq. 2
            hidden, cell = context, carry
            if self.reset:
                hidden, cell = written * context, written * carry  # eq. 4, 5
            told = (a.detach() for a in addends)  # already computed; only the terms look at them
            seen.append((score, probability, written, context, history, *told))

        score, probability, written, context, history, *addends_at = (
            torch.stack(x, 1) for x in zip(*seen, strict=True)
        )
        written = written.squeeze(-1)  # (B, T)
        video_feature = _mean_of(total, count).to(features)
        return MAMOutput(
            logits=self.classifier(self.dropout(video_feature)),
            write_probability=probability.squeeze(-1),
            written=written,
            memory_items=items,
            memory_size=written.detach().to(exact).cumsum(1).round().long(),
            context=context,
            history=history,
            score=score.squeeze(-1),
            score_terms=self.controller.terms(from_feature, *addends_at),
            video_feature=video_feature,
        )

    def _normalised(self, features: Tensor) -> Tensor:
        if self.feature_norm == "none":
            return features
        return F.rms_norm(features, features.shape[-1:], eps=1e-6)


def mam_loss(output: MAMOutput, target: Tensor) -> Tensor:
    """Cross entropy of the clip's class (B,); the controller learns through eq. 10 alone."""
    return F.cross_entropy(output.logits, target)


def _one_of(name: str, value: str, *choices: str) -> str:
    if value not in choices:
        raise ValueError(f'{name} must be "{choices[0]}" or "{choices[1]}"; got {value!r}.')
    return value


def _checked_inputs(inputs: Sequence[str]) -> tuple[str, ...]:
    if not inputs or isinstance(inputs, str) or not set(inputs) <= set(CONTROLLER_INPUTS):
        raise ValueError(
            f"inputs must list one or more of {', '.join(CONTROLLER_INPUTS)}; got {inputs!r}."
        )
    return tuple(name for name in CONTROLLER_INPUTS if name in inputs)


def _checked_threshold(threshold: float) -> float:
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold is compared with a probability, 0 to 1; got {threshold}.")
    return threshold


def _checked_force(force: Tensor, *, like: Tensor) -> Tensor:
    if force.shape != like.shape[:2]:
        raise ValueError(
            f"force must have shape (B, T) = {tuple(like.shape[:2])}; got {tuple(force.shape)}."
        )
    force = force.detach().to(like)
    if not bool((torch.isnan(force) | (force == 0) | (force == 1)).all()):
        raise ValueError("force holds 1 (write), 0 (skip) or nan (the controller decides) only.")
    return force
