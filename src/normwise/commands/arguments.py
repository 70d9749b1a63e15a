"""Arguments that several commands take, each with the same meaning and the same help."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from normwise.domain import data_files

__all__ = [
    "DATA",
    "Force",
    "GroupColumn",
    "Ignore",
    "Model",
    "Out",
    "Select",
    "Steps",
    "TargetColumn",
    "Task",
    "Unsafe",
    "rule_selection",
]

# What every command's --data takes; each says what it does with it.
DATA = f"Built-in data, {data_files()}"

Model = Annotated[Path, typer.Argument(metavar="MODEL.keras", help="A saved Keras model.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="The file to write: OUT.keras.")]
TargetColumn = Annotated[str | None, typer.Option(help="Column of the table that is predicted.")]
GroupColumn = Annotated[
    str | None, typer.Option(help="Column of the table that its study was split by.")
]
Task = Annotated[
    Literal["binary", "classes", "regression"] | None,
    typer.Option(
        "--task",
        metavar="<task>",
        help="binary, classes or regression: what that column is taken for.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Write also where the loss rises.")]
Steps = Annotated[
    int | None,
    typer.Option(min=0, help="Training steps so far. Default: as the optimiser says."),
]
Unsafe = Annotated[
    bool,
    typer.Option(
        "--unsafe", help="Load a model with Lambda layers or custom classes, which runs their code."
    ),
]
Select = Annotated[
    list[str] | None,
    typer.Option(help="Rules to run, codes or names, with commas or repeated. Default: all."),
]
Ignore = Annotated[list[str] | None, typer.Option(help="Rules not to run.")]


def rule_selection(select: Sequence[str] | None, ignore: Sequence[str] | None) -> dict[str, Any]:
    """What is selected and ignored; what is typed replaces what the project's file says.

    Raises:
        UsageError: The project's file cannot be read, or has a setting that there is not.
    """
    from normwise.checks.selection import project_selection

    typed = {"select": _split(select or ()), "ignore": _split(ignore or ())}
    return {
        **project_selection(Path.cwd()),
        **{key: names for key, names in typed.items() if names},
    }


def _split(texts: Sequence[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]
