"""The first sheet of an Excel workbook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from normwise.data.raw_table import MISSING, Table
from normwise.data.typed_frame import table_of_frame
from normwise.errors import DataError, first_line, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_excel_file"]


def read_excel_file(path: Path) -> Table:
    """Read the first sheet; others are named.

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
    cells = cells.dropna(how="all").dropna(how="all", axis="columns")
    if cells.empty:
        raise DataError(
            f"sheet {sheets[0]!r} of {str(path)!r} is empty; expected a table in the first sheet; "
            f"move it there, or save its sheet as CSV"
        )
    frame = cells.iloc[1:].reset_index(drop=True)
    frame.columns = ["" if name is None else str(name) for name in _plain(cells.iloc[0])]
    said = (f"The first sheet was read: {sheets[0]}; not used: {listed(sheets[1:])}.",)
    return table_of_frame(path.name, frame, said if len(sheets) > 1 else ())


def _plain(row: pd.Series) -> list[Any]:
    return [None if is_gap else cell for cell, is_gap in zip(row, row.isna(), strict=True)]


def _first_sheet(path: Path) -> tuple[list[str], pd.DataFrame]:
    """The names of all sheets, and the cells of the first one with a table's cells."""
    import pandas as pd

    with pd.ExcelFile(path, engine="openpyxl") as book:
        cells = pd.read_excel(
            book, header=None, dtype=object, keep_default_na=False, na_values=MISSING
        )
        return [str(name) for name in book.sheet_names], cells
