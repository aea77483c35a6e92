"""MAN: memory attention networks, a skeleton read as an image after temporal recalibration.

Memory Attention Networks for Skeleton-based Action Recognition
Chunyu Xie, Ce Li, Baochang Zhang, Chen Chen, Jungong Han, Changqing Zou, Jianzhuang Liu
IJCAI 2018, https://arxiv.org/abs/1804.08254; after the authors' published code (MANs_9)

    Skeleton to image, 3.4 (``skeleton_to_image``)
    TARM, one per coordinate X of (x, y, z), each (B, S, F)
        E  = X W_e + b_e                                  embedding
        M  = GRU→(E) + GRU←(E)                            memory cell
        g  = mean over features of E                      squeeze, one number per frame
        a  = σ(W_2 ReLU(W_1 g + b_1) + b_2)               attention over time, in [0, 1]
        X~ = X + (a · M) W_o + b_o                        recalibration, residual
    STCM: X~, Y~, Z~ stacked as channels of an image -> nine convolutions -> average -> classes

Where we differ, and why
- The published demo never trains the attention (its two layers are made inside a Lambda). Here it
  is trained; ``attention="frozen"`` gives the demo's.
- The demo repeats g over features before W_1; every copy gives the same a, so one is enough.
- ``cell="keras"`` is the published GRU: hard sigmoid, reset before the recurrent product, one
  bias, separate dropout masks per gate, constant in time. ``cell="torch"`` is ``nn.GRU``, faster
  on a GPU: two biases, true sigmoid, reset after the recurrent product, torch's own uniform start
  of the weights, dropout on its input alone with one mask for all gates.
- The second body's up-axis points from spine base to spine shoulder before signs are fixed by
  the first body: otherwise its sign is the luck of an eigenvector.
- The signs are fixed by the first slot that ever holds a body, up by that body's first frame; the
  script takes slot 0 and the file's frame 0, whether somebody is there or not.
- Trailing frames with nobody do not count to a sequence's length n; the script counts them.
- A torso without width or length (hips in one point, or along the spine) is left unrotated.
- The joint axis is padded to S columns, as published, and is as wide as P·J where that is more.

B batch · T frames given · S image rows · P people · J joints · F columns · H GRU · K classes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "MAN",
    "NTU_ROLES",
    "KerasGRU",
    "MANOutput",
    "man_loss",
    "man_parameter_groups",
    "normalise_skeleton",
    "skeleton_to_image",
    "skipped_rules",
]

Roles = Mapping[str, Sequence[int]]

# Joints (from 0) that the normalisation speaks of, in the NTU RGB+D (Kinect v2) numbering.
NTU_ROLES: dict[str, tuple[int, ...]] = {
    "hip_left": (12,),
    "hip_right": (16,),
    "shoulder_left": (4,),
    "shoulder_right": (8,),
    "spine_base": (0,),
    "spine_shoulder": (20,),
    "torso": (0, 1, 4, 8, 12, 16, 20),
    "ankle_left": (14,),
    "foot_left": (15,),
    "ankle_right": (18,),
    "foot_right": (19,),
}

_RULES: dict[str, tuple[str, ...]] = {  # what each rule of 3.4 needs; skipped where one is missing
    "origin between the hips": ("hip_left", "hip_right"),
    "rotation to the torso": ("hip_left", "hip_right", "torso"),
    "each body's up along its spine": ("spine_base", "spine_shoulder"),
    "up towards the shoulder": ("shoulder_left",),
    "forward along the left foot": ("ankle_left", "foot_left"),
    "forward along the right foot": ("ankle_right", "foot_right"),
    "right hip on the right": ("hip_left", "hip_right"),
}


@dataclass(frozen=True)
class MANOutput:
    """What MAN saw and weighed, per coordinate (x, y, z) and image row."""

    logits: Tensor  # (B, K), before softmax
    attention: Tensor  # (B, 3, S), in [0, 1]
    memory: Tensor  # (B, 3, S, H), the memory cell's output
    image: Tensor  # (B, 3, S, F), metres, float32, before recalibration
    recalibrated: Tensor  # (B, 3, S, F), X~, Y~, Z~
    maps: Tensor  # (B, C, h, w), last maps of the STCM, before global average pooling
    rows: Tensor  # (B, S) int64, source frame of each row, -1 for padding


# ---- 3.4, skeleton to image ----------------------------------------------------------------------


def skipped_rules(roles: Roles) -> tuple[str, ...]:
    """Names of the normalisation rules that a layout with these roles does without."""
    return tuple(rule for rule, needs in _RULES.items() if not _has(roles, needs))


def normalise_skeleton(joints: Tensor, present: Tensor, *, roles: Roles = NTU_ROLES) -> Tensor:
    """Each body in a frame of its own: +x to its right hip, +y forward, +z up (3.4, steps 3–4).

    Origin and axes come from a body's first appearance and hold for the whole sequence. Reckoned in
    single precision at least, under autocast too: in bfloat16 a metre is known to 4 mm.

    Args:
        joints: (B, T, P, J, 3), metres.
        present: (B, T, P), bool.
        roles: joint numbers by role; a rule whose roles are missing is skipped.

    Returns:
        (B, T, P, J, 3), metres, float32 or wider; zero where absent. The gradient takes origin and
        axes as constants.
    """
    joints = joints.to(torch.promote_types(joints.dtype, torch.float32))
    joints = torch.where(present[..., None, None], joints, 0.0)
    if not bool(torch.isfinite(joints).all()):
        raise ValueError(
            "joints of people marked present must be finite; got nan or infinity. Interpolate "
            "them, or mark the person as absent in that frame."
        )
    first = present.int().argmax(1)  # (B, P), first appearance, 0 where there is none
    ranges = (torch.arange(n, device="cpu") for n in first.shape)
    batch, people = torch.meshgrid(*ranges, indexing="ij")
    # A few joints of one frame: on the CPU in double precision, so that every device agrees.
    pose = joints.detach()[batch, first.cpu(), people].cpu().double()  # (B, P, J, 3)
    origin, axes = _body_frame(pose, roles)  # (B, P, 3), (B, P, 3, 3) columns x, y, z
    origin, axes = origin.to(joints), axes.to(joints)
    with torch.autocast(joints.device.type, enabled=False):
        moved = joints - origin[:, None, :, None]
        body = torch.einsum("btpjc,bpcd->btpjd", moved, axes)  # R^-1 (p - o)
    body = body * _signs(body.detach(), present, roles)[:, None, None, None]
    return torch.where(present[..., None, None], body, 0.0)


def _body_frame(pose: Tensor, roles: Roles) -> tuple[Tensor, Tensor]:
    """Step 3: origin (B, P, 3) and axes (B, P, 3, 3), in columns x, y, z, of poses (B, P, J, 3)."""
    origin = pose.new_zeros(*pose.shape[:2], 3)
    axes = torch.eye(3, dtype=pose.dtype, device=pose.device).expand(*pose.shape[:2], 3, 3)
    if _has(roles, _RULES["origin between the hips"]):
        origin = (_at(pose, roles, "hip_left") + _at(pose, roles, "hip_right")) / 2
    if not _has(roles, _RULES["rotation to the torso"]):
        return origin, axes
    torso = pose[..., list(roles["torso"]), :]
    torso = torso - torso.mean(-2, keepdim=True)
    z = torch.linalg.eigh(torso.mT @ torso).eigenvectors[..., -1]  # first principal component
    if _has(roles, _RULES["each body's up along its spine"]):
        spine = _at(pose, roles, "spine_shoulder") - _at(pose, roles, "spine_base")
        z = torch.where(((z * spine).sum(-1, keepdim=True) < 0), -z, z)
    v = _at(pose, roles, "hip_left") - _at(pose, roles, "hip_right")
    y = torch.linalg.cross(v, z)
    length = torch.linalg.vector_norm(y, dim=-1)[..., None]
    y = y / length.clamp(min=1e-9)
    x = torch.linalg.cross(y, z)
    # No width of hips, or hips along the spine (a body that never appears, too): left unrotated.
    return origin, torch.where(length[..., None] > 1e-6, torch.stack([x, y, z], -1), axes)


def _signs(body: Tensor, present: Tensor, roles: Roles) -> Tensor:
    """Step 4: ±1 per axis (B, 3), decided on the first body that appears, for all bodies."""
    batch = torch.arange(len(body), device=body.device)
    slot = present.any(1).int().argmax(1)  # (B,), body 0 unless it never appears
    seen = present[batch, :, slot].to(body)  # (B, T)
    body = body[batch, :, slot]  # (B, T, J, 3)
    start = body[batch, seen.argmax(1)]  # (B, J, 3), its first appearance

    def mean_gap(end: str, begin: str, axis: int) -> Tensor:
        gap = (_at(body, roles, end) - _at(body, roles, begin))[..., axis]  # (B, T)
        return (gap * seen).sum(1)  # the sign of the mean is that of the sum

    flip = torch.zeros(len(body), 3, dtype=torch.bool, device=body.device)
    if _has(roles, ("shoulder_left",)):
        flip[:, 2] = _at(start, roles, "shoulder_left")[..., 2] < 0
    for side in ("left", "right"):
        if _has(roles, (f"ankle_{side}", f"foot_{side}")):
            flip[:, 1] |= mean_gap(f"foot_{side}", f"ankle_{side}", 1) < 0
    if _has(roles, ("hip_left", "hip_right")):
        flip[:, 0] = mean_gap("hip_right", "hip_left", 0) < 0
    return torch.where(flip, -1.0, 1.0).to(body)


def image_rows(present: Tensor, *, frames: int) -> Tensor:
    """Source frame of each of S image rows (B, S), -1 for padding (3.4, step 5).

    A sample's length n is its last frame with somebody present, plus one: trailing frames in which
    nobody is present are padding, as when clips of different lengths share a batch; frames
    with nobody before that are rows of zeros.
    """
    somebody = present.any(2).cpu()  # (B, T)
    count = torch.arange(1, somebody.shape[1] + 1, device="cpu")
    length = torch.where(somebody, count, 0).amax(1, keepdim=True)  # (B, 1), n
    row = torch.arange(frames, device="cpu")
    before = (frames - length).clamp(min=0) // 2
    padded = row - before  # n <= S: centred
    padded = torch.where((padded >= 0) & (padded < length), padded, -1)
    step = (length - 1).double() / max(frames - 1, 1)
    thinned = (row * step).long()  # n > S: linspace(0, n - 1, S), truncated, as numpy has it
    thinned[:, -1:] = length - 1
    return torch.where(length > frames, thinned, padded).to(present.device)


def skeleton_to_image(
    joints: Tensor,
    present: Tensor,
    *,
    frames: int = 50,
    columns: int | None = None,
    roles: Roles = NTU_ROLES,
) -> tuple[Tensor, Tensor]:
    """Normalise skeletons and lay them out as images (3.4).

    Args:
        joints: (B, T, P, J, 3), metres.
        present: (B, T, P), bool; False for all trailing frames that only pad a batch.
        frames: S, image rows.
        columns: F, image columns; default the larger of S and P·J. Joints stand in the middle:
            one person alone fills the central J. (MAN pads to its number of people first.)
        roles: joint numbers by role.

    Returns:
        image (B, 3, S, F) with channels x, y, z in metres, and rows (B, S): the source frame of
        each row, -1 for padding.

    Raises:
        ValueError: fewer columns than joints, or a joint that is present and not finite.
    """
    batch, _, people, count, _ = joints.shape
    columns = max(frames, people * count) if columns is None else columns
    if columns < people * count:
        raise ValueError(
            f"columns must hold every joint of {people} people, {people * count} in all; got "
            f"{columns}. Pass more columns, or leave them out."
        )
    body = normalise_skeleton(joints, present, roles=roles).flatten(2, 3)  # (B, T, P·J, 3)
    rows = image_rows(present, frames=frames)
    taken = body[torch.arange(batch, device=rows.device)[:, None], rows.clamp(min=0)]
    taken = torch.where((rows >= 0)[..., None, None], taken, 0.0)  # (B, S, P·J, 3)
    spare = columns - people * count
    image = F.pad(taken.movedim(-1, 1), (spare // 2, spare - spare // 2))  # (B, 3, S, F)
    return image, rows


def _has(roles: Roles, needs: Sequence[str]) -> bool:
    return all(roles.get(name) for name in needs)


def _at(joints: Tensor, roles: Roles, name: str) -> Tensor:
    """Where a role is: joints (..., J, 3) -> (..., 3)."""
    return joints[..., list(roles[name]), :].mean(-2)


# ---- TARM ----------------------------------------------------------------------------------------


def _hard_sigmoid(x: Tensor) -> Tensor:
    return (0.2 * x + 0.5).clamp(0, 1)  # Keras's; torch's own has slope 1/6


def _shared_mask(shape: Sequence[int], rate: float, *, like: Tensor) -> Tensor:
    """Dropout mask to multiply with; drawn once, it holds for every time step."""
    return F.dropout(like.new_ones(*shape), rate)


class KerasGRU(nn.Module):
    """Bidirectional GRU of Keras 2.0.8, the two directions summed. Gates in the order z, r, h."""

    def __init__(self, dim: int, *, dropout: float = 0.5, recurrent_dropout: float = 0.5) -> None:
        super().__init__()
        self.dim, self.rate, self.recurrent_rate = dim, dropout, recurrent_dropout
        self.kernel = nn.Parameter(torch.empty(2, 3, dim, dim))  # direction, gate, in, out
        self.recurrent = nn.Parameter(torch.empty(2, 3, dim, dim))
        self.bias = nn.Parameter(torch.zeros(2, 3, dim))
        for weight in (self.kernel, self.recurrent):
            for direction in weight.data:  # Keras: orthogonal over the three gates side by side
                wide = nn.init.orthogonal_(direction.new_empty(dim, 3 * dim))
                direction.copy_(wide.unflatten(1, (3, dim)).movedim(1, 0))

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, H) -> (B, S, H)."""
        batch, steps, dim = x.shape
        x = x[None, None]  # (1, 1, B, S, H), for two directions and three gates
        if self.training and self.rate > 0:
            x = x * _shared_mask((2, 3, batch, 1, dim), self.rate, like=x)
        given = x @ self.kernel[:, :, None] + self.bias[:, :, None, None]  # (2, 3, B, S, H)
        given = torch.stack([given[0], given[1].flip(-2)])  # direction 1 runs backwards
        mask = x.new_ones(2, 3, 1, 1)
        if self.training and self.recurrent_rate > 0:
            mask = _shared_mask((2, 3, batch, dim), self.recurrent_rate, like=x)
        h, states = x.new_zeros(2, batch, dim), []
        for t in range(steps):
            gates = (h[:, None] * mask[:, :2]) @ self.recurrent[:, :2] + given[:, :2, :, t]
            z, r = _hard_sigmoid(gates).unbind(1)  # (2, B, H) each
            # Reset before the recurrent product, unlike nn.GRU.
            new = torch.tanh((r * h * mask[:, 2]) @ self.recurrent[:, 2] + given[:, 2, :, t])
            h = z * h + (1 - z) * new
            states.append(h)
        forwards, backwards = torch.stack(states, -2)  # (B, S, H) each
        return forwards + backwards.flip(-2)


