"""Findings as terminal text, by rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from normwise.checks.findings import by_severity
from normwise.checks.fixing import Fixed
from normwise.checks.rules.rule import Rule, number
from normwise.domain import Finding

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["print_findings", "print_fixed"]

_COLORS = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
# Layers that are named for a rule; the rest is counted.
SHOWN = 10
WHOLE = "the model"


def print_findings(
    console: Console,
    findings: Sequence[Finding],
    rules: Sequence[Rule],
    quiet: Sequence[Rule],
    model: str,
    norms: int,
    left: Mapping[str, str],
    fixing: str,
) -> None:
    """Print the findings, rule by rule, a line that counts them, and what was not looked at.

    Args:
        console: The terminal to print on.
        findings: In the order of their rules.
        rules: The rules that were run.
        quiet: The rules that were not given what they need.
        model: What was checked.
        norms: How many batch normalisations it has.
        left: The name of each batch normalisation that rules about places could not look at, to
            the reason.
        fixing: The command that applies the safe fixes.
    """
    summaries = {rule.code: rule.summary for rule in rules}
    for code, group in groupby(findings, lambda finding: finding.code):
        _print_rule(console, list(group), summaries[code])
        console.print()
    looked = f"{len(rules) - len(quiet)} rules looked at {number(norms, 'batch normalisation')}"
    counted = _last_lines(findings, model, looked, fixing)
    for line in [*counted, *_needs(quiet), *_left(left)]:
        console.print(line, highlight=False, soft_wrap=True)


def print_fixed(console: Console, fixed: Fixed) -> None:
    """Print what was mended and what was left, rule by rule."""
    for title, findings in (("Mended", fixed.mended), ("Left", fixed.left)):
        for rule, group in groupby(findings, lambda finding: f"{finding.code} {finding.rule}"):
            found = list(group)
            names = [finding.layer or WHOLE for finding in found]
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            line = f"{title}: {rule} in {', '.join(names[:SHOWN])}{more}"
            console.print(line, highlight=False)
    if not fixed.mended:
        console.print("There was nothing that can be mended safely.")


def _print_rule(console: Console, findings: Sequence[Finding], summary: str) -> None:
    from rich.text import Text

    first = findings[0]
    name = (f"{first.code} {first.rule}", _COLORS[first.severity])
    console.print(Text.assemble(name, f" ({first.severity}): {summary}."))
    for fix, group in groupby(findings[:SHOWN], lambda finding: (finding.fix, finding.safe)):
        for finding in group:
            place = (f"{finding.layer or WHOLE}:", "bold")
            console.print(_indented(Text.assemble(place, f" {finding.message}")))
        text, safe = fix
        who = "Fix (`normwise fix` does it)" if safe else "Fix"
        console.print(_indented(Text(f"{who}: {text}", style="dim")))
    if len(findings) > SHOWN:
        rest = f"and {len(findings) - SHOWN} more, which --format json lists"
        console.print(_indented(Text(rest)))


def _indented(text: RenderableType) -> RenderableType:
    from rich.padding import Padding

    return Padding(text, (0, 0, 0, 2), expand=False)


def _last_lines(findings: Sequence[Finding], model: str, looked: str, fixing: str) -> list[str]:
    if not findings:
        return [f"No findings in {model}; {looked}."]
    counted = f"{number(len(findings), 'finding')} in {model} ({by_severity(findings)})"
    lines = [f"{counted}; {looked}."]
    safe = sum(finding.safe for finding in findings)
    if safe:
        lines.append(f"{safe} can be mended: {fixing}")
    return lines


def _left(left: Mapping[str, str]) -> list[str]:
    lines = [f"left: {name}: {why}" for name, why in list(left.items())[:SHOWN]]
    more = len(left) - SHOWN
    return [*lines, f"and {more} more, which --format json lists"] if more > 0 else lines


def _needs(quiet: Sequence[Rule]) -> list[str]:
    return [f"{rule.name} looks with --{rule.needs[0].replace('_', '-')}" for rule in quiet]
