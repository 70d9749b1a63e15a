"""Commands for models that exist: one file to another, and what changed on the way."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from normwise.backend import require_jax
from normwise.datasets import Given, TableOptions
from normwise.errors import ModelError
from normwise.files import replacing
from normwise.progress import stepping

if TYPE_CHECKING:
    from normwise.rewrite.certificate import Certificate

__all__ = ["fold_file", "losses", "recalibrate_file"]

# Examples that a folded model is compared and timed on.
EXAMPLES = 32
# Layers that are named on the terminal: those that moved most.
SHOWN = 10


def recalibrate_file(
    model: Path,
    data: str,
    out: Path,
    *,
    table: TableOptions,
    batch_size: int,
    frozen: bool,
    force: bool,
    unsafe: bool,
) -> None:
    """Recalibrate the model in a file, write another, and say what moved.

    Raises:
        UsageError: The model, the data or the output cannot be used.
        WorseError: The loss would rise.
    """
    require_jax()
    from normwise.modelfile import check_output, load_model, save_model
    from normwise.rewrite import recalibrate
    from normwise.rewrite.intake import given_to
    from normwise.rewrite.losses import numbered, say_unlabelled
    from normwise.rewrite.recalibrating import fingerprint, reached, require_norms

    check_output(out, model)
    loaded = load_model(model, unsafe=unsafe)
    require_norms(loaded)
    given = given_to(loaded, data, table)
    layers = [layer for layer in reached(loaded, given.x) if frozen or layer.trainable]
    if not force:
        say_unlabelled(given)
    given = numbered(loaded, given)
    before, old = [_statistics(layer) for layer in layers], losses(loaded, given)
    weights = fingerprint(loaded)
    with stepping("recalibrating") as on_layer:
        recalibrate(
            loaded, given, batch_size=batch_size, frozen=frozen, force=force, on_layer=on_layer
        )
    if fingerprint(loaded) != weights:
        raise ModelError(
            f"recalibrating changed more of {str(model)!r} than its statistics; expected weights "
            f"as before; a layer of it has state that a prediction moves: make it idle in inference"
        )
    save_model(loaded, out)
    _print(Console(markup=False), layers, before)
    proof = f"All but the statistics unchanged: SHA-256 {weights[:16]}… before and after"
    Console(markup=False).print(proof, highlight=False)
    _print_losses(Console(markup=False), old, losses(loaded, given))
    Console(markup=False).print(f"Written: {out}", highlight=False, soft_wrap=True)


def fold_file(
    model: Path,
    out: Path,
    *,
    data: str | None,
    table: TableOptions,
    onnx: Path | None,
    as_json: bool,
    unsafe: bool,
) -> bool:
    """Fold the model in a file, write another with its certificate, and say what was folded.

    Returns:
        Whether the folded model predicts the same; where not, nothing is written.

    Raises:
        UsageError: The model, the data or the output cannot be used.
    """
    require_jax()
    from normwise.modelfile import check_output, load_model, save_model
    from normwise.rewrite.certificate import certify, example_inputs
    from normwise.rewrite.exporting import export_onnx, require_onnx
    from normwise.rewrite.folding import folding_of
    from normwise.rewrite.intake import given_to

    check_output(out, model)
    if onnx is not None:
        require_onnx()  # before any work is done
        check_output(onnx, model, ".onnx", "--onnx")
    loaded = load_model(model, unsafe=unsafe)
    x = None if data is None else _examples(given_to(loaded, data, table))
    found = folding_of(loaded)
    certificate = certify(loaded, found, x)
    if certificate.holds and onnx is not None:
        inputs = example_inputs(loaded) if x is None else x
        exported = export_onnx(found.model, onnx, inputs)
        certificate = dataclasses.replace(certificate, onnx=exported)
    text = json.dumps(certificate.to_json(), indent=2) + "\n"
    written = []
    if certificate.holds:
        paper = out.with_suffix(".certificate.json")
        save_model(found.model, out)
        with replacing(paper) as beside:
            beside.write_text(text, "utf-8")
        written = [str(out), paper.name, *([str(onnx)] if onnx is not None else [])]
    if as_json:
        sys.stdout.write(text)
    else:
        _print_certificate(Console(markup=False), certificate, written)
    return certificate.holds


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
        f"a prediction of {EXAMPLES} examples: {before:.3g} ms before, {after:.3g} ms after",
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


def _statistics(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    from normwise.rewrite.linear import as_array

    return as_array(layer.moving_mean), as_array(layer.moving_variance)


def _examples(given: Given) -> Any:
    """Those that a folded model is compared on: of the validation part, if there is one."""
    from normwise.rewrite.feeding import rows

    return rows(given.parts[-1][0], slice(EXAMPLES))


def losses(model: Any, given: Given) -> dict[str, float]:
    """Of a compiled model, on the parts that have labels: all rows, and a part that validates.

    Weights of the examples count, as in Keras' ``evaluate``.
    """
    from normwise.rewrite.losses import has_labels, labels_fitting, numbered

    given = numbered(model, given)
    if not has_labels(given):
        return {}
    with labels_fitting(model):
        return {
            name: _loss(model, *part)
            for name, part in zip(("training", "validation"), given.parts, strict=False)
        }


def _loss(model: Any, x: Any, y: Any, weights: Any = None) -> float:
    found = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    return float(found["loss"])


def _print_losses(console: Console, before: dict[str, float], after: dict[str, float]) -> None:
    """Print each part's loss before and after, a line each."""
    for part, loss in before.items():
        console.print(f"{part} loss: {loss:.4g} before, {after[part]:.4g} after", highlight=False)


def _print(
    console: Console, layers: list[Any], before: list[tuple[np.ndarray, np.ndarray]]
) -> None:
    found = [
        (layer.name, *_moved(layer.epsilon, old, _statistics(layer)))
        for layer, old in zip(layers, before, strict=True)
    ]
    found.sort(key=lambda line: -line[1])
    for name, shift, factor in found[:SHOWN]:
        console.print(
            f"{name}: means moved by {shift:.2g} deviations, variances by a factor of {factor:.3g}",
            highlight=False,
        )
    if len(found) > SHOWN:
        console.print(f"and {len(found) - SHOWN} layers that moved less", highlight=False)


def _moved(
    epsilon: float, old: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray]
) -> tuple[float, float]:
    """Medians over the channels: of the means in deviations, and of the variances' ratio."""
    deviation = np.sqrt(new[1] + epsilon)
    shift = float(np.median(np.abs(new[0] - old[0]) / deviation))
    return shift, float(np.median((new[1] + epsilon) / (old[1] + epsilon)))