class TorchGRU(nn.Module):
    """``nn.GRU``, bidirectional, summed; dropout on its input alone, one mask for all steps."""

    def __init__(self, dim: int, *, dropout: float = 0.5) -> None:
        super().__init__()
        self.rate = dropout
        self.gru = nn.GRU(dim, dim, batch_first=True, bidirectional=True)

    def train(self, mode: bool = True) -> Self:
        """Set the mode of this cell; ``nn.GRU`` within stays in training mode.

        cuDNN refuses a backward pass (saliency needs one) through a recurrent layer in eval mode.
        Having no dropout of its own, that layer computes the same in either.
        """
        super().train(mode)
        self.gru.train()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, H) -> (B, S, H)."""
        if self.training and self.rate > 0:
            x = x * _shared_mask((len(x), 1, x.shape[-1]), self.rate, like=x)
        states, _ = self.gru(x)  # (B, S, 2·H)
        return states.unflatten(-1, (2, -1)).sum(-2)


class TARM(nn.Module):
    """Temporal attention recalibration of one coordinate."""

    def __init__(
        self, rows: int, *, columns: int, hidden: int, reduction: int, cell: nn.Module
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(columns, hidden)  # W_e
        self.cell = cell
        self.squeeze = nn.Linear(rows, rows // reduction)  # W_1
        self.excite = nn.Linear(rows // reduction, rows)  # W_2
        self.restore = nn.Linear(hidden, columns)  # W_o
        for layer in (self.embed, self.squeeze, self.excite, self.restore):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """X (B, S, F) -> recalibrated X~ (B, S, F), attention a (B, S), memory M (B, S, H)."""
        embedded = self.embed(x)  # E
        memory = self.cell(embedded)  # M
        squeezed = embedded.mean(-1)  # g, (B, S): from E, not from M
        attention = torch.sigmoid(self.excite(F.relu(self.squeeze(squeezed))))  # a
        return x + self.restore(attention[..., None] * memory), attention, memory


# ---- STCM ----------------------------------------------------------------------------------------


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding, the odd pixel after: (1, 2) for 5×5/2 on 50."""

    def forward(self, input: Tensor) -> Tensor:
        pads: list[int] = []
        for size, kernel, stride in zip(
            input.shape[-2:], self.kernel_size, self.stride, strict=True
        ):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads = [total // 2, total - total // 2, *pads]  # F.pad starts at the last axis
        return super().forward(F.pad(input, pads))


def _he_normal(layer: nn.Conv2d | nn.Linear) -> None:
    """Keras's he_normal, which truncates at two sigma, and a bias of zero."""
    assert layer.bias is not None
    scale = (2 / layer.weight[0].numel()) ** 0.5  # of one output: what it takes in
    nn.init.trunc_normal_(layer.weight, std=scale, a=-2 * scale, b=2 * scale)
    nn.init.zeros_(layer.bias)


def _conv(before: int, after: int, kernel: int, stride: int = 1) -> SameConv:
    conv = SameConv(before, after, kernel, stride=stride)
    _he_normal(conv)
    return conv


class Block(nn.Module):
    """Pre-activation basic block; the very first one does without its leading BN-ReLU."""

    def __init__(
        self, before: int, after: int, *, stride: int, leading: bool, momentum: float
    ) -> None:
        super().__init__()
        norm = nn.BatchNorm2d(before, eps=1e-3, momentum=momentum)
        self.first = nn.Sequential(
            *([norm, nn.ReLU()] if leading else []), _conv(before, after, 3, stride)
        )
        self.second = nn.Sequential(
            nn.BatchNorm2d(after, eps=1e-3, momentum=momentum), nn.ReLU(), _conv(after, after, 3)
        )
        same = before == after and stride == 1
        self.shortcut = nn.Identity() if same else _conv(before, after, 1, stride)

    def forward(self, maps: Tensor) -> Tensor:
        return self.shortcut(maps) + self.second(self.first(maps))


class STCM(nn.Sequential):
    """Nine convolutions on the recalibrated image: (B, 3, S, F) -> maps (B, 128, S/4, F/4)."""

    def __init__(self, *, momentum: float) -> None:
        def norm(channels: int) -> nn.BatchNorm2d:
            return nn.BatchNorm2d(channels, eps=1e-3, momentum=momentum)

        super().__init__(
            _conv(3, 64, 5, 2),  # no pooling after it, as published
            norm(64),
            nn.ReLU(),
            Block(64, 64, stride=1, leading=False, momentum=momentum),
            Block(64, 64, stride=1, leading=True, momentum=momentum),
            Block(64, 128, stride=2, leading=True, momentum=momentum),
            Block(128, 128, stride=1, leading=True, momentum=momentum),
            norm(128),
            nn.ReLU(),
        )


# ---- MAN -----------------------------------------------------------------------------------------


class MAN(nn.Module):
    """Memory attention network of the nine-convolution kind.

    Args:
        num_classes: K.
        frames: S, image rows. people: P. joints: J.
        roles: joint numbers by role, for the normalisation; ``NTU_ROLES`` lists the names.
        hidden: H. reduction: S over the attention's hidden units.
        cell: "keras" (as published) or "torch" (``nn.GRU``).
        attention: "trained" or "frozen" (as in the published demo).
        dropout, recurrent_dropout: of the memory cell; "torch" has the first alone.
        momentum: share of a new batch in batch normalisation's statistics (Keras's .99 is 0.01).
    """

    def __init__(
        self,
        num_classes: int,
        *,
        frames: int = 50,
        people: int = 2,
        joints: int = 25,
        roles: Roles = NTU_ROLES,
        hidden: int = 64,
        reduction: int = 16,
        cell: str = "keras",
        attention: str = "trained",
        dropout: float = 0.5,
        recurrent_dropout: float = 0.5,
        momentum: float = 0.01,
    ) -> None:
        super().__init__()
        if cell not in ("keras", "torch") or attention not in ("trained", "frozen"):
            raise ValueError(
                'cell must be "keras" or "torch", and attention "trained" or "frozen"; '
                f"got {cell!r}, {attention!r}."
            )
        if frames < reduction:
            raise ValueError(f"frames must be at least reduction={reduction}; got {frames}.")
        self.roles = _checked_roles(roles, joints)
        self.frames, self.people, self.joints = frames, people, joints
        self.columns = max(frames, people * joints)  # F

        def memory_cell() -> nn.Module:
            if cell == "torch":
                return TorchGRU(hidden, dropout=dropout)
            return KerasGRU(hidden, dropout=dropout, recurrent_dropout=recurrent_dropout)

        self.tarms = nn.ModuleList(
            TARM(
                frames, columns=self.columns, hidden=hidden, reduction=reduction, cell=memory_cell()
            )
            for _ in "xyz"  # nothing is shared between coordinates
        )
        self.stcm = STCM(momentum=momentum)
        self.classifier = nn.Linear(128, num_classes)
        _he_normal(self.classifier)  # the published Dense's too
        for tarm in self.tarms:
            for layer in (tarm.squeeze, tarm.excite):
                layer.requires_grad_(attention == "trained")

    def forward(self, joints: Tensor, present: Tensor) -> MANOutput:
        """Joints (B, T, P, J, 3) in metres, present (B, T, P) bool; P may be fewer than people."""
        joints, present = self._checked(joints, present)
        image, rows = skeleton_to_image(
            joints, present, frames=self.frames, columns=self.columns, roles=self.roles
        )
        given = image.to(self.classifier.weight.dtype)  # of a model cast to bfloat16, too
        parts = [tarm(given[:, c]) for c, tarm in enumerate(self.tarms)]
        recalibrated, attention, memory = (torch.stack(p, 1) for p in zip(*parts, strict=True))
        maps = self.stcm(recalibrated)  # O~ (B, 3, S, F) -> (B, C, h, w)
        return MANOutput(
            logits=self.classifier(maps.mean((-2, -1))),
            attention=attention,
            memory=memory,
            image=image,
            recalibrated=recalibrated,
            maps=maps,
            rows=rows,
        )

    def _checked(self, joints: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        fits = joints.ndim == 5 and joints.shape[3:] == (self.joints, 3) and joints.numel()
        if not fits or joints.shape[2] > self.people:
            raise ValueError(
                f"joints must have shape (B, T, P, {self.joints}, 3) in metres with at most "
                f"{self.people} people and at least one frame; got {tuple(joints.shape)}."
            )
        if present.shape != joints.shape[:3] or present.dtype != torch.bool:
            raise ValueError(
                f"present must be bool of shape (B, T, P) = {tuple(joints.shape[:3])}; "
                f"got {present.dtype} {tuple(present.shape)}."
            )
        absent = self.people - joints.shape[2]
        return F.pad(joints, (0, 0, 0, 0, 0, absent)), F.pad(present, (0, absent))


def man_loss(output: MANOutput, target: Tensor) -> Tensor:
    """Cross entropy with the sequence's class (B,)."""
    return F.cross_entropy(output.logits, target)


def man_parameter_groups(model: MAN, *, weight_decay: float = 2e-4) -> list[dict[str, object]]:
    """Optimiser groups: decay on convolution kernels and GRU input kernels, nowhere else.

    Keras's L2(1e-4) adds 1e-4 w² to the loss, whose gradient is that of a weight decay of 2e-4.
    """
    decayed: dict[str, nn.Parameter] = {}
    for name, parameter in model.named_parameters():
        convolution = name.startswith("stcm.") and parameter.ndim == 4
        input_kernel = ".cell." in name and ("kernel" in name or "weight_ih" in name)
        if convolution or input_kernel:
            decayed[name] = parameter
    rest = [p for n, p in model.named_parameters() if n not in decayed and p.requires_grad]
    return [
        {"params": list(decayed.values()), "weight_decay": weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]


def _checked_roles(roles: Roles, joints: int) -> dict[str, tuple[int, ...]]:
    unknown = [name for name in roles if name not in NTU_ROLES]
    if unknown:
        raise ValueError(f"roles must be among {', '.join(NTU_ROLES)}; got {', '.join(unknown)}.")
    beyond = [name for name, at in roles.items() if any(not 0 <= j < joints for j in at)]
    if beyond:
        raise ValueError(
            f"roles hold joint numbers from 0 to {joints - 1}; {', '.join(beyond)} go beyond."
        )
    return {name: tuple(at) for name, at in roles.items()}
