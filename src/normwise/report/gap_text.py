"""A gap taken apart, in words: on the terminal, and above its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from normwise.report.numbers import decimals, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["gap_sentence", "largest_part", "print_gap"]

Found = Mapping[str, Any]

# Layers that are named: those that are farthest off.
SHOWN = 5
# Metrics in the table beside the loss, so that it fits 80 columns.
METRICS = 2
# Below this share of the validation loss, a part of the gap calls for nothing.
WORTH_IT = 0.02
PARTS = {
    "lagging": "lagging statistics",
    "generalisation": "generalisation",
    "batch_noise": "batch noise",
}
# By the largest part of the gap and whether it is above 0.
_ADVICE = {
    ("lagging", True): "Next, for a validation loss of {loss}:",
    ("lagging", False): "Next: keep the moving statistics; the population's do worse here.",
    ("generalisation", True): (
        "Next: more data or more regularisation; the statistics are not the problem."
    ),
    ("generalisation", False): (
        "Next: look at the data; the validation part is easier than the training part."
    ),
    ("batch_noise", True): (
        "Next: larger batches in training; weights that rely on the statistics of {size} "
        "examples do worse with those of all."
    ),
    ("batch_noise", False): (
        "Next: nothing in inference; training alone suffers from the noise of batches of {size}."
    ),
}
_WAYS = {
    "batch": "its batch's own",
    "moving": "moving (inference)",
    "population": "population",
    "folded": "moving, folded",
}


def largest_part(found: Found) -> str | None:
    """The part of the gap that matters most; ``None`` where none does, or no loss is known.

    Args:
        found: The content of ``gap.json``.
    """
    if found["gap"] is None:
        return None
    name = max(PARTS, key=lambda part: abs(found["gap"][part]))
    worth = WORTH_IT * abs(found["ways"]["moving"]["validation"]["loss"])
    return name if abs(found["gap"][name]) > worth else None


def gap_sentence(found: Found) -> str:
    """What the gap comes to.

    >>> gap_sentence({"gap": {"total": 0.58, "lagging": 0.57, "generalisation": 0.012,
    ...                       "batch_noise": -0.002}})[59:]
    'training loss in training: 0.570 lagging statistics, 0.012 generalisation, -0.002 batch noise.'
    >>> gap_sentence({"gap": {"total": -2.2e10, "lagging": 638976, "generalisation": -2.2e10,
    ...                       "batch_noise": -16384}})[:20]
    'Of a gap of -2.2e+10'
    """
    parts = found["gap"]
    if parts is None:
        return "The model is not compiled, so only its statistics could be looked at."
    largest = max(map(abs, parts.values()))
    digits = decimals(largest, 3)
    said = {
        # Adding zero turns a rounded -0.0 into 0.0.
        name: number(value) if largest >= 1e6 else f"{round(value, digits) + 0.0:.{digits}f}"
        for name, value in parts.items()
    }
    shares = ", ".join(f"{said[name]} {words}" for name, words in PARTS.items())
    return (
        f"Of a gap of {said['total']} between validation loss in inference and training loss in "
        f"training: {shares}."
    )


def print_gap(found: Found, console: Console, *, files: Sequence[str], recalibrate: str) -> None:
    """Print the four ways, the layers that are farthest off, leakage and what to do next.

    Args:
        found: The content of ``gap.json``.
        console: 80 columns suffice.
        files: Paths to name.
        recalibrate: The command that repairs lagging statistics.
    """
    if found["ways"]:
        console.print(_table(found["ways"]))
        console.print()
    lines = [
        gap_sentence(found),
        *_layers(found["layers"]),
        *found["notes"],
        *_leakage(found["leakage"]),
        f"Written: {', '.join(files)}",
        _advice(found),
    ]
    for line in lines:
        console.print(line, highlight=False, markup=False)
    if lines[-1].endswith(":"):
        console.print(recalibrate, highlight=False, markup=False, soft_wrap=True)


def _table(ways: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("statistics")
    names = list(next(iter(ways.values()))["training"])
    metrics = ["loss", *[name for name in names if name != "loss"][:METRICS]]
    for metric in metrics:
        for part in ("training", "validation"):
            table.add_column(f"{metric}\n{part}", justify="right")
    for way, parts in ways.items():
        cells = [number(parts[part][metric]) for metric in metrics for part in parts]
        table.add_row(_WAYS[way], *cells)
    return table


def _layers(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    far = sorted(layers, key=lambda layer: -layer["divergence"])
    lines = [
        f"{layer['layer']}: moving means {layer['shift']:.2g} deviations off (at most "
        f"{layer['largest_shift']:.2g}), variances {layer['ratio']:.3g} times the population's "
        f"(farthest {layer['farthest_ratio']:.3g})"
        for layer in far[:SHOWN]
    ]
    rest = len(far) - SHOWN
    return [*lines, f"and {rest} layers that are less far off"] if rest > 0 else lines


def _leakage(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return []
    lines = ["Batch leakage: none: no prediction depends on its neighbours in the batch."]
    if found["leaks"]:
        where = f"; it begins in {found['layer']!r}" if found["layer"] else ""
        share = f"{100 * found['change']:.2g}%"
        lines = [
            f"Batch leakage: other neighbours in the batch change a prediction by {share}{where}."
        ]
    if found["is_random"]:
        lines.append("The same batch twice gives two predictions: the model draws at random.")
    return lines


def _advice(found: Found) -> str:
    """What to do next; ends in a colon where a command does it."""
    part = largest_part(found)
    if found["gap"] is None:
        return "Next: compile the model and diagnose it again, or:"
    if part is None:
        return "Next: nothing; no part of the gap is worth a repair."
    is_positive = found["gap"][part] > 0
    if part == "lagging" and is_positive and any(layer["is_fixed"] for layer in found["layers"]):
        return "Next, if frozen layers may have new statistics, too:"
    return _ADVICE[part, is_positive].format(
        loss=number(found["ways"]["population"]["validation"]["loss"]), size=found["batch_size"]
    )
