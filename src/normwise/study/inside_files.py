"""What probes saw, on disk: one file a run, in the study's folder ``inside``."""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from normwise.domain import Inside, RunKey
from normwise.errors import in_words
from normwise.files import replacing

__all__ = ["read_inside", "write_inside"]

log = logging.getLogger("normwise")

# What stands in a file beside the series, whose names have a slash.
_NAMES, _DIFFERENCE = "names", "difference"


def read_inside(folder: Path, keys: Iterable[RunKey]) -> list[Inside]:
    """What was seen of these runs, as far as a study's folder has it.

    A file that does not read counts as none: its run is looked at again.
    """
    found = (_read(_file(folder, key), key) for key in keys)
    return [one for one in found if one is not None]


def write_inside(folder: Path, seen: Inside) -> None:
    """Keep what was seen of a run in a study's folder."""
    path = _file(folder, seen.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    difference = np.nan if seen.difference is None else seen.difference
    arrays: dict[str, Any] = {
        **seen.series,
        _NAMES: np.array(json.dumps(seen.names)),
        _DIFFERENCE: np.array(difference),
    }
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _read(path: Path, key: RunKey) -> Inside | None:
    try:
        with path.open("rb") as opened, np.load(opened) as file:
            arrays = {name: file[name] for name in file.files}
        names = {axis: tuple(own) for axis, own in json.loads(str(arrays.pop(_NAMES))).items()}
        difference = float(arrays.pop(_DIFFERENCE))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.warning(
            "%s does not read (%s), and is left out; the study's own command makes it again.",
            path,
            in_words(error),
        )
        return None
    return Inside(key, names, arrays, None if np.isnan(difference) else difference)


def _file(folder: Path, key: RunKey) -> Path:
    return folder / "inside" / f"{key.digest}.npz"
