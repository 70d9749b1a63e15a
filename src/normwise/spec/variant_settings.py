"""Which variants a study has: a field of :class:`~normwise.spec.Spec`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from normwise.spec.about import About
from normwise.spec.kinds import listed

__all__ = ["Variants"]

Variants = Annotated[
    tuple[str, ...],
    BeforeValidator(listed),
    About(
        "extent",
        "Where to normalise, and how: PLACE[:OPTION,…], repeatable. PLACE: none (the "
        "baseline), before, after (the activation), input, joined by +. OPTION: "
        "center=false, scale=false, "
        "momentum=0.9 or auto (what suits the steps of an epoch), "
        "epsilon=1e-5, bias=true, renorm (renorm=auto opens its clips), ghost=16, "
        "norm=layer|group|rms, only=1+2 (of its layers), "
        "drop_before=0.3, drop_after=0.3; at input also norm=zscore|minmax|mean.",
        option="--variant",
        example="after",
        hashed_at_default=True,
    ),
]
