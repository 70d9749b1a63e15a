"""Commands that look for what is wrong with a model, and mend it."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from normwise.backend import require_jax
from normwise.datasets import Given, TableOptions
from normwise.progress import stepping

if TYPE_CHECKING:
    from normwise.diagnose import Gap

__all__ = ["check_file", "fix_file"]

# What is shown before and after; of a compiled model all of it is known.
_SHOWN: dict[str, Callable[[Gap], float | None]] = {
    "training loss in inference": lambda gap: gap.ways["moving"]["training"]["loss"],
    "validation loss": lambda gap: gap.ways["moving"]["validation"]["loss"],
    "gap between training and inference": lambda gap: gap.total,
    "of it lagging statistics": lambda gap: gap.lagging,
}


def check_file(
    model: Path,
    *,
    data: str | None,
    table: TableOptions,
    batch_size: int | None,
    steps: int | None,
    select: Sequence[str],
    ignore: Sequence[str],
    form: str,
    unsafe: bool,
) -> bool:
    """Check the model in a file and print what was found.

    Returns:
        Whether there are findings.

    Raises:
        UsageError: The model, the data or a rule cannot be used.
    """
    require_jax()
    from normwise.checks import chosen
    from normwise.checks.running import findings_of, silent, subject_of
    from normwise.checks.sarif import sarif
    from normwise.checks.terminal import print_findings
    from normwise.modelfile import load_model
    from normwise.rewrite.intake import given_to

    rules = chosen(**_selection(select, ignore))
    loaded = load_model(model, unsafe=unsafe)
    given = None if data is None else given_to(loaded, data, table)
    subject = subject_of(loaded, given, batch_size, steps)
    with stepping("checking", quiet=form != "text") as on_rule:
        findings = findings_of(subject, rules, on_rule)
    if form == "text":
        quiet = silent(subject, rules)
        typed = {"--data": data, "--steps": steps}
        typed |= {f"--{name.replace('_', '-')}": one for name, one in asdict(table).items()}
        typed |= {"--select": ",".join(select), "--ignore": ",".join(ignore)}
        fixing = _fixing(model, typed, unsafe=unsafe)
        console, norms = Console(markup=False), len(subject.norms)
        print_findings(console, findings, rules, quiet, str(model), norms, subject.left, fixing)
    elif form == "sarif":
        _write(sarif(findings, rules, model))
    else:
        found = [finding.to_json() for finding in findings]
        _write({"model": str(model), "findings": found, "left": subject.left})
    return bool(findings)


def _fixing(model: Path, typed: dict[str, Any], *, unsafe: bool) -> str:
    """The command that mends what a check found, with the options that the check was given.

    >>> _fixing(Path("a b.keras"), {"--data": "mnist", "--steps": None}, unsafe=False)
    "normwise fix 'a b.keras' -o 'a b-fixed.keras' --data mnist"
    """
    out = model.with_name(f"{model.stem}-fixed.keras")
    words = ["normwise", "fix", str(model), "-o", str(out)]
    for option, value in typed.items():
        words.extend([option, str(value)] if value not in (None, "") else [])
    return shlex.join([*words, *(["--unsafe"] if unsafe else [])])


def fix_file(
    model: Path,
    out: Path,
    *,
    data: str | None,
    table: TableOptions,
    steps: int | None,
    select: Sequence[str],
    ignore: Sequence[str],
    force: bool,
    unsafe: bool,
) -> None:
    """Apply the safe fixes to the model in a file, write another, and say what changed.

    Raises:
        UsageError: The model, the data, a rule or the output cannot be used.
        WorseError: The loss would rise.
    """
    require_jax()
    from normwise.checks import chosen, fix
    from normwise.checks.subject import Subject
    from normwise.checks.terminal import print_fixed
    from normwise.modelfile import check_output, load_model, save_model
    from normwise.rewrite.intake import given_to
    from normwise.rewrite.losses import numbered

    check_output(out, model)
    selection = _selection(select, ignore)
    chosen(**selection)  # before any work is done
    loaded = load_model(model, unsafe=unsafe)
    given = None if data is None else given_to(loaded, data, table)
    if given is not None:
        Subject(loaded, given)  # calls the model, after which the losses of its layers are known
        given = numbered(loaded, given)
    before = _gap(loaded, given)
    with stepping("recalibrating") as on_layer:
        fixed = fix(loaded, given, steps=steps, **selection, force=force, on_layer=on_layer)
    save_model(fixed.model, out)
    console = Console(markup=False)
    print_fixed(console, fixed)
    _print_gap(console, before, _gap(fixed.model, given))
    console.print(f"Written: {out}", highlight=False, soft_wrap=True)


def _gap(model: Any, given: Given | None) -> Gap | None:
    """Of a compiled model with batch normalisation and finite weights, where there are data."""
    from normwise.checks import check
    from normwise.checks.subject import Subject
    from normwise.diagnose import gap
    from normwise.rewrite.recalibrating import batch_normalisations

    if given is None or given.y is None or not batch_normalisations(model):
        return None
    if check(model, select=["not-finite"]) or not Subject(model, given).is_labelled:
        return None
    with stepping("comparing") as on_step:
        return gap(model, given, on_step=on_step)


def _print_gap(console: Console, before: Gap | None, after: Gap | None) -> None:
    if before is None and after is None:
        return
    for name, value in _SHOWN.items():
        old, new = ("not finite" if gap is None else f"{value(gap):.4g}" for gap in (before, after))
        console.print(f"{name}: {old} before, {new} after", highlight=False)


def _selection(select: Sequence[str], ignore: Sequence[str]) -> dict[str, Any]:
    """What is selected and ignored; what is typed replaces what the project's file says."""
    from normwise.checks.selection import project_selection

    given = {"select": _split(select), "ignore": _split(ignore)}
    return {
        **project_selection(Path.cwd()),
        **{key: value for key, value in given.items() if value},
    }


def _split(texts: Sequence[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def _write(body: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(body, indent=2) + "\n")
