"""A small 3-D puppet theatre: clips whose truth is known, made from a seed alone.

scene = make_scene(7)
scene.render(size=224)      # uint8 (T, 224, 224, 3)
scene.skeleton()            # 25 NTU joints, camera metres
scene.truth.evidence        # (T,) is the action visible now
scene.limb_mask()           # (T, 112, 112) pixels of the limbs that move
"""

from actviz.datasets.puppets.plan import FPS
from actviz.datasets.puppets.scene import SPLITS, Scene, make_scene, render_many, scene_seeds
from actviz.datasets.puppets.shots import ACTIONS
from actviz.datasets.puppets.truth import PuppetTruth, Shot

__all__ = [
    "ACTIONS",
    "FPS",
    "SPLITS",
    "PuppetTruth",
    "Scene",
    "Shot",
    "make_scene",
    "render_many",
    "scene_seeds",
]
