"""What a study says of the engine that trains it."""

from __future__ import annotations

from typing import Annotated, Literal

from normwise.spec.about import About

__all__ = ["EngineChoice"]

EngineChoice = Annotated[
    Literal["auto", "stacked", "fit"],
    # What it comes to is part of a run's key: runs of both kinds may lie in one folder.
    About(
        "answer",
        "What trains: stacked (all runs in one compiled program), fit (Keras' own, one run "
        "after another), or auto: fit where the stack cannot. Which, and why, is said first.",
        example="auto",
        panel="How and where it is run",
    ),
]
