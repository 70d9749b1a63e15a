"""``summary.json``, read again: checked, whoever wrote it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from normwise.domain import Ablation, PopulationSample, SoloCheck, Target
from normwise.errors import StoreError, in_words
from normwise.study.journal import UNREADABLE

__all__ = ["population_samples_in", "read_summary", "solo_check_in"]

Record = TypeVar("Record")


def read_summary(folder: Path) -> dict[str, Any] | None:
    """What ``summary.json`` says, or ``None`` where no study has finished in this folder.

    Raises:
        StoreError: It does not read.
    """
    path = folder / "summary.json"
    if not path.is_file():
        return None
    try:
        summary: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if (check := solo_check_in(summary)) is not None:
            _read_back(SoloCheck, dataclasses.asdict(check))
        _read_back(Target, summary["target"])
        TypeAdapter(dict[str, str]).validate_python(summary["environment"])["fingerprint"]
        if "ablation" in summary:
            Ablation.from_json(summary["ablation"])
        population_samples_in(summary)
    except (OSError, *UNREADABLE) as error:
        raise StoreError(
            f"cannot read {str(path)!r} ({in_words(error)}); expected the "
            f"summary that a study wrote; delete it and run the study again with "
            f"--out {folder}"
        ) from None
    return summary


def solo_check_in(summary: Mapping[str, Any]) -> SoloCheck | None:
    """The solo check that ``summary.json`` holds; ``None`` where there was nothing to check."""
    check = summary["solo_check"]
    return None if check is None else SoloCheck.from_json(check)


def population_samples_in(summary: Mapping[str, Any]) -> dict[str, PopulationSample]:
    """How far off population statistics are, by variant, as far as ``summary.json`` says."""
    return {
        one["name"]: PopulationSample.from_json(one["population_sample"])
        for one in summary.get("variants", ())
        if "population_sample" in one
    }


def _read_back(kind: type[Record], body: Mapping[str, Any]) -> Record:
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
