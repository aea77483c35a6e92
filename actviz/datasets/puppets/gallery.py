"""The eight bundled clips: video, skeleton and truth of test-split puppets, with a manifest.

They lie in ``explorer/gallery`` beside the package (the project is installed editable);
``write_gallery`` makes them anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from actviz.clip.downloads import sha256_of
from actviz.datasets.puppets.plan import FPS
from actviz.datasets.puppets.scene import Scene, make_scene
from actviz.datasets.puppets.truth import PuppetTruth
from actviz.errors import ActvizError

__all__ = ["GALLERY", "GalleryClip", "gallery", "truth_for", "write_gallery"]

GALLERY = Path(__file__).resolve().parents[3] / "explorer" / "gallery"
MANIFEST = "manifest.json"
SIZE = 320  # pixels a side
NOISE = 0.3  # of the sensor; the rest would cost more bytes than the puppets
SEEDS = (  # of the test split; among them a reversed pair, things, and two people
    2_400_036,  # wave
    2_400_146,  # jumping jack
    2_400_148,  # sit down
    2_400_077,  # stand up
    2_400_126,  # pick up
    2_400_044,  # throw
    2_400_106,  # shake hands
    2_400_215,  # push
)


@dataclass(frozen=True)
class GalleryClip:
    """One bundled clip and where its files are."""

    name: str  # of the files, without ending
    title: str
    action: str
    seed: int
    video: Path  # .mp4
    skeleton: Path  # .npz
    truth: Path  # .json


def write_gallery(folder: str | Path = GALLERY) -> list[GalleryClip]:
    """Render the eight clips into ``folder``, with skeletons, truths and ``manifest.json``."""
    from actviz.clip.skeleton import save_skeleton

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for seed in SEEDS:
        scene = make_scene(seed, root="camera")
        name = scene.action.replace(" ", "_")
        files = {kind: f"{name}{end}" for kind, end in ENDINGS.items()}
        _film(scene, folder / files["video"])
        save_skeleton(folder / files["skeleton"], scene.skeleton())
        scene.truth.save(folder / files["truth"])
        hashes = {kind: sha256_of(folder / file) for kind, file in files.items()}
        entries.append({"name": name, "title": scene.action.capitalize(), "action": scene.action,
                        "seed": seed, "files": files, "sha256": hashes})  # fmt: skip
    text = json.dumps({"size": SIZE, "fps": FPS, "clips": entries}, indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    _by_digest.cache_clear()
    return gallery(folder)


ENDINGS = {"video": ".mp4", "skeleton": ".npz", "truth": ".json"}


def _film(scene: Scene, path: Path) -> None:
    from actviz.clip.writer import VideoWriter

    frames = scene.render(size=SIZE, noise=NOISE)
    with VideoWriter(path, width=SIZE, height=SIZE, fps=FPS) as writer:
        for frame, time_s in zip(frames, scene.times_s, strict=True):
            writer.write(frame, float(time_s))


def _manifest(folder: Path) -> dict:
    path = folder / MANIFEST
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ActvizError(
            f"{path}: expected the manifest of the bundled clips; got {problem}. "
            "Make the gallery anew with actviz.datasets.puppets.gallery.write_gallery()."
        ) from problem


def gallery(folder: str | Path = GALLERY) -> list[GalleryClip]:
    """The bundled clips, in the order to show them."""
    folder = Path(folder)
    return [
        GalleryClip(
            entry["name"],
            entry["title"],
            entry["action"],
            int(entry["seed"]),
            *(folder / entry["files"][kind] for kind in ENDINGS),
        )
        for entry in _manifest(folder)["clips"]
    ]


@lru_cache(maxsize=1)
def _by_digest() -> dict[str, Path]:
    """Truth files of the bundled clips by the sha256 of their video and of their skeleton."""
    found = {}
    for entry in _manifest(GALLERY)["clips"]:
        truth = GALLERY / entry["files"]["truth"]
        found[entry["sha256"]["video"]] = found[entry["sha256"]["skeleton"]] = truth
    return found


def truth_for(digest: str) -> PuppetTruth | None:
    """The truth of a bundled clip, by the sha256 of its video or skeleton file; else None."""
    if not (GALLERY / MANIFEST).is_file():
        return None
    path = _by_digest().get(digest)
    return PuppetTruth.load(path) if path is not None else None
