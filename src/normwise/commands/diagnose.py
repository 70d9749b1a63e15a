"""`normwise diagnose`: why a model does otherwise in inference than in training."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from normwise.backend import require_jax
from normwise.commands.arguments import DATA, Model, TableChoice, Unsafe, with_groups
from normwise.commands.output_folder import output_folder
from normwise.commands.progress import step_progress
from normwise.errors import ModelError
from normwise.files import replacing

if TYPE_CHECKING:
    from normwise.data import Given
    from normwise.domain import Inside
    from normwise.report import DrawingProcess, Page

__all__ = ["EXAMPLES", "diagnose"]

EXAMPLES = """
**Examples**

`normwise diagnose best.keras --data circles`

`normwise diagnose model.keras --data mnist --batch-size 512 --out my-model`
"""

# Examples that leakage is looked for in: a batch, and those that take their places.
LOOKED_AT = 32


@with_groups
def diagnose(
    model: Model,
    data: Annotated[str, typer.Option(help=f"{DATA}.")],
    *,
    table: TableChoice,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Examples in a batch, as the model was trained with.")
    ] = 32,
    out: Annotated[
        str | None,
        typer.Option(help="Folder for the results. Default: normwise-out/MODEL-HASH."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print gap.json and nothing else.")
    ] = False,
    unsafe: Unsafe = False,
) -> None:
    """Say why a model does otherwise in inference than in training.

    The same weights on the same data, normalised four ways, show how much of the gap is
    lagging statistics, batch noise or generalisation; and whether a prediction depends on its
    neighbours in the batch. A compiled model takes an epoch of steps, too, which are thrown
    away, to see what happens inside: gradients, activations, the loss along a step; of one without
    normalisation, that is all there is to say. The model stays as it is.
    """
    require_jax()
    from rich.console import Console

    from normwise.models.fit_data import given_to
    from normwise.models.io import load_model
    from normwise.models.population_statistics import batch_normalisations
    from normwise.report import DrawingProcess, diagnosis_page, print_page

    folder = output_folder(
        out,
        name=model.stem,
        identity=" ".join([str(model.resolve()), data, *table.typed, str(batch_size)]),
        example="my-model",
    )
    with DrawingProcess() as drawing:
        loaded = load_model(model, unsafe=unsafe)
        given = given_to(loaded, data, table.options)
        page, text = None, ""
        if loaded.built and not batch_normalisations(loaded):
            page = _inside_alone(loaded, given, batch_size, as_json=as_json)
        else:
            found = _found(loaded, given, batch_size, quiet=as_json)
            inside = _inside(loaded, given, batch_size, quiet=as_json)
            page = diagnosis_page(found, _recalibrating(model, data, table), inside)
            text = json.dumps(found, indent=2) + "\n"
        files = _written(page, text, folder, drawing)
    if as_json:
        sys.stdout.write(text)
        return
    print_page(page, Console(), files=[str(path) for path in files])


def _written(page: Page, text: str, folder: Path, drawing: DrawingProcess) -> list[Path]:
    """The files of a diagnosis; without a gap, there is none to write."""
    from normwise.report import write_html, write_png

    numbers, picture = folder / "gap.json", folder / ("gap.png" if text else "inside.png")
    if text:
        with replacing(numbers) as beside:
            beside.write_text(text, "utf-8")
    write_png(page, picture, drawing.draw)
    report = write_html(page, folder / "report.html")
    return [*([numbers] if text else []), picture, report]


def _inside_alone(model: Any, given: Given, batch_size: int, *, as_json: bool) -> Page:
    """The report of a model without normalisation.

    Raises:
        ModelError: There is nothing to say of it.
    """
    from normwise.report import inside_page

    without = f"model {model.name!r} has no batch normalisation"
    if as_json:
        raise ModelError(
            f"{without}, and --json gives the gap that one makes; expected one that has; leave "
            f"--json out to see what happens inside"
        )
    inside = _inside(model, given, batch_size, quiet=False)
    if inside is None:
        raise ModelError(
            f"{without}, and it takes no steps that could be looked at; expected one or the other; "
            f"compile it with optimiser and loss before it is saved"
        )
    return inside_page(model.name, {model.name: [inside]})


def _found(model: Any, given: Given, batch_size: int, *, quiet: bool) -> dict[str, Any]:
    """The content of ``gap.json``."""
    from normwise.diagnose import gap

    with step_progress("diagnosing", quiet=quiet) as on_step:
        found = gap(model, given, batch_size=batch_size, on_step=on_step).summary()
    try:
        return {**found, "leakage": _leakage(model, given.x)}
    except ModelError as error:  # an output without a row for each example: the rest still holds
        return {**found, "leakage": None, "notes": [*found["notes"], f"Leakage: {error}."]}


def _inside(model: Any, given: Given, batch_size: int, *, quiet: bool) -> Inside | None:
    """What happens inside over an epoch of steps; ``None`` where the model takes none."""
    from normwise.diagnose.steps import inside_steps

    with step_progress("stepping", quiet=quiet) as on_step:
        on_step(0, 1, "through an epoch that is thrown away")
        return inside_steps(model, given, batch_size=batch_size)


def _leakage(model: Any, x: Any) -> dict[str, Any]:
    from normwise.data import Given
    from normwise.data.nested import rows
    from normwise.diagnose import leakage

    leak = leakage(model, Given(rows(x, slice(LOOKED_AT))))
    return {**asdict(leak), "leaks": leak.leaks}


def _recalibrating(model: Path, data: str, table: TableChoice) -> str:
    """The command that gives the model statistics of the whole data."""
    out = model.with_name(f"{model.stem}-recalibrated{model.suffix}")
    words = ["normwise", "recalibrate", str(model), "--data", data]
    return shlex.join([*words, *table.typed, "-o", str(out)])
