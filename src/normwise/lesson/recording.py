"""A recording: what the lesson plays back, as one compressed JSON file."""

from __future__ import annotations

import gzip
import json
import os
import platform
from collections.abc import Callable
from importlib import metadata, resources
from pathlib import Path
from typing import Any, TypeAlias

from normwise.files import replacing
from normwise.lesson.grid import CIRCLES, DEEP, CirclesGrid, DeepGrid

__all__ = ["Recording", "packed", "record", "shipped", "write_recording"]

Recording: TypeAlias = dict[str, Any]
_SHIPPED = "recording.json.gz"


def shipped() -> Recording:
    """The recording that normwise ships."""
    file = resources.files("normwise.lesson") / _SHIPPED
    found: Recording = json.loads(gzip.decompress(file.read_bytes()))
    return found


def record(
    tell: Callable[[int, int, str], None] = lambda *_: None,
    deep: DeepGrid = DEEP,
    circles: CirclesGrid = CIRCLES,
) -> Recording:
    """Train what the lesson shows, and record it.

    Args:
        tell: Called before each program with how many are done, of how many, and what it is.
        deep: Runs of a deep network.
        circles: Runs of a small one.

    Raises:
        UsageError: The runs cannot be trained.
    """
    # Here, so that a page of a recording needs neither Keras nor JAX.
    from normwise.lesson.circles import circles_programs, record_circles
    from normwise.lesson.deep import deep_programs, record_deep

    total, done = deep_programs(deep) + circles_programs(circles), iter(range(10**6))

    def told(name: str) -> None:
        tell(next(done), total, name)

    return {
        "environment": {
            **{name: metadata.version(name) for name in ("normwise", "keras", "jax", "numpy")},
            "machine": f"{platform.system()} {platform.machine()}",
        },
        "circles": record_circles(circles, told),
        "deep": record_deep(deep, told),
    }


def packed(recording: Recording) -> bytes:
    """Compressed; the same recording is the same bytes."""
    text = json.dumps(recording, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode(), mtime=0)


def write_recording(recording: Recording, path: str | os.PathLike[str]) -> Path:
    """Write a recording, whole or not at all.

    Raises:
        StoreError: The folder cannot be written.
    """
    with replacing(path) as beside:
        beside.write_bytes(packed(recording))
    return Path(path)
