"""Tables as JSON: a record a line, a list of records, or columns by their names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from normwise.data.compressed import source_of
from normwise.data.raw_table import Table
from normwise.data.typed_frame import table_of_frame
from normwise.errors import DataError, first_line

__all__ = ["read_json_file", "read_json_lines"]


def read_json_file(path: Path) -> Table:
    """Read a list of records, ``[{"a": 1, "y": 0}, …]``, or columns, ``{"a": [1], "y": [0]}``.

    What ``DataFrame.to_json`` writes is read, but for ``orient="index"`` and ``"values"``, and so
    is a file with a record a line.

    Args:
        path: The file, which may be compressed.

    Raises:
        DataError: It is no JSON, or no table of single values.
    """
    text = _text(path)
    try:
        content = json.loads(text)
    except ValueError as error:
        if "Extra data" not in str(error):
            raise _unreadable(path, first_line(error)) from None
        content = _lines(path, text)
    except RecursionError as error:
        raise _unreadable(path, first_line(error)) from None
    return _table(path, content)


def read_json_lines(path: Path) -> Table:
    """Read a file with a record, ``{"a": 1, "y": 0}``, in each line.

    Args:
        path: The file, which may be compressed.

    Raises:
        DataError: A line is no record, or a field holds more than one value.
    """
    return _table(path, _lines(path, _text(path)))


def _text(path: Path) -> str:
    with source_of(path)() as file:
        content = file.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, first_line(error)) from None


def _lines(path: Path, text: str) -> list[Any]:
    records = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                records.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise _unreadable(path, f"line {number}: {first_line(error)}") from None
    return records


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(
        f"cannot read {str(path)!r} ({why}); expected JSON: a list of records, or a record a line; "
        f"write it with DataFrame.to_json('NAME.json', orient='records')"
    )


def _table(path: Path, content: Any) -> Table:
    import pandas as pd

    columns = _columns(content)
    if columns is None:
        raise _unreadable(path, "it holds no records")
    try:
        frame = pd.DataFrame(columns)
    except ValueError as error:
        raise _unreadable(path, first_line(error)) from None
    return table_of_frame(path.name, frame)


def _columns(content: Any) -> Any:
    """What pandas makes a frame of; ``None`` where it is no table."""
    import pandas as pd

    if isinstance(content, list):
        return content if all(isinstance(one, dict) for one in content) else None
    if not isinstance(content, Mapping):
        return None
    data, names = content.get("data"), content.get("columns")
    if isinstance(data, list) and isinstance(names, list):  # orient="split"
        return pd.DataFrame(data, columns=names)
    if isinstance(data, list) and "schema" in content:  # orient="table"
        return _columns(data)
    if all(isinstance(column, dict) for column in content.values()):  # by name and row
        return {name: list(column.values()) for name, column in content.items()}
    return content if all(isinstance(column, list) for column in content.values()) else None
