"""The built-in studies: one TOML file each, and their models in :mod:`.models`."""

from __future__ import annotations

from importlib import resources

__all__ = ["BUILT_IN", "study_file"]

BUILT_IN = ("circles", "churn")


def study_file(name: str) -> resources.abc.Traversable:
    """The TOML file of a built-in study."""
    return resources.files(__name__) / f"{name}.toml"
