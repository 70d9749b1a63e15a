"""All that a check found: a list, which a notebook shows as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

from normwise.checks.rules.rule import number
from normwise.domain import Finding, Severity
from normwise.report import Page, Shown, findings_page, findings_section

__all__ = ["Findings", "by_severity"]

# Of a longer list, the text in plain Python has so many.
SHOWN = 10


class Findings(Shown, list[Finding]):
    """The findings of a model, in the order of the rules' codes.

    Args:
        found: The findings.
        model: The name of the model.

    >>> Findings([], "small")
    <No findings in 'small'>
    >>> Findings([Finding("NW001", "redundant-bias", "a", "note", "…", "Drop it.", safe=True)], "b")
    <1 finding in 'b': 1 note>
    NW001 redundant-bias in a: Drop it.
    """

    def __init__(self, found: Iterable[Finding] = (), model: str = "") -> None:
        super().__init__(found)
        self.model = model

    def __repr__(self) -> str:
        """How many there are, and a line for each of the first."""
        lines = [f"{one.code} {one.rule} in {one.layer or 'the model'}: {one.fix}" for one in self]
        more = [f"and {len(self) - SHOWN} more"] if len(self) > SHOWN else []
        if not self:
            return f"<No findings in {self.model!r}>"
        count = number(len(self), "finding")
        first = f"<{count} in {self.model!r}: {by_severity(self)}>"
        return "\n".join([first, *lines[:SHOWN], *more])

    def _shown(self) -> Page:
        safe = sum(finding.safe for finding in self)
        return findings_page(
            "check",
            self.model,
            f"{number(len(self), 'finding')}: {by_severity(self)}" if self else "No findings",
            findings_section("Findings", self),
            note=f"{safe} of them {'is' if safe == 1 else 'are'} mended by nw.fix." if safe else "",
        )


def by_severity(findings: Sequence[Finding]) -> str:
    """How many there are of each severity, the worst first.

    >>> by_severity([Finding("NW001", "redundant-bias", "a", "note", "…", "…", safe=True)])
    '1 note'
    """
    counts = Counter[str](finding.severity for finding in findings)
    return ", ".join(number(counts[kind], kind) for kind in get_args(Severity) if counts[kind])
