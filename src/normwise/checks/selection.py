"""Which rules a project wants: its ``pyproject.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from normwise.errors import SpecError, UnknownNameError, in_words

__all__ = ["project_selection"]

FILE = "pyproject.toml"
SECTION = ("tool", "normwise", "check")
KEYS = ("select", "ignore")


def project_selection(folder: Path) -> dict[str, list[str]]:
    """``select`` and ``ignore`` of ``[tool.normwise.check]``, in the nearest file upwards.

    Args:
        folder: The folder in which the search begins; it goes on in those above.

    Raises:
        SpecError: The file cannot be read, a section is none, or a setting is no list of texts.
        UnknownNameError: There is a setting of another name.

    >>> project_selection(Path("/"))
    {}
    """
    path = next(
        (each / FILE for each in (folder, *folder.parents) if (each / FILE).is_file()), None
    )
    if path is None:
        return {}
    try:
        body: Any = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(
            f"cannot read {str(path)!r} ({in_words(error)}); expected TOML; mend it, or name the "
            f"rules with --select"
        ) from error
    for depth, name in enumerate(SECTION, 1):
        body = body.get(name, {})
        if not isinstance(body, dict):
            raise SpecError(
                f"[{'.'.join(SECTION[:depth])}] of {str(path)!r} is {body!r}; expected a section; "
                f'try [{".".join(SECTION)}] with ignore = ["NW001"] below it'
            )
    return {key: _texts(path, key, value) for key, value in body.items()}


def _texts(path: Path, key: str, value: Any) -> list[str]:
    if key not in KEYS:
        raise UnknownNameError(f"setting in [tool.normwise.check] of {str(path)!r}:", key, KEYS)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SpecError(
            f"{key} in [tool.normwise.check] of {str(path)!r} is {value!r}; expected a list of "
            f'codes or names; try {key} = ["NW001"]'
        )
    return value
