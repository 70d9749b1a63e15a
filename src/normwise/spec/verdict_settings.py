"""How sure an answer is, and what it says besides: fields of :class:`~normwise.spec.Spec`."""

from __future__ import annotations

from typing import Annotated

from normwise.spec.about import About
from normwise.spec.kinds import AboveOne, Count, CountOrZero, NotNegative, Positive

__all__ = [
    "Ablate",
    "EndMargin",
    "Margin",
    "MaxSeeds",
    "Patience",
    "Population",
    "Price",
    "Probe",
    "ProbeRuns",
    "Prune",
    "Remedy",
    "UntilDecided",
]

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
EndMargin = Annotated[
    NotNegative | None,
    About(
        "answer",
        "A final value worse by at most this, in the metric's unit, is no worse; what is not shown "
        "to end no worse is not recommended. Default: 0.01 of a score whose best is 1, or a fifth "
        "of what the baseline lacks to it if that is less; 2% of a loss.",
        example="0.005",
        panel=_PANEL,
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
Population = Annotated[
    bool,
    # Runs are the same with it and without: a folder may hold both.
    About(
        "answer",
        "Whether runs with moving statistics are also evaluated with those of the whole training "
        "part at each epoch's end, which tells slow learning from statistics that lag. Default: "
        "they are.",
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
Probe = Annotated[
    bool,
    About(
        "answer",
        "Also look inside the first runs of each variant, which train once more for it: gradients, "
        "activations, how both shift, the loss along a step, what a normalisation holds.",
        panel=_PANEL,
    ),
]
ProbeRuns = Annotated[
    Count,
    About("answer", "Runs of each variant to look inside.", example="2", panel=_PANEL),
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
