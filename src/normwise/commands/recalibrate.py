"""`normwise recalibrate`: moving statistics as of the whole data, in another file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from normwise.backend import require_jax
from normwise.commands.arguments import (
    DATA,
    Force,
    Model,
    Out,
    TableChoice,
    Unsafe,
    with_groups,
)
from normwise.commands.progress import step_progress
from normwise.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from normwise.data import Given

__all__ = ["EXAMPLES", "losses", "recalibrate"]

EXAMPLES = """
**Examples**

`normwise recalibrate best.keras --data circles -o better.keras`
"""

# Layers that are named on the terminal: those that moved most.
SHOWN = 10


@with_groups
def recalibrate(
    model: Model,
    data: Annotated[str, typer.Option(help=f"{DATA}: all its training rows count.")],
    out: Out,
    *,
    table: TableChoice,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Examples at a time: memory, not the result.")
    ] = 256,
    frozen: Annotated[
        bool,
        typer.Option("--frozen", help="Also layers that are frozen: they were so after training."),
    ] = False,
    force: Force = False,
    unsafe: Unsafe = False,
) -> None:
    """Replace moving statistics by those of the whole data; nothing else changes.

    Moving averages lag behind the weights, so a model can do worse in inference than in
    training on the same data. Here each batch normalisation gets the mean and variance of
    everything that it takes, layer after layer. Nothing is written where the loss would rise
    (exit code 1).
    """
    require_jax()
    from rich.console import Console

    from normwise.models.fit_data import given_to
    from normwise.models.io import check_output, load_model, save_model
    from normwise.models.loss_comparison import warn_unlabelled, with_class_numbers
    from normwise.models.population_statistics import reached_norms, require_norms

    check_output(out, model)
    loaded = load_model(model, unsafe=unsafe)
    require_norms(loaded)
    given = given_to(loaded, data, table.options)
    layers = [layer for layer in reached_norms(loaded, given.x) if frozen or layer.trainable]
    if not force:
        warn_unlabelled(given)
    given = with_class_numbers(loaded, given)
    before, old = [_statistics(layer) for layer in layers], losses(loaded, given)
    weights = _recalibrate(
        loaded, given, name=str(model), batch_size=batch_size, frozen=frozen, force=force
    )
    save_model(loaded, out)
    console = Console(markup=False, highlight=False)
    _print_moves(console, layers, before)
    console.print(f"All but the statistics unchanged: SHA-256 {weights[:16]}… before and after")
    for part, loss in losses(loaded, given).items():
        console.print(f"{part} loss: {old[part]:.4g} before, {loss:.4g} after")
    console.print(f"Written: {out}", soft_wrap=True)


def _recalibrate(
    model: Any, given: Given, *, name: str, batch_size: int, frozen: bool, force: bool
) -> str:
    """Recalibrate in place; the fingerprint of everything but statistics, which stays."""
    from normwise.models import recalibrate
    from normwise.models.recalibrating import fingerprint

    weights = fingerprint(model)
    with step_progress("recalibrating") as on_layer:
        recalibrate(
            model, given, batch_size=batch_size, frozen=frozen, force=force, on_layer=on_layer
        )
    if fingerprint(model) != weights:
        raise ModelError(
            f"recalibrating changed more of {name!r} than its statistics; expected weights "
            f"as before; a layer of it has state that a prediction moves: make it idle in inference"
        )
    return weights


def losses(model: Any, given: Given) -> dict[str, float]:
    """Of a compiled model, on the parts that have labels: all rows, and a part that validates.

    Weights of the examples count, as in Keras' ``evaluate``.
    """
    from normwise.models.loss_comparison import evaluated, has_labels, with_class_numbers

    given = with_class_numbers(model, given)
    if not has_labels(given):
        return {}
    return {
        name: float(evaluated(model, part)["loss"])
        for name, part in zip(("training", "validation"), given.parts, strict=False)
    }


def _statistics(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    from normwise.models.linear import as_array

    return as_array(layer.moving_mean), as_array(layer.moving_variance)


def _print_moves(
    console: Console, layers: list[Any], before: list[tuple[np.ndarray, np.ndarray]]
) -> None:
    found = [
        (layer.name, *_moved(layer.epsilon, old, _statistics(layer)))
        for layer, old in zip(layers, before, strict=True)
    ]
    found.sort(key=lambda line: -line[1])
    for name, shift, factor in found[:SHOWN]:
        console.print(
            f"{name}: means moved by {shift:.2g} deviations, variances by a factor of {factor:.3g}"
        )
    if len(found) > SHOWN:
        console.print(f"and {len(found) - SHOWN} layers that moved less")


def _moved(
    epsilon: float, old: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray]
) -> tuple[float, float]:
    """Medians over the channels: of the means in deviations, and of the variances' ratio."""
    import numpy as np

    deviation = np.sqrt(new[1] + epsilon)
    shift = float(np.median(np.abs(new[0] - old[0]) / deviation))
    return shift, float(np.median((new[1] + epsilon) / (old[1] + epsilon)))
