"""CPU time of optical flow, and how it agrees with the flow that another tool stored.

    python benchmarks/flow.py VIDEO [--pairs 4] [--stored FOLDER]

Times a pair of frames at short side 256 for each method, on one core. FOLDER holds frame_N.jpg with
flow_x_N.jpg and flow_y_N.jpg of another tool: prints the correlation of the fields on moving pixels
(over 0.5 pixels by ours), averaged over frames, for flow N taken as leading from frame N to N + 1
and as leading from frame N - 1 to N.
"""

from __future__ import annotations

import argparse
import platform
import time
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from actviz.clip.flow import FlowError, flow_fields, flow_method
from actviz.clip.reader import iter_frames


def seconds_a_pair(video: Path, method: str, pairs: int) -> tuple[float, tuple[int, ...]]:
    """CPU seconds of one field, and its size."""
    stream = islice(iter_frames(video, short_side=256), pairs + 1)
    frames = np.stack([np.asarray(_enlarged(frame)) for _, _, frame in stream])
    flow_fields(frames[:2], method=method)
    begin = time.process_time()
    flow_fields(frames, method=method)
    return (time.process_time() - begin) / (len(frames) - 1), frames.shape[1:3]


def _enlarged(frame: np.ndarray) -> Image.Image:
    picture = Image.fromarray(frame)
    scale = 256 / min(picture.size)
    return picture.resize((round(picture.width * scale), round(picture.height * scale)))


def agreement(folder: Path, method: str, pairs: int) -> dict[str, list[float]]:
    """Mean correlation of x and of y with the stored fields, for both ways to number them."""
    first = min(int(path.stem.split("_")[-1]) for path in folder.glob("frame_*.jpg"))

    def stored(name: str, number: int) -> np.ndarray:
        return np.asarray(Image.open(folder / f"{name}_{number}.jpg"))

    frames = np.stack([stored("frame", first + k) for k in range(pairs + 1)])
    fields = flow_fields(frames, method=method)
    found = {}
    for words, shift in (("from N to N + 1", 0), ("from N - 1 to N", 1)):
        rows = []
        for k, field in enumerate(fields):
            moves = np.hypot(field[..., 0], field[..., 1]) > 0.5
            if moves.sum() > 500:
                others = [stored(f"flow_{axis}", first + k + shift)[moves] for axis in "xy"]
                rows.append([np.corrcoef(field[moves][:, i], others[i])[0, 1] for i in (0, 1)])
        found[words] = np.mean(rows, 0).tolist()
    return found


def main() -> None:
    import cv2

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--stored", type=Path, help="frames and flow of another tool")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print(f"{platform.machine()}, OpenCV {cv2.__version__}, one thread")
    for method in ("tvl1", "dis"):
        try:
            flow_method(method)
        except FlowError as error:
            print(f"{method}: {error}")
            continue
        seconds, (height, width) = seconds_a_pair(options.video, method, options.pairs)
        print(f"{method}: {seconds * 1000:.0f} ms of CPU a pair at {width}×{height}")
        if options.stored:
            for words, (x, y) in agreement(options.stored, method, options.pairs).items():
                print(f"  stored flow N leads {words}: correlation x {x:.3f}, y {y:.3f}")


if __name__ == "__main__":
    main()
