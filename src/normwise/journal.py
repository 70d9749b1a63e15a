"""What reads the lines of a study's journal: checked, whoever wrote them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter

from normwise.domain import RunRecord, Variant

__all__ = ["fingerprint_of", "notes_of", "read_back", "run_of", "seconds_of"]

Record = TypeVar("Record")
_RUN, _SIZE = TypeAdapter(RunRecord), TypeAdapter(int | None)
_NOTES = TypeAdapter(tuple[str, ...])


def fingerprint_of(event: dict[str, Any]) -> str | None:
    """Of the data and model, where training starts."""
    return str(event["fingerprint"]) if event["event"] == "started" else None


def notes_of(event: dict[str, Any]) -> tuple[str, tuple[str, ...]] | None:
    """The fingerprint, and what was said of the data, where training starts.

    ``None`` in older journals, too.

    >>> notes_of({"event": "started", "fingerprint": "f", "notes": ["2 rows were dropped."]})
    ('f', ('2 rows were dropped.',))
    """
    if event["event"] != "started" or "notes" not in event:
        return None
    return str(event["fingerprint"]), _NOTES.validate_python(event["notes"])


def seconds_of(event: dict[str, Any]) -> tuple[str, tuple[str, int | None], float] | None:
    """The fingerprint, the variant and batch size, and what an epoch takes alone."""
    if event["event"] != "timed":
        return None
    place = str(event["variant"]), _SIZE.validate_python(event["batch_size"])
    return str(event["fingerprint"]), place, float(event["seconds_per_epoch"])


def run_of(event: dict[str, Any]) -> RunRecord | None:
    """A run that had ended, in journals from before they had segments.

    >>> key = {"variant": "none", "seed": 0, "setting": "f"}
    >>> line = {"event": "run", "key": key, "learning_rate": 0.1, "curves": {"loss": [0.5, None]}}
    >>> run_of(line).curves
    {'loss': (0.5, nan)}

    Raises:
        ValueError: A part of it is of another type, or its curves are of several lengths.
        VariantError: There is no such variant.
        LookupError: A part is missing.
    """
    if event["event"] != "run":
        return None
    curves = {
        metric: [math.nan if value is None else value for value in values]
        for metric, values in event["curves"].items()
    }
    record = _RUN.validate_python({**event, "curves": curves})
    [epochs] = {len(values) for values in curves.values()}
    ends = (epochs, record.diverged_at, record.stopped_at)
    if not all(end is None or 1 <= end <= epochs for end in ends) or record.key.seed < 0:
        raise ValueError("a seed from 0, epochs from 1, and an end within them")
    Variant.parse(record.key.variant)
    return record


def read_back(kind: type[Record], body: Mapping[str, Any]) -> Record:
    """A record of plain values as JSON keeps it, where ``null`` is a number that was not finite.

    Raises:
        ValueError: A part is of another type, or missing.
    """
    numbers = {item.name for item in dataclasses.fields(kind) if item.type == "float"}  # type: ignore[arg-type]
    values = {
        name: math.nan if value is None and name in numbers else value
        for name, value in body.items()
    }
    return TypeAdapter(kind).validate_python(values)
