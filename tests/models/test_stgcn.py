"""ST-GCN: its partition and graph convolution by hand, on graphs of three and more joints."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from actviz.clip.layouts import LAYOUTS
from models.baselines.stgcn import NTU_BONES, PAPER_CHANNELS, STGCN, GraphConv, adjacency, hops_from

CHAIN = ((0, 1), (1, 2))  # hip, knee, foot; distances are counted from the hip


def test_subsets_of_a_chain_by_hand() -> None:
    itself, nearer, further = adjacency(CHAIN, 3, centre=0).tolist()
    assert itself == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert nearer == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]  # the knee's is the hip, the foot's the knee
    assert further == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_edges_weigh_one_over_the_size_of_the_subset() -> None:
    star = ((0, 1), (0, 2), (0, 3), (1, 2))  # 1 and 2 are as far from the centre as each other
    itself, nearer, further = adjacency(star, 4, centre=0)
    assert further[0].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert itself[1].tolist() == [0, 0.5, 0.5, 0] and nearer[1].tolist() == [1, 0, 0, 0]


def test_joints_without_a_way_to_the_centre_are_as_far_as_can_be() -> None:
    assert hops_from(1, CHAIN, 5) == [1, 0, 1, 5, 5]
    itself, nearer, further = adjacency((*CHAIN, (3, 4)), 5, centre=1)
    assert itself[3, 4] == 0.5 and not nearer[3].any() and not further[3].any()


def test_graph_convolution_is_the_sum_over_neighbours() -> None:
    torch.manual_seed(0)
    edges = adjacency(CHAIN, 3, centre=0)
    conv, x = GraphConv(2, 4, edges), torch.randn(1, 2, 5, 3)
    torch.nn.init.uniform_(conv.importance)
    weight = conv.mix.weight[..., 0, 0].unflatten(0, (3, 4))  # (k, out, in)
    bias = conv.mix.bias.unflatten(0, (3, 4))
    expected = torch.zeros(1, 4, 5, 3)
    for k in range(3):
        for i in range(3):
            for j in range(3):
                message = torch.einsum("oc,bcs->bos", weight[k], x[..., j]) + bias[k][:, None]
                expected[..., i] += edges[k, i, j] * conv.importance[k, i, j] * message
    torch.testing.assert_close(conv(x), expected)


def test_bones_of_the_usual_joints_are_the_layouts() -> None:
    ours = {frozenset(bone) for bone in NTU_BONES}
    assert ours == {frozenset(bone) for bone in LAYOUTS["ntu-25"].bones}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_makes_one_body_round_its_centre(name: str) -> None:
    layout = LAYOUTS[name]
    model = STGCN(
        3, frames=8, people=1, joints=len(layout), roles=layout.roles, bones=layout.bones,
        channels=(4, 4),
    ).eval()  # fmt: skip
    centre = layout.roles["spine_shoulder"][0]
    assert max(hops_from(centre, layout.bones, len(layout))) < 12
    joints, present = body(len(layout))
    assert model(joints, present).logits.isfinite().all()


def body(joints: int, frames: int = 6) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(2, frames, 1, joints, 3), torch.ones(2, frames, 1, dtype=torch.bool)


def test_what_a_joint_does_reaches_as_many_bones_as_there_are_blocks() -> None:
    """With one block an end of the chain knows nothing of the other."""
    bones = ((0, 1), (1, 2), (2, 3))
    model = STGCN(
        2, frames=6, people=1, joints=4, roles={}, bones=bones, centre=0, channels=(4, 4)
    ).eval()
    joints, present = body(4)
    moved = joints.clone()
    moved[..., 0, :] += 1
    gap = (model(moved, present).maps - model(joints, present).maps).abs().sum((0, 1, 2))
    assert gap[:3].all() and not gap[3]


def test_paper_size_halves_time_where_it_widens() -> None:
    with torch.device("meta"):
        model = STGCN(60, frames=300, channels=PAPER_CHANNELS)
    strides = [block.time[0].stride[0] for block in model.blocks]
    assert strides == [1, 1, 1, 2, 1, 1, 2, 1, 1]


def test_bones_of_other_joints_and_even_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match="joint numbers from 0 to 19"):
        STGCN(3, joints=20, roles={})
    with pytest.raises(ValueError, match="kernel must be odd"):
        STGCN(3, kernel=8)
