"""The first sheet of an Excel workbook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from normwise.data.raw_table import MISSING, Table, in_one_line
from normwise.data.table_head import find_head
from normwise.data.table_rows import drop_others
from normwise.data.typed_frame import table_of_frame
from normwise.errors import DataError, first_line, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_excel_file"]

# So many show where a table begins.
SAMPLE_ROWS = 100


def read_excel_file(path: Path, target: str | None = None) -> Table:
    """Read the first sheet; others are named.

    Cells above the table and rows that are none are left out, and said.

    Args:
        path: The workbook.
        target: The column to predict, whose name shows where the names are.

    Raises:
        DataError: It is no workbook, its first sheet is empty, or has nothing but names.
    """
    try:
        sheets, cells = _first_sheet(path)
    except Exception as error:  # noqa: BLE001 (a damaged workbook raises what it pleases)
        raise DataError(
            f"cannot read {str(path)!r} ({first_line(error)}); expected an Excel workbook; check "
            f"that it opens in a spreadsheet program, and save it again as .xlsx or as CSV"
        ) from None
    cells = cells.dropna(how="all").dropna(how="all", axis="columns").reset_index(drop=True)
    if cells.empty:
        raise DataError(
            f"sheet {sheets[0]!r} of {str(path)!r} is empty; expected a table in the first sheet; "
            f"move it there, or save its sheet as CSV"
        )
    frame, said = _table_in(cells, target)
    if len(sheets) > 1:
        said = [f"The first sheet was read: {sheets[0]}; not used: {listed(sheets[1:])}.", *said]
    return table_of_frame(path.name, frame, tuple(said))


def _table_in(cells: pd.DataFrame, target: str | None) -> tuple[pd.DataFrame, list[str]]:
    """The rows of a table among cells, under their names, and what was left out."""
    texts = cells.map(_text, na_action="ignore").astype(object).where(cells.notna(), "")
    head = find_head(texts[:SAMPLE_ROWS].to_numpy().tolist(), target)
    first = head.above if head.names else head.above + 1
    names = list(head.names or texts.iloc[head.above])
    texts, cells = texts[first:], cells[first:]
    texts.columns = cells.columns = names
    are_rows, said = drop_others(texts)
    return cells[are_rows.to_numpy()].reset_index(drop=True), [*head.said, *said]


def _text(cell: Any) -> str:
    return in_one_line(str(cell))


def _first_sheet(path: Path) -> tuple[list[str], pd.DataFrame]:
    """The names of all sheets, and the cells of the first one with a table's cells."""
    import pandas as pd

    with pd.ExcelFile(path, engine="openpyxl") as book:
        cells = pd.read_excel(
            book, header=None, dtype=object, keep_default_na=False, na_values=MISSING
        )
        return [str(name) for name in book.sheet_names], cells
