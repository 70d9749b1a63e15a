"""`normwise list`: the built-in studies and data sets, as a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["EXAMPLES", "list_studies", "print_list", "roughly"]

EXAMPLES = """
**Examples**

`normwise list` — then `normwise study circles`
"""


def list_studies() -> None:
    """Show the built-in studies: question, variants, needs, runs and time."""
    from rich.console import Console

    print_list(Console())


def print_list(console: Console) -> None:
    """Every study with its question, variants, needs, runs and time; then the data."""
    console.print(_studies())
    console.print(
        "\nTimes are of a first run: measured on two cores of another machine, and scaled by "
        "the number and the arithmetic speed of the cores here.\n"
    )
    console.print(_data())


def _studies() -> Table:
    from rich.table import Table

    from normwise.data import where_is
    from normwise.spec import Spec
    from normwise.studies import BUILT_IN, study_file
    from normwise.studies.estimate import estimated_seconds

    table = Table("study", "asks", "runs", "time", box=None, header_style="bold")
    for name in BUILT_IN:
        spec = Spec.from_toml(study_file(name), {})
        asks = f"{spec.question}\n[dim]{', '.join(spec.variants)}\nneeds {where_is(spec.data)}[/]"
        runs = f"{len(spec.variants)} × {spec.seeds}"
        table.add_row(name, asks, runs, roughly(estimated_seconds(name)))
    for column in (0, 2, 3):
        table.columns[column].no_wrap = True
    return table


def _data() -> Table:
    from rich.table import Table

    from normwise.data import BUILT_IN, where_is
    from normwise.domain import DATA_FILES

    table = Table("--data", "needs", box=None, header_style="bold")
    for name in BUILT_IN:
        table.add_row(name, where_is(name))
    for kind in DATA_FILES.values():
        table.add_row(kind.example, kind.needs)
    return table


def roughly(seconds: float) -> str:
    """A time with no more digits than an estimate has.

    >>> roughly(7.2), roughly(47), roughly(400)
    ('10 s', '50 s', '7 min')
    """
    if seconds < 57:
        return f"{math.ceil(seconds / 5) * 5} s"
    return f"{math.ceil(seconds / 60)} min"
