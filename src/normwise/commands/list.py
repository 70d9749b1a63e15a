"""`normwise list`: the built-in studies and data sets, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["EXAMPLES", "list_studies", "print_list"]

Row: TypeAlias = tuple[str, ...]

# Columns that no table here needs; what is measured is cut to the terminal's unless told.
ANY_WIDTH = 10_000

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
    _print(console, ("study", "asks", "runs", "time"), _studies())
    console.print(
        "\nTimes are of a first run: measured on two cores of another machine, and scaled by "
        "the number and the arithmetic speed of the cores here.\n"
    )
    _print(console, ("--data", "needs"), _data())


def _studies() -> Iterator[Row]:
    from normwise.data import where_is
    from normwise.report.formatting import roughly
    from normwise.spec import Spec
    from normwise.studies import BUILT_IN, study_file
    from normwise.studies.estimate import estimated_seconds

    for name in BUILT_IN:
        spec = Spec.from_toml(study_file(name), {})
        asks = f"{spec.question}\n[dim]{', '.join(spec.variants)}\nneeds {where_is(spec.data)}[/]"
        yield name, asks, f"{len(spec.variants)} × {spec.seeds}", roughly(estimated_seconds(name))


def _data() -> Iterator[Row]:
    from normwise.data import BUILT_IN, where_is
    from normwise.domain import DATA_FILES

    yield from ((name, where_is(name)) for name in BUILT_IN)
    yield from ((kind.example, kind.needs) for kind in DATA_FILES.values())


def _print(console: Console, heads: Row, rows: Iterable[Row]) -> None:
    """As a table where each word of it has room; else one below the other, nothing cut."""
    from rich.padding import Padding
    from rich.table import Table

    table, known = Table(*heads, box=None, header_style="bold"), list(rows)
    for column in table.columns:
        column.no_wrap = column.header != heads[1]
    for row in known:
        table.add_row(*row)
    unbounded = console.options.update_width(ANY_WIDTH)
    if console.measure(table, options=unbounded).minimum <= console.width:
        console.print(table)
        return
    for name, text, *short in known:
        said = [f"{head} {one}" for head, one in zip(heads[2:], short, strict=True)]
        console.print(", ".join([f"[bold]{name}[/]", *said]), highlight=False)
        console.print(Padding(text, (0, 0, 0, 2)))
