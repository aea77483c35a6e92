"""MediaPipe's pose model: where its file is, and running it quietly on one frame after another."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.downloads import RemoteFile, cache_folder, fetch
from actviz.clip.pose_landmarks import Detection, torso_colours
from actviz.errors import ActvizError

__all__ = ["POSE_MODEL", "Landmarker", "PoseError", "find_pose_model"]

Progress = Callable[[int, int], None]

# What MediaPipe's status codes become in Python.
_REFUSALS = (OSError, RuntimeError, ValueError, LookupError, MemoryError)

# Version 1 at MediaPipe's own address. MediaPipe publishes no checksum; this one was recorded
# independently, for this very address, by several public projects that fetched it. Should the file
# there ever change, fetching it fails and says so, and --pose-model takes any file you trust.
POSE_MODEL = RemoteFile(
    name="pose_landmarker_full.task",
    url="https://storage.googleapis.com/mediapipe-models/pose_landmarker/pose_landmarker_full"
    "/float16/1/pose_landmarker_full.task",
    size=9_398_198,
    sha256="5134a3aad27a58b93da0088d431f366da362b44e3ccfbe3462b3827a839011b1",
)


class PoseError(ActvizError):
    """Pose from video is not possible: no MediaPipe, no model file, or hardly anybody found."""


def find_pose_model(
    path: str | os.PathLike[str] | None = None,
    *,
    download: bool = False,
    progress: Progress | None = None,
) -> Path:
    """The pose model file: ``path``, else ``ACTVIZ_POSE_MODEL``, else the one in the cache folder.

    Args:
        path: a ``pose_landmarker_*.task`` file.
        download: fetch it into the cache folder (``ACTVIZ_CACHE`` moves it) where it is missing.
        progress: called with bytes so far and bytes in all.

    Raises:
        PoseError: there is none, or the named file is not one.
        DownloadError: it could not be fetched, or is not the file expected.
    """
    for given, source in ((path, "the pose model"), (os.environ.get("ACTVIZ_POSE_MODEL"), "")):
        if given:
            return _checked_model(Path(given), source or "ACTVIZ_POSE_MODEL")
    folder = cache_folder()
    if download or (folder / POSE_MODEL.name).exists():
        return fetch(POSE_MODEL, folder, progress=progress)
    raise PoseError(
        f"pose from video needs MediaPipe's {POSE_MODEL.name} and it is not at {folder}: name a "
        "file with --pose-model or ACTVIZ_POSE_MODEL, or fetch it once with --download-pose-model "
        f"({POSE_MODEL.size / 1e6:.1f} MB from {POSE_MODEL.url})."
    )


def _checked_model(path: Path, source: str) -> Path:
    if not path.is_file():
        raise PoseError(f"{path}: no such file; {source} should name a pose_landmarker .task file.")
    try:
        with zipfile.ZipFile(path) as bundle:
            found = "pose_landmarks_detector.tflite" in bundle.namelist()
    except (zipfile.BadZipFile, OSError):
        found = False
    if not found:
        raise PoseError(
            f"{path}: expected a MediaPipe pose_landmarker .task file; this is something else. "
            f"MediaPipe offers one at {POSE_MODEL.url}."
        )
    return path


class Landmarker:
    """MediaPipe's PoseLandmarker in video mode, quiet, numpy in and ``Detection`` out."""

    def __init__(self, model: Path, size: tuple[int, int]) -> None:
        self._mediapipe, vision = _import_mediapipe()
        self._size = size
        self._last_ms = -1
        self._settled = False
        options = vision.PoseLandmarkerOptions(
            base_options=self._mediapipe.tasks.BaseOptions(model_asset_path=str(model)),
            running_mode=vision.RunningMode.VIDEO,
            num_poses=2,
        )
        self._stack = ExitStack()
        try:
            with _quiet():
                landmarker = vision.PoseLandmarker.create_from_options(options)
        except _REFUSALS as error:
            raise PoseError(
                f"{model}: MediaPipe cannot load this model ({_first_line(error)})."
            ) from None
        self._landmarker: Any = self._stack.enter_context(landmarker)

    def __enter__(self) -> Landmarker:
        return self

    def __exit__(self, *_: object) -> None:
        with _quiet():
            self._stack.close()

    def detect(self, rgb: NDArray[np.uint8], time_s: float) -> list[Detection]:
        """People in one upright frame uint8 (H, W, 3); times must not go back."""
        # Repeated milliseconds are refused in video mode; frames closer than that are moved apart.
        self._last_ms = max(self._last_ms + 1, round(time_s * 1000))
        image = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(rgb)
        )
        with ExitStack() as stack:
            if not self._settled:  # it also talks at its first detection
                stack.enter_context(_quiet())
            try:
                result = self._landmarker.detect_for_video(image, self._last_ms)
            except _REFUSALS as error:
                raise PoseError(
                    f"MediaPipe failed at {time_s:.2f} s ({_first_line(error)})."
                ) from None
        self._settled |= bool(result.pose_landmarks)
        pairs = zip(result.pose_world_landmarks, result.pose_landmarks, strict=True)
        found = (self._detection(world, image, rgb) for world, image in pairs)
        return [detection for detection in found if detection.is_finite]

    def _detection(self, world: Any, image: Any, rgb: NDArray[np.uint8]) -> Detection:
        height, width = self._size
        places = np.array([(mark.x, mark.y) for mark in image])  # of the picture's width, height
        finite = bool(np.isfinite(places).all())
        return Detection(
            world=np.array([(mark.x, mark.y, mark.z) for mark in world]),
            image=places * (width, height),
            visibility=np.array([mark.visibility or 0.0 for mark in image]),
            colours=torso_colours(rgb, places * rgb.shape[1::-1]) if finite else None,
        )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _import_mediapipe() -> tuple[Any, Any]:
    # MediaPipe 1.2.2 carries a profiler that has every thread interrupted by SIGPROF 100 times a
    # second, whose default is death: a process that posed has died of it. At 0 it arms no timer.
    os.environ.setdefault("CPUPROFILE_FREQUENCY", "0")
    try:
        import mediapipe
        from mediapipe.tasks.python import vision
    except (ImportError, OSError) as error:
        raise PoseError(
            f"pose from video needs MediaPipe, which does not import here ({error}); install it "
            'with: pip install "actviz[pose]"'
        ) from None
    return mediapipe, vision


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what MediaPipe's C++ writes to file descriptor 2 from the terminal.

    Its log settings (GLOG_minloglevel, TF_CPP_MIN_LOG_LEVEL, ABSL_MIN_LOG_LEVEL) have no effect in
    1.2.2, tried one by one. Python errors still arrive as exceptions.
    """
    try:
        saved = os.dup(2)
    except OSError:  # no standard error, as under pythonw
        yield
        return
    try:
        with tempfile.TemporaryFile() as sink:
            os.dup2(sink.fileno(), 2)
            yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
