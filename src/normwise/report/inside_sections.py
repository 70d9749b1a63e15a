"""The sections on the inside of networks: of each probe one that is shown, and one that is folded.

To show what a new probe sees, write a file in :mod:`normwise.report.sections.inside` and put its
functions into the lists here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from normwise.report.section import Section
from normwise.report.sections.inside import (
    activations,
    gradients,
    landscape,
    shift,
    statistics,
)
from normwise.report.seen import Seen

__all__ = ["inside_details", "inside_sections"]

_Build = Callable[[Seen], Section | None]

INSIDE: tuple[_Build, ...] = (
    gradients.build,
    activations.build,
    shift.build,
    landscape.build,
    statistics.build,
)
"""What is shown, in reading order."""

INSIDE_DETAILS: tuple[_Build, ...] = (
    gradients.details,
    activations.details,
    shift.details,
    landscape.details,
    statistics.details,
)
"""What is folded."""


def inside_sections(seen: Seen) -> tuple[Section, ...]:
    """A section a probe, with what it saw in a sentence and in a picture."""
    return _built(seen, INSIDE)


def inside_details(seen: Seen) -> tuple[Section, ...]:
    """The same for who wants to know more."""
    return tuple(replace(section, in_picture=False) for section in _built(seen, INSIDE_DETAILS))


def _built(seen: Seen, builders: Iterable[_Build]) -> tuple[Section, ...]:
    if not seen.runs:
        return ()
    return tuple(section for build in builders if (section := build(seen)) is not None)
