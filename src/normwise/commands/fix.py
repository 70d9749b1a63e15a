"""`normwise fix`: what `normwise check` finds, mended where that is safe, in another file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from normwise.backend import require_jax
from normwise.commands.arguments import (
    DATA,
    Force,
    Model,
    Out,
    RuleChoice,
    Steps,
    TableChoice,
    Unsafe,
    with_groups,
)
from normwise.commands.progress import step_progress

if TYPE_CHECKING:
    from rich.console import Console

    from normwise.data import Given, TableOptions
    from normwise.diagnose import Gap

__all__ = ["EXAMPLES", "fix"]

EXAMPLES = """
**Examples**

`normwise fix model.keras -o fixed.keras`

`normwise fix model.keras -o fixed.keras --data mnist` — statistics, too
"""

# What is shown before and after; of a compiled model all of it is known.
_SHOWN: dict[str, Callable[[Gap], float | None]] = {
    "training loss in inference": lambda gap: gap.ways["moving"]["training"]["loss"],
    "validation loss": lambda gap: gap.ways["moving"]["validation"]["loss"],
    "gap between training and inference": lambda gap: gap.total,
    "of it lagging statistics": lambda gap: gap.lagging,
}


@with_groups
def fix(
    model: Model,
    out: Out,
    data: Annotated[
        str | None,
        typer.Option(help=f"{DATA}: mends statistics, and shows the loss before and after."),
    ] = None,
    *,
    table: TableChoice,
    steps: Steps = None,
    choice: RuleChoice,
    force: Force = False,
    unsafe: Unsafe = False,
) -> None:
    """Mend what `normwise check` finds, where that is safe, in a new file.

    Predictions stay as they are; where data is given and statistics are wrong, they come from
    the data. Nothing is written where the loss would rise (exit code 1). The file that was read
    is not touched.
    """
    require_jax()
    from rich.console import Console

    from normwise import checks
    from normwise.checks.terminal import print_fixed
    from normwise.models.io import check_output, load_model, save_model

    check_output(out, model)
    selection = choice.in_project()
    checks.select_rules(**selection)  # before any work is done
    loaded = load_model(model, unsafe=unsafe)
    given = _given(loaded, data, table.options)
    before = _gap(loaded, given)
    with step_progress("recalibrating") as on_layer:
        fixed = checks.fix(loaded, given, steps=steps, **selection, force=force, on_layer=on_layer)
    save_model(fixed.model, out)
    console = Console(markup=False)
    print_fixed(console, fixed)
    _print_gap(console, before, _gap(fixed.model, given))
    console.print(f"Written: {out}", highlight=False, soft_wrap=True)


def _given(model: Any, data: str | None, table: TableOptions) -> Given | None:
    """The data with labels as the model's loss takes them."""
    from normwise.checks.subject import Subject
    from normwise.models.fit_data import given_to
    from normwise.models.loss_comparison import with_class_numbers

    if data is None:
        return None
    given = given_to(model, data, table)
    Subject(model, given)  # calls the model, after which the losses of its layers are known
    return with_class_numbers(model, given)


def _gap(model: Any, given: Given | None) -> Gap | None:
    """Of a compiled model with batch normalisation and finite weights, where there are data."""
    from normwise.checks import check
    from normwise.checks.subject import Subject
    from normwise.diagnose import gap
    from normwise.models.population_statistics import batch_normalisations

    if given is None or given.y is None or not batch_normalisations(model):
        return None
    if check(model, select=["not-finite"]) or not Subject(model, given).is_labelled:
        return None
    with step_progress("comparing") as on_step:
        return gap(model, given, on_step=on_step)


def _print_gap(console: Console, before: Gap | None, after: Gap | None) -> None:
    if before is None and after is None:
        return
    for name, value in _SHOWN.items():
        old, new = ("not finite" if gap is None else f"{value(gap):.4g}" for gap in (before, after))
        console.print(f"{name}: {old} before, {new} after", highlight=False)
