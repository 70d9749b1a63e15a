"""What reads each kind of runs that something else trained."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normwise.errors import DataError
from normwise.runs.columns import ColumnNames
from normwise.runs.csv_folder import read_csv_folder, run_files
from normwise.runs.long_table import LongTable, long_table
from normwise.runs.mlflow import is_mlflow, is_mlflow_folder, read_mlflow
from normwise.runs.table_file import is_table_file, read_table_file
from normwise.runs.tensorboard import event_folders, read_tensorboard

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RunOptions", "read_runs"]


@dataclass(frozen=True)
class RunOptions:
    """How runs are read, where that is not recognised.

    Attributes:
        columns: The columns that say variant, seed and epoch.
        pattern: How the path of a run below its folder, or its name, says variant and seed.
    """

    columns: ColumnNames = field(default_factory=ColumnNames)
    pattern: str | None = None


def read_runs(source: Any, options: RunOptions) -> LongTable:
    """Runs in one form, wherever they are.

    Args:
        source: A data frame; the path of a table, or of a folder with tables, event files of
            TensorBoard or a store of MLflow's; ``mlflow:EXPERIMENT`` or a tracking URI.
        options: How to read them.

    Raises:
        DataError: They cannot be read, or what they mean is not clear.
        UnknownNameError: A column or experiment that was named is not there.
    """
    frame, said = _frame(source, options)
    table = long_table(frame, options.columns, options.pattern)
    # Columns that were made of names are nobody's.
    return replace(table, notes=(said, *table.notes[1:])) if said else table


def _frame(source: Any, options: RunOptions) -> tuple[pd.DataFrame, str]:
    """A long table, and what the names of its runs say, where they have no columns for it."""
    if not isinstance(source, str | Path):
        return _of_frame(source), ""
    if is_mlflow(str(source)):
        return read_mlflow(str(source), options.columns), ""
    path = Path(source)
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except (OSError, ValueError):  # no path at all
        is_folder = is_there = False
    if not is_there:
        raise DataError(
            f"there is no file or folder {str(source)!r}; expected runs: a table, a folder of "
            f"tables or of event files, or mlflow:EXPERIMENT; check the path"
        )
    return _of_folder(path, options) if is_folder else (read_table_file(path), "")


def _of_frame(source: Any) -> pd.DataFrame:
    import pandas as pd

    if hasattr(source, "to_pandas"):  # Polars, PyArrow
        source = source.to_pandas()
    if not isinstance(source, pd.DataFrame) or source.empty:
        kind = "an empty DataFrame" if isinstance(source, pd.DataFrame) else type(source).__name__
        raise DataError(
            f"the runs are {kind}; expected a DataFrame with a row for each run and epoch, or a "
            f"path; try nw.judge(frame)"
        )
    return source


def _of_folder(folder: Path, options: RunOptions) -> tuple[pd.DataFrame, str]:
    if (folder / "journal.jsonl").is_file():
        raise DataError(
            f"folder {str(folder)!r} holds a study of normwise's; expected runs that something "
            f"else trained; try 'normwise report {folder}'"
        )
    if is_mlflow_folder(folder):
        return read_mlflow(folder, options.columns), ""
    if event_folders(folder):
        return read_tensorboard(folder, options.pattern)
    if not run_files(folder):
        single = sorted(path for path in folder.iterdir() if is_table_file(path.name))
        if len(single) == 1:
            return read_table_file(single[0]), ""
    return read_csv_folder(folder, options.pattern)
