"""The built-in studies: one TOML file each, and their models in :mod:`.models`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BUILT_IN", "study_file"]

BUILT_IN = ("circles", "churn")


def study_file(name: str) -> Path:
    """The TOML file of a built-in study."""
    return Path(__file__).with_name(f"{name}.toml")
