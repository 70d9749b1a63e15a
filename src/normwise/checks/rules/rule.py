"""What a rule is: a function that looks at a subject and says what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files

from normwise.checks.subject import Subject
from normwise.domain import Finding, Severity

__all__ = ["Found", "Rule", "number"]


@dataclass(frozen=True, slots=True)
class Found:
    """One place where a rule applies; fields as of :class:`~normwise.domain.Finding`."""

    layer: str | None
    message: str
    fix: str
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the check.

    Attributes:
        code: ``NW`` and three digits; never given to another rule.
        severity: How serious each of its findings is.
        find: The function that looks. Its name, with hyphens, is the rule's name, and the first
            line of its docstring is the rule's summary.
        needs: Arguments of :func:`normwise.check` without which it does not look.
    """

    code: str
    severity: Severity
    find: Callable[[Subject], Iterator[Found]]
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The rule's name in hyphens, such as ``redundant-bias``."""
        return self.find.__name__.replace("_", "-")

    @property
    def summary(self) -> str:
        """What the rule says, in a sentence without its full stop."""
        return (self.find.__doc__ or "").partition("\n")[0].rstrip(".")

    @property
    def page(self) -> str:
        """What the rule looks for, why, an example and the remedy, as Markdown."""
        return (files("normwise.checks") / "pages" / f"{self.name}.md").read_text("utf-8")

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """What the rule finds in a subject."""
        for found in self.find(subject):
            yield Finding(
                code=self.code,
                rule=self.name,
                layer=found.layer,
                severity=self.severity,
                message=found.message,
                fix=found.fix,
                safe=found.safe,
            )


def number(count: int, what: str) -> str:
    """A count with its noun, in the plural unless it is one.

    >>> number(1, "value"), number(2, "value")
    ('1 value', '2 values')
    """
    return f"{count} {what}{'' if count == 1 else 's'}"
