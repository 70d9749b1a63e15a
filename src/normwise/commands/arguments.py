"""Arguments that several commands take, each with the same meaning and the same help.

Those that go together are a group: a command that is decorated by :func:`with_groups` has one
parameter for them, and an option for each on the command line.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from normwise.domain import data_files, image_size

if TYPE_CHECKING:
    from normwise.data import TableOptions

__all__ = [
    "DATA",
    "Export",
    "Force",
    "Model",
    "Out",
    "RuleChoice",
    "Steps",
    "TableChoice",
    "Unsafe",
    "Verbose",
    "with_groups",
]

# What every command's --data takes; each says what it does with it.
DATA = f"Built-in data, {data_files()}"

Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL.keras|MODEL.h5",
        help="A saved Keras model, or an .h5 file of older versions.",
    ),
]
Out = Annotated[
    Path, typer.Option("-o", "--out", help="The file to write: OUT.keras, whatever was read.")
]
Export = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TOOL",
        help="csv, tensorboard or mlflow: write the curves of all runs into the folder for that "
        "tool, too; can be repeated.",
        show_default=False,
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", help="Say below the verdict how sure it is, and all else that the report says."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Write also where the loss rises.")]
Steps = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Training steps that the model has had: moving statistics need many. Default: as the "
        "optimiser in the file says.",
    ),
]
Unsafe = Annotated[
    bool,
    typer.Option(
        "--unsafe", help="Load a model with Lambda layers or custom classes, which runs their code."
    ),
]


@dataclass(frozen=True)
class TableChoice:
    """How a table is read."""

    target_column: Annotated[
        str | None, typer.Option(help="Column of the table that is predicted.")
    ] = None
    task: Annotated[
        Literal["binary", "classes", "regression"] | None,
        typer.Option(
            "--task",
            metavar="<task>",
            help="binary, classes or regression: what that column is taken for.",
        ),
    ] = None
    group_column: Annotated[
        str | None, typer.Option(help="Column of the table that its study was split by.")
    ] = None
    labels: Annotated[
        str | None,
        typer.Option(metavar="LABELS.npy", help="The labels of --data FILE.npy."),
    ] = None
    image_size: Annotated[
        str | None,
        typer.Option(
            metavar="HxW", help="Pixels that a folder's pictures are read in. Default: the model's."
        ),
    ] = None
    color_mode: Annotated[
        Literal["grayscale", "rgb", "rgba"] | None,
        typer.Option(metavar="<mode>", help="grayscale, rgb or rgba. Default: the model's."),
    ] = None

    @property
    def options(self) -> TableOptions:
        """The same, as the readers of data take it."""
        from normwise.data import TableOptions

        size = image_size(self.image_size) if self.image_size else None
        return TableOptions(
            self.target_column, self.task, self.group_column, self.labels, size, self.color_mode
        )

    @property
    def typed(self) -> list[str]:
        """The same, as it is typed.

        >>> TableChoice(target_column="Exited").typed
        ['--target-column', 'Exited']
        """
        return list(_typed(self))


@dataclass(frozen=True)
class RuleChoice:
    """Which rules of the check count."""

    select: Annotated[
        list[str] | None,
        typer.Option(
            help="Rules to run, codes (NW001) or names (redundant-bias), with commas or repeated. "
            "Default: all."
        ),
    ] = None
    ignore: Annotated[list[str] | None, typer.Option(help="Rules not to run, likewise.")] = None

    def in_project(self) -> dict[str, Any]:
        """What is selected and ignored; what is typed replaces what the project's file says.

        Raises:
            UsageError: The project's file cannot be read, or has a setting that there is not.
        """
        from normwise.checks.selection import project_selection

        typed = {"select": _split(self.select or ()), "ignore": _split(self.ignore or ())}
        return {
            **project_selection(Path.cwd()),
            **{key: names for key, names in typed.items() if names},
        }

    @property
    def typed(self) -> list[str]:
        """The same, as it is typed.

        >>> RuleChoice(ignore=["NW001", "NW002"]).typed
        ['--ignore', 'NW001,NW002']
        """
        return list(_typed(self))


def _typed(group: TableChoice | RuleChoice) -> Iterator[str]:
    for field in fields(group):
        value = getattr(group, field.name)
        if value not in (None, []):
            yield f"--{field.name.replace('_', '-')}"
            yield value if isinstance(value, str) else ",".join(value)


def _split(texts: Sequence[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator of a command: each parameter that is a group becomes an option for each field.

    Args:
        command: Its groups are dataclasses, whose fields are annotated as Typer's parameters are.
    """
    signature = inspect.signature(command, eval_str=True)
    kinds = {name: one.annotation for name, one in signature.parameters.items()}
    groups: dict[str, Any] = {name: kind for name, kind in kinds.items() if is_dataclass(kind)}

    @functools.wraps(command)
    def grouped(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    parameters = [
        option
        for name, one in signature.parameters.items()
        for option in (_options_of(groups[name]) if name in groups else [one])
    ]
    grouped.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[one.replace(kind=one.KEYWORD_ONLY) for one in parameters]
    )
    return grouped


def _options_of(group: Any) -> Iterator[inspect.Parameter]:
    return iter(inspect.signature(group, eval_str=True).parameters.values())
