"""How sure an answer is, and what it says besides: fields of :class:`~normwise.spec.Spec`."""

from __future__ import annotations

from typing import Annotated

from normwise.spec.about import About
from normwise.spec.kinds import AboveOne, Count, CountOrZero, Positive

__all__ = ["Ablate", "Margin", "MaxSeeds", "Patience", "Price", "Prune", "Remedy", "UntilDecided"]

_PANEL = "How sure, and what else to say"

UntilDecided = Annotated[
    bool,
    About(
        "answer",
        "Double the seeds, round after round, until every comparison is decided.",
        panel=_PANEL,
        hashed_at_default=True,
    ),
]
MaxSeeds = Annotated[
    Count | None,
    About(
        "answer",
        "Most seeds of --until-decided. Default: 8 times --seeds.",
        example="80",
        panel=_PANEL,
    ),
]
Margin = Annotated[
    AboveOne,
    About(
        "answer",
        "A speed-up within this factor makes no difference that matters.",
        example="1.25",
        panel=_PANEL,
        hashed_at_default=True,
    ),
]
Patience = Annotated[
    CountOrZero | None,
    About(
        "answer",
        "Say what early stopping with this patience, in epochs, would have saved.",
        example="5",
        panel=_PANEL,
    ),
]
Prune = Annotated[
    bool,
    About(
        "stopping",
        "Of several learning rates, initialisers, batch sizes or depths stop those early that will "
        "not be the best. Saves more than half of a large grid; there is no working range then.",
        panel=_PANEL,
        hashed_at_default=True,
    ),
]
Ablate = Annotated[
    bool,
    About(
        "answer",
        "Also say which of the normalisation layers matter.",
        panel=_PANEL,
        hashed_at_default=True,
    ),
]
Remedy = Annotated[
    bool,
    About(
        "answer",
        "Whether variants whose moving statistics hide what they have learned are trained with "
        "momentum=auto, too, which is then compared like the others. Default: they are.",
        panel=_PANEL,
    ),
]
Price = Annotated[
    Positive | None,
    About(
        "answer",
        "Of an hour on this machine: says what reaching the target costs.",
        example="2.5",
        panel=_PANEL,
    ),
]
