"""What is published of MAN's accuracy, in per cent, with its decimals, and what is not.

The paper's full text was not at hand and its abstract names no figures: these are from public lists
of results.
"""

from __future__ import annotations

__all__ = ["NOTES", "NTU_LIST", "PUBLISHED"]

PUBLISHED: dict[str, float] = {  # data set and protocol -> accuracy of MANs
    "NTU RGB+D, cross-subject": 82.67,
    "NTU RGB+D, cross-view": 93.22,
    "UT-Kinect": 100.0,
    "SYSU-3D": 87.63,
    "HDM05": 99.04,
}
# What others reached on NTU RGB+D, cross-subject and cross-view, as a public list has it.
NTU_LIST: dict[str, tuple[float, float]] = {
    "Lie Group": (50.1, 52.8),
    "H-RNN": (59.1, 64.0),
    "P-LSTM": (62.9, 70.3),
    "TrustGate": (69.2, 77.7),
    "Two-stream RNN": (71.3, 79.5),
    "STA-LSTM": (73.4, 81.2),
    "Ensemble TS-LSTM": (74.6, 81.3),
    "Visualization CNN": (76.0, 82.6),
    "C-CNN + MTLN": (79.6, 84.8),
    "Temporal Conv": (74.3, 83.1),
    "VA-LSTM": (79.4, 87.6),
    "ST-GCN": (81.5, 88.3),
    "HCN": (86.5, 91.1),
    "SR-TSL": (84.8, 92.4),
}
NOTES = {
    "second-hand": "The published 100 % on UT-Kinect is second-hand, from a public list of "
    "results: with which convolutions and by which protocol is not stated there.",
    "ablation": "No published figure of MAN's convolutions or of its memory alone is known; that "
    "the memory helps is the abstract's claim.",
    "frozen": "In the released demo the attention's two layers are made inside a Keras Lambda, so "
    "that they are never trained.",
    "ntu": "82.67 and 93.22 are of the variant with DenseNet-161; another list has 83.01 for "
    "cross-subject, probably of other convolutions. The released demo keeps the epoch that is best "
    "on the test set; here the epoch is chosen on people held out of the training part.",
    "ntu-list": "Published figures of others are from a public list of results; ST-GCN's is of the "
    "full network on 300 frames, ours is light and sees what MAN sees.",
    "sysu": "The published 87.63 is second-hand: neither its setting (1: half of each class's "
    "sequences, 2: half of the people) nor its convolutions are stated there. Either setting is "
    "the mean over 30 random halves; the halves are drawn by us.",
    "hdm05": "The published 99.04 is second-hand; 65 classes and ten folds are how the field reads "
    "HDM05. The folds are drawn by us, and so are two pairs of the 65 merged classes.",
    "wide": "ResNet-50 and DenseNet-161 start from ImageNet and want a GPU: add --wide.",
}
