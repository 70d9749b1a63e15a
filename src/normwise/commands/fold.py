"""`normwise fold`: batch normalisation in the weights of its neighbours, in another file."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from normwise.backend import require_jax
from normwise.commands.arguments import Model, Out, TableChoice, Unsafe, with_groups
from normwise.files import replacing

if TYPE_CHECKING:
    from rich.console import Console

    from normwise.models.certificate import Certificate

__all__ = ["EXAMPLES", "fold"]

EXAMPLES = """
**Examples**

`normwise fold best.keras -o folded.keras`

`normwise fold best.keras -o folded.keras --data circles --onnx folded.onnx`
"""

# Examples that a folded model is compared and timed on.
COMPARED = 32
# Layers left as they are that are named on the terminal; the certificate names all.
SHOWN = 10


@with_groups
def fold(
    model: Model,
    out: Out,
    data: Annotated[
        str | None,
        typer.Option(help="Data to compare predictions on; random numbers unless given."),
    ] = None,
    *,
    table: TableChoice,
    onnx: Annotated[
        Path | None,
        typer.Option(help="Also export the folded model: OUT.onnx. Needs normwise[onnx]."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the certificate and nothing else.")
    ] = False,
    unsafe: Unsafe = False,
) -> None:
    """Put batch normalisation into the weights of its neighbours, for inference.

    Predictions stay the same and take less time; the certificate, written beside the model,
    says how far they differ, what was not folded, and why. Where they differ by more than
    rounding, nothing is written, and the exit code is 1. Train on with the unfolded model.
    """
    require_jax()
    from rich.console import Console

    from normwise.models.exporting import require_onnx
    from normwise.models.io import check_output, load_model

    check_output(out, model)
    if onnx is not None:
        require_onnx()  # before any work is done
        check_output(onnx, model, ".onnx", "--onnx")
    loaded = load_model(model, unsafe=unsafe)
    x = _examples(loaded, data, table.options)
    folded, certificate = _fold(loaded, x, onnx)
    text = json.dumps(certificate.to_json(), indent=2) + "\n"
    written = _write(folded, out, text, onnx) if certificate.holds else []
    if as_json:
        sys.stdout.write(text)
    else:
        _print_certificate(Console(markup=False), certificate, written)
    raise typer.Exit(0 if certificate.holds else 1)


def _fold(model: Any, x: Any, onnx: Path | None) -> tuple[Any, Certificate]:
    """The folded model and what it was found to predict; exported where that is the same."""
    from normwise.models.certificate import certify, example_inputs
    from normwise.models.exporting import export_onnx
    from normwise.models.folding import folding_of

    found = folding_of(model)
    certificate = certify(model, found, x)
    if certificate.holds and onnx is not None:
        inputs = example_inputs(model) if x is None else x
        exported = export_onnx(found.model, onnx, inputs)
        certificate = dataclasses.replace(certificate, onnx=exported)
    return found.model, certificate


def _write(folded: Any, out: Path, certificate: str, onnx: Path | None) -> list[str]:
    """Write the model and its certificate; the names of all files there are now."""
    from normwise.models.io import save_model

    paper = out.with_suffix(".certificate.json")
    save_model(folded, out)
    with replacing(paper) as beside:
        beside.write_text(certificate, "utf-8")
    return [str(out), paper.name, *([str(onnx)] if onnx is not None else [])]


def _examples(model: Any, data: str | None, table: Any) -> Any:
    """Those that a folded model is compared on: of the validation part, if there is one."""
    if data is None:
        return None
    from normwise.data.nested import rows
    from normwise.models.fit_data import given_to

    return rows(given_to(model, data, table).parts[-1][0], slice(COMPARED))


def _print_certificate(console: Console, found: Certificate, written: list[str]) -> None:
    folded, left = found.folded, found.left
    before, after = (1e3 * seconds for seconds in found.seconds)
    lines = [
        *_warnings(found),
        f"{len(folded)} of {len(folded) + len(left)} batch normalisations folded",
        *(f"left: {name}: {why}" for name, why in list(left.items())[:SHOWN]),
        *([f"and {len(left) - SHOWN} more, in the certificate"] if len(left) > SHOWN else []),
        f"largest difference of a prediction on {found.inputs}: {found.difference:.2g}",
        f"the same of model(x): {found.call_difference:.2g}",
        f"a prediction of {COMPARED} examples: {before:.3g} ms before, {after:.3g} ms after",
        *([] if found.onnx is None else [f"largest difference of ONNX Runtime: {found.onnx:.2g}"]),
        f"Written: {', '.join(written) or 'nothing'}",
    ]
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _warnings(found: Certificate) -> list[str]:
    """What a certificate says first: where two ways of computing disagree."""
    lines = []
    if not found.holds:
        worst = max(found.difference, found.call_difference)
        lines.append(
            f"The folded model does not predict the same: it differs by {worst:.2g} of the largest "
            f"value, and rounding explains {found.tolerance:.2g}"
        )
    if not found.is_unambiguous:
        lines.append(
            f"model(x) and model.predict(x) of the model itself differ by {found.disagreement:.2g} "
            f"of the largest value: training=True keeps a layer in training mode in model(x)"
        )
    return lines
