"""Batch leakage: whether a prediction depends on its neighbours in the batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from normwise.report.section import Section
from normwise.report.sections.gap import Found

__all__ = ["build", "headline", "sentences"]


def build(found: Found) -> Section | None:
    """A sentence or two; nothing where it could not be looked for."""
    leak = found["leakage"]
    return None if leak is None else Section("Batch leakage", text=tuple(sentences(leak)))


def headline(leak: Mapping[str, Any]) -> str:
    """Whether anything leaks, in a few words.

    >>> headline({"leaks": True, "change": 0.126})
    'Neighbours in the batch change a prediction by 13%'
    """
    if not leak["leaks"]:
        return "No prediction depends on its neighbours in the batch"
    return f"Neighbours in the batch change a prediction by {100 * leak['change']:.2g}%"


def sentences(leak: Mapping[str, Any]) -> Iterator[str]:
    """What was found, first whether anything leaks."""
    if leak["leaks"]:
        begins = f"; it begins in {leak['layer']!r}" if leak["layer"] else ""
        share = f"{100 * leak['change']:.2g}%"
        yield f"Other neighbours in the batch change a prediction by {share}{begins}."
    else:
        yield "None: no prediction depends on its neighbours in the batch."
    if leak["is_random"]:
        yield "The same batch twice gives two predictions: the model draws at random."
