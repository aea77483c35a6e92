"""Arrays in, figure out: matplotlib for print, plotly for the screen, numpy pictures for video."""

from actviz.views.answers import answer_bars, answer_change, describe_answer, describe_change
from actviz.views.attention import attention_lanes, describe_attention
from actviz.views.branches import (
    describe_branches,
    describe_recall,
    disagreement_part,
    distance_part,
    recall_part,
)
from actviz.views.confusion import confusion_figure
from actviz.views.contact import sheet
from actviz.views.contribution import contribution_lanes, contribution_part, describe_contribution
from actviz.views.controller import (
    controller_lanes,
    describe_controller,
    describe_similarity,
    similarity_part,
    terms_part,
)
from actviz.views.gaze import describe_gaze, gaze_lanes, gaze_part
from actviz.views.glance import (
    describe_glance,
    glance_lanes,
    glance_part,
    lead_part,
    no_evidence,
)
from actviz.views.glaze import Glaze
from actviz.views.heat import blend_difference, blend_heat, blend_motion, dim_outside
from actviz.views.memory import describe_memory, memory_lanes, probability_part, size_part
from actviz.views.panels import Panel, panels_figure
from actviz.views.parts import Part, decision_part, stacked
from actviz.views.pictures import draw_caption, draw_decision, draw_skeleton, greyed
from actviz.views.print_attention import attention_figure
from actviz.views.print_contribution import contribution_figure
from actviz.views.print_gaze import gaze_figure
from actviz.views.print_glance import Branches, glance_figure
from actviz.views.print_memory import memory_figure
from actviz.views.skeleton import describe_pose, skeleton_extent, skeleton_scene
from actviz.views.stage import skeleton_frame
from actviz.views.standing import stand_up
from actviz.views.strips import memory_contents, strip
from actviz.views.sweep import sweep_figure
from actviz.views.theme import OUTSIDE_BANNER, weights_note
from actviz.views.truth import Truth

__all__ = [
    "OUTSIDE_BANNER",
    "Branches",
    "Glaze",
    "Panel",
    "Part",
    "Truth",
    "answer_bars",
    "answer_change",
    "attention_figure",
    "attention_lanes",
    "blend_difference",
    "blend_heat",
    "blend_motion",
    "confusion_figure",
    "contribution_figure",
    "contribution_lanes",
    "contribution_part",
    "controller_lanes",
    "decision_part",
    "describe_answer",
    "describe_attention",
    "describe_branches",
    "describe_change",
    "describe_contribution",
    "describe_controller",
    "describe_gaze",
    "describe_glance",
    "describe_memory",
    "describe_pose",
    "describe_recall",
    "describe_similarity",
    "dim_outside",
    "disagreement_part",
    "distance_part",
    "draw_caption",
    "draw_decision",
    "draw_skeleton",
    "gaze_figure",
    "gaze_lanes",
    "gaze_part",
    "glance_figure",
    "glance_lanes",
    "glance_part",
    "greyed",
    "lead_part",
    "memory_contents",
    "memory_figure",
    "memory_lanes",
    "no_evidence",
    "panels_figure",
    "probability_part",
    "recall_part",
    "sheet",
    "similarity_part",
    "size_part",
    "skeleton_extent",
    "skeleton_frame",
    "skeleton_scene",
    "stacked",
    "stand_up",
    "strip",
    "sweep_figure",
    "terms_part",
    "weights_note",
]
