"""TSN's consensus."""

from __future__ import annotations

import torch

from models.baselines.tsn import TSN


def test_consensus_is_the_mean_of_the_frames_logits() -> None:
    model = TSN(3, backbone="resnet18_narrow", width=4).eval()
    frames = torch.rand(2, 4, 3, 32, 32)
    output = model(frames)
    torch.testing.assert_close(output.logits, output.frame_logits.mean(1))
    alone = model(frames[:, 2:3])
    torch.testing.assert_close(alone.logits, output.frame_logits[:, 2], rtol=1e-4, atol=1e-6)
