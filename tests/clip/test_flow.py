"""Optical flow: known shifts, the sign convention, the quantised form, and a real clip."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from actviz.clip.flow import FlowError, dequantise, flow_fields, flow_method, iter_flow, quantise

REAL = ("tvl1", "dis")


def texture(height: int = 64, width: int = 80, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth random picture uint8 (H, W, 3)."""
    small = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("method", REAL)
@pytest.mark.parametrize(("right", "down"), [(2, 0), (-2, 0), (0, 3), (1, -2)])
def test_flow_says_how_far_pixels_move_right_and_down(method, right, down):
    first = texture()
    frames = np.stack([first, np.roll(first, (down, right), (0, 1))])
    (field,) = flow_fields(frames, method=method)
    inside = field[12:-12, 12:-12].reshape(-1, 2)
    np.testing.assert_allclose(np.median(inside, 0), (right, down), atol=0.15)


@pytest.mark.parametrize("method", REAL)
def test_each_field_leads_from_a_frame_to_the_next(method):
    first = texture()
    frames = np.stack([np.roll(first, shift, 1) for shift in (0, 1, 0, 2)])
    fields = flow_fields(frames, method=method)
    assert fields.dtype == np.float32
    assert fields.shape == (3, 64, 80, 2)
    middle = np.median(fields[:, 12:-12, 12:-12, 0], (1, 2))
    np.testing.assert_allclose(middle, (1, -1, 2), atol=0.15)


def test_frames_are_taken_one_by_one_as_fields_are_asked_for():
    taken = []

    def frames():
        for number in range(100):
            taken.append(number)
            yield texture(seed=number)

    fields = iter_flow(frames(), method="dis")
    next(fields)
    assert taken == [0, 1]


def test_one_frame_has_no_flow():
    assert flow_fields(texture()[None], method="dis").shape == (0, 64, 80, 2)


def test_quantised_levels_by_hand():
    flow = np.array([-25.0, -20.0, 0.0, 10.0, 20.0, 99.0])
    assert quantise(flow).tolist() == [0, 0, 128, 191, 255, 255]  # 255·30/40 = 191.25


def test_quantising_costs_at_most_half_a_level():
    flow = np.random.default_rng(0).uniform(-20, 20, (50, 2)).astype(np.float32)
    assert np.abs(dequantise(quantise(flow)) - flow).max() <= 20 / 255 + 1e-5


@pytest.mark.parametrize(
    ("frames", "word"),
    [
        (np.zeros((4, 64, 64), np.uint8), "shape"),
        (np.zeros((2, 64, 64, 3), np.float32), "uint8"),
        (np.zeros((2, 64, 64, 1), np.uint8), "RGB"),
        (np.zeros((2, 8, 64, 3), np.uint8), "at least 16×16"),
    ],
)
def test_other_frames_are_refused(frames, word):
    with pytest.raises(FlowError, match=word):
        flow_fields(frames, method="dis")


def test_frames_of_two_sizes_are_refused():
    with pytest.raises(FlowError, match="80×64, then 80×48"):
        list(iter_flow([texture(), texture(48)], method="dis"))


def test_unknown_method_is_refused_before_any_frame():
    with pytest.raises(FlowError, match="auto, tvl1, dis; got 'farneback'"):
        flow_fields(texture()[None], method="farneback")


def test_without_contrib_modules_auto_is_dis_and_tvl1_says_what_to_install(monkeypatch):
    import cv2

    monkeypatch.delattr(cv2, "optflow")
    assert flow_method("auto") == "dis"
    with pytest.raises(FlowError, match=r"pip install .*opencv-contrib-python-headless"):
        flow_method("tvl1")


def test_without_opencv_flow_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(FlowError, match=r"needs OpenCV.*pip install"):
        flow_method("auto")


def archery(root: Path, name: str, numbers: range) -> NDArray[np.uint8]:
    folder = root / "flow" / "Archery_g01_c01"
    return np.stack([np.asarray(Image.open(folder / f"{name}_{n}.jpg")) for n in numbers])


@pytest.mark.real
@pytest.mark.parametrize(("method", "pairs", "least"), [("tvl1", 2, 0.9), ("dis", 30, 0.65)])
def test_agrees_with_the_flow_that_a_tsn_tool_stored(real_data, method, pairs, least):
    """Its fields are stretched to 0…255 one by one, so that only direction can be compared.

    Correlation tells that the field numbered 41 leads from frame 40 to 41.
    """
    frames = archery(real_data, "frame", range(40, 41 + pairs))
    fields = flow_fields(frames, method=method)
    found: dict[str, list[float]] = {"x": [], "y": []}
    for axis, values in found.items():
        stored = archery(real_data, f"flow_{axis}", range(41, 41 + pairs))
        for field, other in zip(fields, stored, strict=True):
            moves = np.hypot(field[..., 0], field[..., 1]) > 0.5
            if moves.sum() > 500:
                ours = field[..., "xy".index(axis)][moves]
                values.append(float(np.corrcoef(ours, other[moves])[0, 1]))
    assert min(np.mean(values) for values in found.values()) > least, found
