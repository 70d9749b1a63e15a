"""A file of settings, read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from normwise.errors import SpecError

__all__ = ["settings_in"]


def settings_in(path: Path) -> dict[str, Any]:
    """What a TOML file says.

    Raises:
        SpecError: The file is missing, or is no TOML.
    """
    try:
        # With or without the mark that Windows' editors put at the start.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(
            f"cannot read {str(path)!r} ({error}); expected a TOML file with settings such as "
            f"model, data and seeds; 'normwise study circles' writes one to copy from"
        ) from None
