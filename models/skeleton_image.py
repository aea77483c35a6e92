"""A skeleton as an image: rows are frames, columns joints, channels x, y, z (MAN's input).

After the code published with Memory Attention Networks (models/man.py), of whose description the
numbers "3.4" and the steps below are ours:

    step 3   each body in a frame of its own: origin between the hips, axes from hips and torso
    step 4   signs, so that up is up, forward is along the feet and the right hip is on the right
    step 5   short sequences centred between rows of zeros, long ones thinned to S rows

Where we differ, and why
- The second body's up-axis points from spine base to spine shoulder before signs are fixed by
  the first body: otherwise its sign is the luck of an eigenvector.
- The signs are fixed by the first slot that ever holds a body, up by that body's first frame; the
  script takes slot 0 and the file's frame 0, whether somebody is there or not.
- Trailing frames with nobody do not count to a sequence's length n; the script counts them.
- A torso without width or length (hips in one point, or along the spine) is left unrotated.
- The joint axis is padded to S columns, as published, and is as wide as P·J where that is more.

B batch · T frames given · S image rows · P people · J joints · F columns
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "NTU_ROLES",
    "ReadsSkeletons",
    "Roles",
    "checked_roles",
    "image_rows",
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


class ReadsSkeletons(nn.Module):
    """What MAN and the models beside it take, and how they see it.

    Args:
        frames: S, rows. people: P. joints: J.
        roles: joint numbers by role, for the normalisation; ``NTU_ROLES`` lists the names.
    """

    def __init__(self, *, frames: int, people: int, joints: int, roles: Roles) -> None:
        super().__init__()
        if min(frames, people, joints) < 1:
            raise ValueError(
                "frames, people and joints must be positive; got "
                f"frames={frames}, people={people}, joints={joints}."
            )
        self.roles = checked_roles(roles, joints)
        self.frames, self.people, self.joints = frames, people, joints
        self.columns = max(frames, people * joints)  # F

    def see_image(self, joints: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Image (B, 3, S, F) and rows (B, S), of ``skeleton_to_image``."""
        joints, present = self._checked(joints, present)
        return skeleton_to_image(
            joints, present, frames=self.frames, columns=self.columns, roles=self.roles
        )

    def bodies(self, image: Tensor) -> Tensor:
        """The joints in an image (B, 3, S, F), without the columns that pad it: (B, S, P, J, 3)."""
        start = (self.columns - self.people * self.joints) // 2
        columns = image[..., start : start + self.people * self.joints]
        return columns.movedim(1, -1).unflatten(2, (self.people, self.joints))

    def columns_of(self, values: Tensor, *, spare: float = 0.0) -> Tensor:
        """Values of joints (..., P, J) where they stand in the image (..., F); else ``spare``."""
        left = self.columns - self.people * self.joints
        return F.pad(values.flatten(-2), (left // 2, left - left // 2), value=spare)

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


def _has(roles: Roles, needs: Sequence[str]) -> bool:
    return all(roles.get(name) for name in needs)


def _at(joints: Tensor, roles: Roles, name: str) -> Tensor:
    """Where a role is: joints (..., J, 3) -> (..., 3)."""
    return joints[..., list(roles[name]), :].mean(-2)


def checked_roles(roles: Roles, joints: int) -> dict[str, tuple[int, ...]]:
    """``roles`` as plain tuples.

    Raises:
        ValueError: a role nobody knows, or a joint number of ``joints`` or more.
    """
    unknown = [name for name in roles if name not in NTU_ROLES]
    if unknown:
        raise ValueError(f"roles must be among {', '.join(NTU_ROLES)}; got {', '.join(unknown)}.")
    beyond = [name for name, at in roles.items() if any(not 0 <= j < joints for j in at)]
    if beyond:
        raise ValueError(
            f"roles hold joint numbers from 0 to {joints - 1}; {', '.join(beyond)} go beyond."
        )
    return {name: tuple(at) for name, at in roles.items()}
