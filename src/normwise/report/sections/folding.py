"""What folding changed: each normalisation, predictions, and time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from normwise.report.formatting import number, seconds
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build", "headline"]


def headline(found: Mapping[str, Any]) -> str:
    """What folding comes to.

    Args:
        found: What a certificate says, and whether it ``holds``.

    >>> headline({"folded": {"a": "b"}, "left": {"c": "…"}, "holds": True})
    '1 of 2 batch normalisations folded; predictions are the same'
    """
    folded, left = len(found["folded"]), len(found["left"])
    said = "are the same" if found["holds"] else "differ by more than rounding"
    return f"{folded} of {folded + left} batch normalisations folded; predictions {said}"


def build(found: Mapping[str, Any]) -> list[Section]:
    """Where each normalisation went, and by how much outputs differ."""
    rows = [
        *(_row(name, f"in {layer}", found["layers"].get(name)) for name, layer in _of(found)),
        *(_row(name, f"left: {why}", None) for name, why in found["left"].items()),
    ]
    columns = (Column("normalisation"), Column("now", is_prose=True), Column("difference there"))
    before, after = map(seconds, found["seconds"])
    facts = {
        "model.predict(x)": number(found["difference"]),
        "model(x)": number(found["call_difference"]),
        "explained by rounding": f"up to {number(found['tolerance'])}",
        "compared on": found["inputs"],
        "a prediction takes": f"{before} before, {after} after",
    }
    if found["onnx"] is not None:
        facts["ONNX Runtime"] = number(found["onnx"])
    return [
        Section(
            "Normalisations",
            table=Table(columns, tuple(rows)),
            caption="Differences are shares of the largest value of an output.",
        ),
        Section("Differences", facts=facts),
    ]


def _of(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    return list(found["folded"].items())


def _row(name: str, where: str, difference: float | None) -> tuple[Cell, ...]:
    return Cell(name), Cell(where), Cell(number(difference))
