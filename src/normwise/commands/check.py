"""`normwise check`: what is known to go wrong with batch normalisation, in a model's file."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from normwise.backend import require_jax
from normwise.commands.arguments import (
    DATA,
    Model,
    RuleChoice,
    Steps,
    TableChoice,
    Unsafe,
    with_groups,
)
from normwise.commands.progress import step_progress

if TYPE_CHECKING:
    from normwise.checks.rules.rule import Rule
    from normwise.checks.subject import Subject
    from normwise.domain import Finding

__all__ = ["EXAMPLES", "check"]

EXAMPLES = """
**Examples**

`normwise check model.keras` — exit code 1 if there are findings

`normwise check model.keras --data mnist --batch-size 64`

`normwise check model.keras --format sarif > findings.sarif`

In `pyproject.toml`: `[tool.normwise.check]` with `ignore = ["redundant-bias"]`.
"""


@with_groups
def check(
    model: Model,
    data: Annotated[
        str | None,
        typer.Option(
            help=f"What the model was trained on, for the rules that look at what its layers see "
            f"(all training rows count): {DATA[0].lower()}{DATA[1:]}."
        ),
    ] = None,
    *,
    table: TableChoice,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Examples in a batch of its training, too small a one is a finding."
        ),
    ] = None,
    steps: Steps = None,
    form: Annotated[
        Literal["text", "json", "sarif"], typer.Option("--format", help="What to print.")
    ] = "text",
    choice: RuleChoice,
    unsafe: Unsafe = False,
) -> None:
    """Look for what is known to go wrong with batch normalisation, in a finished model.

    Prints each finding with its layer and remedy and ends with exit code 1 if there are any, else
    with 0. Rules that need more than the file, such as --data, are named at the end. The model is
    not changed: `normwise fix` does that.
    """
    require_jax()
    from normwise.checks import select_rules
    from normwise.checks.running import findings_of, subject_of
    from normwise.models.fit_data import given_to
    from normwise.models.io import load_model

    rules = select_rules(**choice.in_project())
    loaded = load_model(model, unsafe=unsafe)
    given = None if data is None else given_to(loaded, data, table.options)
    subject = subject_of(loaded, given, batch_size, steps)
    with step_progress("checking", quiet=form != "text") as on_rule:
        findings = findings_of(subject, rules, on_rule)
    if form == "text":
        typed = [] if data is None else ["--data", data]
        typed += [] if steps is None else ["--steps", str(steps)]
        typed += [*table.typed, *choice.typed, *(["--unsafe"] if unsafe else [])]
        _print_text(model, subject, rules, findings, _fixing(model, typed))
    else:
        body = _sarif if form == "sarif" else _json
        sys.stdout.write(json.dumps(body(model, subject, rules, findings), indent=2) + "\n")
    raise typer.Exit(1 if findings else 0)


def _print_text(
    model: Path, subject: Subject, rules: Sequence[Rule], findings: Sequence[Finding], fixing: str
) -> None:
    from rich.console import Console

    from normwise.checks.running import rules_missing_input
    from normwise.checks.terminal import print_findings

    print_findings(
        Console(markup=False),
        findings,
        rules,
        rules_missing_input(subject, rules),
        str(model),
        len(subject.norms),
        subject.left,
        fixing,
    )


def _sarif(
    model: Path, _: Subject, rules: Sequence[Rule], findings: Sequence[Finding]
) -> dict[str, Any]:
    from normwise.checks.sarif import sarif

    return sarif(findings, rules, model)


def _json(
    model: Path, subject: Subject, _: Sequence[Rule], findings: Sequence[Finding]
) -> dict[str, Any]:
    found = [finding.to_json() for finding in findings]
    return {"model": str(model), "findings": found, "left": subject.left}


def _fixing(model: Path, typed: Sequence[str]) -> str:
    """The command that mends what a check found, with the options that the check was given.

    >>> _fixing(Path("a b.keras"), ["--data", "mnist"])
    "normwise fix 'a b.keras' -o 'a b-fixed.keras' --data mnist"
    """
    out = model.with_name(f"{model.stem}-fixed.keras")
    return shlex.join(["normwise", "fix", str(model), "-o", str(out), *typed])
