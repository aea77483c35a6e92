"""``actviz probe`` and ``actviz trace``: what is in a file, and what a model sees in it."""

from __future__ import annotations

import argparse
from pathlib import Path

from actviz.cli.common import Bar, Commands, add_command, folder
from actviz.errors import ActvizError

__all__ = ["add_probe", "add_trace"]

PAPERS = ("mam", "tmnet", "man")
RIVALS = ("convnet", "lstm", "alstm", "convlstm", "videolstm", "l2stm", "tslstm", "tsn")
FLOW = ("dis", "tvl1")


def add_probe(commands: Commands) -> None:
    parser = add_command(commands, "probe", _probe, "what is in a file; what the model will see")
    parser.add_argument("path", metavar="VIDEO|SKELETON", type=Path)


def add_trace(commands: Commands) -> None:
    text = "what a model remembers or attends to in a clip: curves, maps, figure, overlay video"
    parser = add_command(commands, "trace", _trace, text)
    parser.add_argument("path", metavar="VIDEO|SKELETON", type=Path)
    parser.add_argument("--model", required=True, choices=(*PAPERS, *RIVALS))
    parser.add_argument("--out", required=True, type=folder, help="folder for the results")
    parser.add_argument("--weights", type=Path, help="a checkpoint (default: the bundled one)")
    parser.add_argument(
        "--with",
        dest="second",
        metavar="WEIGHTS",
        help='MAM: a second stream, on optical flow; "bundled" takes the one of the project',
    )
    parser.add_argument(
        "--flow",
        choices=FLOW,
        default="",
        help="how optical flow is computed: dis takes seconds, tvl1, as TSN has it, minutes "
        "(default: as for the weights' training, where their card says, or else dis)",
    )
    parser.add_argument("--start", type=float, metavar="S", help="begin at this second")
    parser.add_argument("--end", type=float, metavar="S", help="end at this second")
    parser.add_argument("--segment", metavar="NAME", help="labelled part of a UT-Kinect recording")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--frames", type=int, metavar="N", help="frames to look at")
    parser.add_argument("--threshold", type=float, help="MAM: write above this probability")
    parser.add_argument(
        "--what-if",
        action="append",
        default=[],
        metavar="CHANGE",
        help='MAM: reverse, shuffle, "drop 3-5", "write 3-5" or "skip 0-2": frames that it looks '
        'at, counted from 0. MAN: "without left arm, right arm" or "drop 1.2-1.8": seconds. Can be '
        "given again",
    )
    parser.add_argument(
        "--class", dest="cam_class", help="TMNet, MAN: class whose evidence is mapped"
    )
    parser.add_argument(
        "--cam-method",
        metavar="NAME",
        help="TMNet: how the maps are made: cam (exact, the default), or of the grad-cam package "
        "gradcam, gradcam++, xgradcam, hirescam, layercam, eigencam, eigengradcam, ablationcam or "
        "scorecam (slow)",
    )
    parser.add_argument(
        "--motion", action="store_true", help="TMNet: map what moves, too, by optical flow"
    )
    parser.add_argument("--pose-model", type=Path, help="MediaPipe pose_landmarker .task file")
    parser.add_argument(
        "--download-pose-model", action="store_true", help="fetch the pose model into the cache"
    )
    parser.add_argument("--no-overlay", action="store_true", help="do not write overlay.mp4")


def _probe(options: argparse.Namespace) -> None:
    from actviz.describe import describe_file

    for name, value in describe_file(options.path):
        print(f"{name:<12} {value}")


def _trace(options: argparse.Namespace) -> None:
    from actviz.report import FILES, in_words, results_folder, write_files
    from actviz.trace.run import Span, trace_file
    from actviz.trace.wishes import read_wish

    if options.path.resolve() in {(options.out / name).resolve() for name in FILES}:
        raise ActvizError(f"{options.path}: would be overwritten; choose another --out.")
    if options.download_pose_model:
        from actviz.clip.pose import find_pose_model

        options.pose_model = find_pose_model(options.pose_model, download=True)
    wish = read_wish(options.model, options.what_if, threshold=options.threshold)
    with results_folder(options.out) as fresh, Bar() as bar:
        traced = trace_file(
            options.path,
            model=options.model,
            weights=options.weights,
            second=options.second,
            span=Span(options.start, options.end, options.segment),
            device=options.device,
            frames=options.frames,
            threshold=options.threshold,
            cam_class=options.cam_class,
            cam_method=options.cam_method,
            motion=options.motion,
            flow_method=options.flow,
            scratch=None if options.no_overlay else fresh,
            pose_model=options.pose_model,
            progress=bar,
        )
        traced = wish(traced)
        write_files(traced, fresh, overlay=not options.no_overlay, progress=bar)
    print("\n".join(in_words(traced, options.out)))
