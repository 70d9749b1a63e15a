"""Commands that look for what is wrong with a model, and mend it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from normwise.backend import require_jax
from normwise.datasets import Dataset, find_dataset
from normwise.progress import stepping

if TYPE_CHECKING:
    from normwise.diagnose import Gap

__all__ = ["check_file", "fix_file"]


def check_file(
    model: Path,
    *,
    data: str | None,
    target_column: str | None,
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
    from normwise.checks.running import findings_of, silent, subject_of
    from normwise.checks.sarif import sarif
    from normwise.checks.terminal import print_findings
    from normwise.modelfile import load_model

    rules = _rules(select, ignore)
    loaded = load_model(model, unsafe=unsafe)
    dataset = None if data is None else find_dataset(data, target_column)
    subject = subject_of(loaded, dataset, batch_size, steps)
    findings = findings_of(subject, rules)
    if form == "text":
        quiet = silent(subject, rules)
        print_findings(Console(), findings, rules, quiet, str(model), len(subject.norms))
    elif form == "sarif":
        _write(sarif(findings, rules, model))
    else:
        _write({"model": str(model), "findings": [finding.to_json() for finding in findings]})
    return bool(findings)


def fix_file(
    model: Path,
    out: Path,
    *,
    data: str | None,
    target_column: str | None,
    select: Sequence[str],
    ignore: Sequence[str],
    unsafe: bool,
) -> None:
    """Apply the safe fixes to the model in a file, write another, and say what changed.

    Raises:
        UsageError: The model, the data, a rule or the output cannot be used.
    """
    require_jax()
    from normwise.checks import fix
    from normwise.checks.terminal import print_fixed
    from normwise.modelfile import check_output, load_model, save_model

    check_output(out, model)
    rules = [rule.code for rule in _rules(select, ignore)]
    loaded = load_model(model, unsafe=unsafe)
    dataset = None if data is None else find_dataset(data, target_column)
    before = _gap(loaded, dataset)
    with stepping("recalibrating") as on_layer:
        fixed = fix(loaded, dataset, select=rules, on_layer=on_layer)
    save_model(fixed.model, out)
    console = Console()
    print_fixed(console, fixed)
    if before is not None:
        _print_gap(console, before, _gap(fixed.model, dataset))
    console.print(f"Written: {out}", highlight=False, soft_wrap=True)


def _gap(model: Any, dataset: Dataset | None) -> Gap | None:
    """Of a compiled model, where there are data and batch normalisation."""
    from normwise.diagnose import gap
    from normwise.rewrite.recalibrating import batch_normalisations

    compiled = getattr(model, "compiled", False)
    if dataset is None or not compiled or not batch_normalisations(model):
        return None
    with stepping("comparing") as on_step:
        return gap(model, dataset, on_step=on_step)


def _print_gap(console: Console, before: Gap, after: Gap | None) -> None:
    if after is None:
        return
    for name, old, new in (
        ("training loss in inference", _loss(before, "training"), _loss(after, "training")),
        ("validation loss", _loss(before, "validation"), _loss(after, "validation")),
        ("gap between training and inference", before.total, after.total),
        ("of it lagging statistics", before.lagging, after.lagging),
    ):
        console.print(f"{name}: {old:.4g} before, {new:.4g} after", highlight=False)


def _loss(found: Gap, part: str) -> float:
    return found.ways["moving"][part]["loss"]


def _rules(select: Sequence[str], ignore: Sequence[str]) -> list[Any]:
    from normwise.checks import chosen
    from normwise.checks.selection import project_selection

    project = project_selection(Path.cwd())
    given = {"select": _split(select), "ignore": _split(ignore)}
    # What is typed replaces what the project's file says.
    said = {key: value for key, value in given.items() if value}
    return chosen(**{**project, **said})


def _split(texts: Sequence[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def _write(body: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(body, indent=2) + "\n")
