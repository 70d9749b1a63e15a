"""A folder of tables, one a run, as Keras' ``CSVLogger`` and Lightning's write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from normwise.errors import DataError, listed
from normwise.runs.run_names import RunName, by_pattern, named, said_by
from normwise.runs.table_file import read_table_file

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_csv_folder", "run_files", "with_names"]

_SUFFIXES = (".csv", ".tsv", ".log", ".csv.gz")


def run_files(folder: Path) -> list[Path]:
    """The tables in a folder and those below it, in the order of their names."""
    found = (path for path in folder.rglob("*") if path.name.lower().endswith(_SUFFIXES))
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def read_csv_folder(folder: Path, pattern: str | None = None) -> tuple[pd.DataFrame, str]:
    """The tables of a folder as one, with variant and seed as the files' names say.

    Args:
        folder: Where; the files may lie in folders of their own.
        pattern: How a path below the folder says them; recognised unless given.

    Returns:
        The table, and a sentence on what the names say.

    Raises:
        DataError: There is no table; one cannot be read; two are of one variant and seed.
    """
    import pandas as pd

    files = run_files(folder)
    if not files:
        raise DataError(
            f"folder {str(folder)!r} holds no runs; expected tables such as VARIANT/SEED.csv that "
            f"Keras' CSVLogger writes, event files of TensorBoard, or a store of MLflow's; check "
            f"the path"
        )
    paths = [path.relative_to(folder).as_posix() for path in files]
    stems = [path[: -len(_suffix(path))] for path in paths]
    said = by_pattern(pattern, paths) if pattern else named(stems)
    check_apart(said, paths)
    tables = [with_names(read_table_file(path), one) for path, one in zip(files, said, strict=True)]
    return pd.concat(tables, ignore_index=True), said_by(paths, said)


def _suffix(path: str) -> str:
    return next(end for end in reversed(_SUFFIXES) if path.lower().endswith(end))


def check_apart(said: Sequence[RunName], paths: Sequence[str]) -> None:
    """Refuse names of which two say the same.

    Raises:
        DataError: Two do.
    """
    first: dict[str, str] = {}
    for one, path in zip(said, paths, strict=True):
        if (other := first.setdefault(repr(one), path)) != path:
            raise DataError(
                f"{other!r} and {path!r} would both be variant {one.variant!r}, seed "
                f"{one.seed or 0}, of {listed(paths)}; expected one run for each variant and seed; "
                f"try --pattern, such as '{{variant}}/{{seed}}.csv'"
            )


def with_names(frame: pd.DataFrame, name: RunName) -> pd.DataFrame:
    """A run's table with what its name says in columns of its own, unless it has them."""
    own = {"variant": name.variant, "seed": name.seed or "0", **name.others}
    new = {key: value for key, value in own.items() if key not in frame.columns}
    return frame.assign(**new)
