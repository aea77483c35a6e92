"""What the pages say about the models: what one sees, and the equations behind it."""

from __future__ import annotations

__all__ = [
    "GLANCE",
    "GLANCE_EQUATIONS",
    "MEMORY",
    "MEMORY_EQUATIONS",
    "SKELETON",
    "SKELETON_EQUATIONS",
]

MEMORY = (
    "At every frame MAM reads its memory, decides whether this frame belongs there, and writes or "
    "skips it. After a skipped frame the state behind the curve starts anew: a break in the line. "
    "The answer comes from the mean of what was written, so the bars say exactly what each frame "
    "adds to it. A what-if runs on what the network has seen already: change one thing, and watch."
)
GLANCE = (
    "Each frame is looked at alone. The classification branch learned from many frames of a clip; "
    "the regression branch learned to guess from one frame what many would have shown, the "
    "temporal memory: the nearer its curve is to zero, the better this one glance stands for the "
    "clip. Both share one classifier, so their maps can be compared. Evidence is not proof of "
    "cause."
)
SKELETON = (
    "Each joint is as large and as bright as it is marked by: **masking**, how far the answer "
    "falls where this limb is kept from MAN at this moment; **evidence**, how much the network's "
    "last maps speak for the class where this joint stands; **attention**, the weight that MAN "
    "gives this moment; or **recalibration**, how far its memory moves the joint. A place of the "
    "maps is some four joints and four frames wide and has read nearly the whole clip: evidence "
    "tells when far better than which limb. Masking is an experiment and tells both; any mix of "
    "limbs and moments can be tried beside. **L** and **R** are the person's own left "
    "and right; the squares are half a metre, and people are kept in their middle, whatever the "
    "camera does."
)

MEMORY_EQUATIONS = r"""
- Reading: $mh_t$ is the mean of the items in $M_{t-1}$, zero where it is empty (eq. 1).
- Writing: $M_t = \mathrm{append}(M_{t-1}, W_w x_t)$ if $s_t = 1$, else $M_{t-1}$ (eq. 2).
- State: $\hat h_t, \hat c_t = \mathrm{LSTM}(x_t; h_{t-1}, c_{t-1})$, $ce_t = \hat h_t$ (eq. 3),
  kept after a write and reset after a skip: $h_t = s_t \hat h_t$, $c_t = s_t \hat c_t$ (eq. 4, 5).
- Score: $q_t = v_s \cdot \mathrm{ReLU}(W_{sf} x_t + W_{sc} ce_t + W_{sm} mh_t + b_s)$ (eq. 6).
- Write probability $a_t = \sigma(q_t)$ (eq. 7); written where $a_t > \mathrm{thr}$ (eq. 8, 9).
- Logit of class $k$: $b_k + \sum_t s_t\,w_k \cdot m_t / n_T$ with items $m_t = W_w x_t$, of which
  $n_T$ are in memory at the end: one bar for each $t$.

Yuan, Wang, Wang: Memory-Augmented Temporal Dynamic Learning for Action Recognition, AAAI 2019.
"""
GLANCE_EQUATIONS = r"""
- $F_{cls}$ is the mean over time of $CB(BB(I_t))$, all frames; $F_{reg} = RB(BB(I_{key}))$, one.
- Loss: $CE(FC(F_{cls}), y) + \alpha\,\mathrm{SmoothL1}(F_{reg} - F_{cls})$, $\alpha = 0.8$ (eq. 1).
- At a glance: $F = (RB(BB(I)) + CB(BB(I)))/2 \to FC$, each frame alone.
- The map of class $k$ is $\sum_c w_{kc} F_c(i, j)$: its mean and the bias are the logit. Shown is
  its positive part, on one scale for the whole clip and both branches.
- The branches disagree by $\frac12 \sum_k |p^{RB}_k - p^{CB}_k|$, the share of the probability
  that they place differently.
- Temporal memory: $\mathrm{SmoothL1}(F_{reg}(t) - F_{cls})$ and $\mathrm{SmoothL1}(F_{cls}(t) -
  F_{cls})$ of the glance at $t$, with $F_{cls}$ of all glances.

Liu, Li, Gao, Qin: Temporal Memory Network Towards Real-Time Video Understanding, IEEE Access 2020.
"""
SKELETON_EQUATIONS = r"""
For each coordinate $X$ of $(x, y, z)$ over the moments of the clip:

- $E = X W_e + b_e$, $M = \overrightarrow{GRU}(E) + \overleftarrow{GRU}(E)$, $g$ the mean of $E$
  over its features.
- Attention: $a = \sigma(W_2\,\mathrm{ReLU}(W_1 g + b_1) + b_2)$, one number for each moment.
- Recalibration: $\tilde X = X + (a \cdot M) W_o + b_o$; the three become channels of one image.
  Shown is $|\tilde X - X|$ of each joint, in metres.
- Evidence for class $k$ is the positive part of $\sum_c w_{kc} F_c$ in the last maps $F$ of the
  convolutions, which global averaging makes exact, read at each joint's column and frame's row.
- Without a limb or a moment: its columns or rows of the image are zero, as an absent person's.
  The log odds of class $k$, $\log p_k - \log(1 - p_k)$, less those without one person's limb at one
  moment, are what this limb is worth there: they still tell where a probability stays near 1.

Xie, Li, Zhang, Chen, Han, Zou, Liu: Memory Attention Networks for Skeleton-based Action
Recognition, IJCAI 2018.
"""
