"""How a study's data are read: fields of :class:`~normwise.spec.Spec`, each with what it says."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from normwise.spec.about import About
from normwise.spec.kinds import Rows, sized

__all__ = [
    "ColorMode",
    "GroupColumn",
    "ImageSize",
    "LabelsFile",
    "TargetColumn",
    "TaskOfLabels",
    "Window",
]

_PANEL = "How the data are read"

TargetColumn = Annotated[
    str | None,
    About("training", "Column of the table to predict.", hashed_at_default=True),
]
GroupColumn = Annotated[
    str | None,
    About(
        "training",
        "Column of the table that says which rows belong together, such as a patient's: "
        "none of them validates what others trained.",
        panel=_PANEL,
    ),
]
LabelsFile = Annotated[
    str | None,
    About("training", "LABELS.npy with the labels of --data FILE.npy.", panel=_PANEL),
]
ImageSize = Annotated[
    str | None,
    BeforeValidator(sized),
    About(
        "training",
        "HEIGHTxWIDTH in pixels that a folder's pictures are read in. Default: the model's, "
        "else the size that all have, else 64x64.",
        example="64x64",
        panel=_PANEL,
    ),
]
ColorMode = Annotated[
    Literal["grayscale", "rgb", "rgba"] | None,
    About(
        "training",
        "grayscale, rgb or rgba: the channels of a folder's pictures. Default: the model's, "
        "else grey if all are.",
        panel=_PANEL,
    ),
]
TaskOfLabels = Annotated[
    Literal["binary", "classes", "regression"] | None,
    About(
        "training",
        "binary, classes or regression: whole numbers can be either. Default: what the "
        "labels look like.",
        panel=_PANEL,
    ),
]
Window = Annotated[
    Rows | None,
    # What it comes to is part of a run's key, as the engine is.
    About(
        "answer",
        "Rows that are in memory at a time where the data are streamed; 0: all. Default: data on "
        "disk that take more than a quarter of all memory are streamed, 64 MB at a time.",
        example="10000",
        panel=_PANEL,
    ),
]
