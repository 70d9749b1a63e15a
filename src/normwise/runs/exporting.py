"""The curves of a study's runs, written for other tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from normwise.domain import RunRecord
from normwise.errors import UnknownNameError
from normwise.runs.extras import EXTRAS, require_extra
from normwise.runs.mlflow import write_mlflow
from normwise.runs.table_file import write_csv
from normwise.runs.tensorboard import write_tensorboard

__all__ = ["EXPORTS", "check_export", "export"]

_Write = Callable[[Sequence[RunRecord], Path, str], None]

# By what is typed: what is written into the study's folder, and what writes it.
EXPORTS: dict[str, tuple[str, _Write]] = {
    "csv": ("curves.csv", lambda records, path, _: write_csv(records, path)),
    "tensorboard": ("tensorboard", lambda records, path, _: write_tensorboard(records, path)),
    "mlflow": ("mlflow.db", write_mlflow),
}


def check_export(kind: str) -> None:
    """See before anything trains whether runs can be written for a tool.

    Raises:
        UnknownNameError: There is no such kind.
        DataError: The tool's library is not installed.
    """
    if kind not in EXPORTS:
        raise UnknownNameError("export", kind, EXPORTS)
    if kind in EXTRAS:
        require_extra(kind)


def export(records: Sequence[RunRecord], kind: str, folder: Path, name: str) -> Path:
    """Write the curves of all runs for another tool.

    Args:
        records: The runs.
        kind: ``csv``, ``tensorboard`` or ``mlflow``.
        folder: Where to.
        name: The study's name, which an experiment gets.

    Returns:
        The file or folder that was written, which ``normwise judge`` reads.

    Raises:
        UnknownNameError: There is no such kind.
        DataError: The tool's library is not installed.
        StoreError: The folder cannot be written.
    """
    check_export(kind)
    file, write = EXPORTS[kind]
    write(records, folder / file, name)
    return folder / file
