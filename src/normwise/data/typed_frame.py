"""From a data frame, whose columns have types, to a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from normwise.data.raw_table import Table, column_names, in_one_line, require_rows, stripped
from normwise.errors import DataError, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pandas_frame", "table_of_frame"]


@dataclass
class _Columns:
    """Columns of a table, as far as they were taken.

    Attributes:
        frame: By name.
        typed: Those whose types say what they are.
        written: Those that were written as text, and are numbers.
        nested: Those with more than one value a field.
    """

    frame: dict[str, pd.Series] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)
    written: dict[str, pd.Series] = field(default_factory=dict)
    nested: list[str] = field(default_factory=list)


def pandas_frame(values: Any) -> Any:
    """A table or a column of polars, pyarrow and others as one of pandas; pandas' own as it is.

    >>> import pyarrow as pa
    >>> pandas_frame(pa.table({"a": [1, 2]})).columns.tolist()
    ['a']
    """
    import pandas as pd
    import pyarrow as pa

    if isinstance(values, pd.DataFrame | pd.Series):
        return values
    if hasattr(values, "columns"):
        return pa.table(values).to_pandas()
    return pa.chunked_array(values).to_pandas().rename(getattr(values, "name", None))


def table_of_frame(name: str, frame: pd.DataFrame, said: tuple[str, ...] = ()) -> Table:
    """A table of a frame's columns, which mean what their types say.

    Categories are text, whatever they are called by; a number, a date and a duration is what it is.
    Text is read like that of a file.

    Args:
        name: What to call it in messages.
        frame: Its index is left out.
        said: What was decided as it was read, in sentences.

    Raises:
        DataError: It has no rows, or a column holds lists or records.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": pd.Categorical([2, 1]), "b": ["1", "7"], "c": [True, None]})
    >>> table = table_of_frame("t", frame)
    >>> table.frame.to_numpy().tolist()
    [['2', 1, 'True'], ['1', 7, nan]]
    """
    require_rows(name, frame)
    names, renamed = column_names([_name(label) for label in frame.columns])
    columns = _Columns()
    for place, column in enumerate(names):
        _take(columns, column, frame.iloc[:, place].reset_index(drop=True))
    if columns.nested:
        raise DataError(
            f"table {name!r} has columns with lists or records in their fields: "
            f"{listed(columns.nested)}; expected one value a field; take them apart, as "
            f"pandas.json_normalize and DataFrame.explode do, or leave them out"
        )
    import pandas as pd

    def as_text(asked: list[str], rows: int | None) -> Mapping[str, pd.Series]:
        written = columns.written
        return {column: written[column][:rows] for column in asked if column in written}

    taken = pd.DataFrame(columns.frame, columns=names)
    return Table(name, taken, renamed, said=said, typed=frozenset(columns.typed), as_text=as_text)


def _name(label: Any) -> str:
    return in_one_line(" ".join(map(str, label)) if isinstance(label, tuple) else str(label))


def _take(columns: _Columns, name: str, column: pd.Series) -> None:
    """Take a column as what its type says, or its values where the type says nothing."""
    import pandas as pd

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype | pd.IntervalDtype):
        texts = column.astype(object).map(_text_of, na_action="ignore")
        columns.frame[name] = stripped(texts)
        columns.typed.add(name)
        return
    if isinstance(dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind == "mixed" and column.map(_is_nested).any():
        columns.nested.append(name)
        return
    take = _BY_KIND.get(kind)
    taken = None if take is None else take(column)
    if taken is None:
        _take_text(columns, name, column)
        return
    columns.frame[name] = taken
    columns.typed.add(name)


def _take_text(columns: _Columns, name: str, column: pd.Series) -> None:
    """Text as a file's: numbers where all of it are, which are remembered as they are written."""
    import pandas as pd

    texts = (
        column
        if pd.api.types.is_string_dtype(column.dtype)
        else column.map(_text_of, na_action="ignore")
    )
    texts = stripped(texts)
    numbers = pd.to_numeric(texts, errors="coerce")
    if texts.notna().any() and (numbers.notna() == texts.notna()).all():
        columns.frame[name], columns.written[name] = numbers, texts
    else:
        columns.frame[name] = texts


def _text_of(value: Any) -> str:
    """A value among others as it would be written, so that it is read as the same.

    >>> [_text_of(value) for value in (3, 3.0, 1.234, True, " a")]
    ['3', '3', '1.2340', 'True', ' a']
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float | np.floating):
        # With three decimals its point could stand between thousands.
        text = repr(float(value))
        return text.removesuffix(".0") if text.endswith(".0") else text + "0" * ("e" not in text)
    return str(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, list | tuple | dict | set | np.ndarray)


def _numbers(column: pd.Series) -> pd.Series | None:
    """Numbers in NumPy's types; ``None`` where whole numbers are too large for any."""
    import pandas as pd

    column = column.infer_objects()
    whole = column.dtype.kind in "iu" and not column.isna().any()
    try:
        if whole:
            return pd.Series(column.to_numpy(f"{column.dtype.kind}8"))
        return pd.Series(column.to_numpy(np.float64, na_value=np.nan))
    except OverflowError:
        return None


def _booleans(column: pd.Series) -> pd.Series:
    """As a file's: numbers, or, with gaps, categories."""
    if column.isna().any():
        return column.astype(object).map(str, na_action="ignore").astype("str")
    return column.astype("bool")


def _moments(column: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.to_datetime(column, utc=True, errors="coerce")


def _times_of_day(column: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.to_timedelta(column.map(str, na_action="ignore"))


def _durations(column: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.to_timedelta(column)


# By what pandas says that the values are; all others are text.
_BY_KIND: dict[str, Callable[[pd.Series], pd.Series | None]] = {
    **dict.fromkeys(
        ("integer", "integer-na", "floating", "mixed-integer-float", "decimal"), _numbers
    ),
    "boolean": _booleans,
    **dict.fromkeys(("datetime64", "datetime", "date"), _moments),
    **dict.fromkeys(("timedelta64", "timedelta"), _durations),
    "time": _times_of_day,
    "empty": lambda column: column.astype(object).where(column.notna(), None).astype("float64"),
}
