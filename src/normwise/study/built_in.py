"""The built-in study that a name without data means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from normwise.errors import SpecError, UnknownNameError
from normwise.spec import Spec
from normwise.studies import BUILT_IN, study_file

__all__ = ["built_in"]


def built_in(name: Any, changes: Mapping[str, Any]) -> Spec:
    """The settings of a built-in study, as ``normwise study NAME`` runs it.

    Args:
        name: What was given in place of a model.
        changes: Settings that take the place of the study's own.

    Raises:
        SpecError: It is a model, or nothing, and data are missing; or a setting is out of range.
        UnknownNameError: There is no such study.

    >>> built_in("circles", {"seeds": 5}).target
    'val_accuracy>=0.8'
    """
    if not isinstance(name, str) or ":" in name or "." in name:
        raise SpecError(
            "a study was given no data; expected (x, y), a name or a file; try "
            "Study(model, (x, y)), or Study(data=(x, y)) for the default model"
        )
    if name not in BUILT_IN:
        raise UnknownNameError("study", name, BUILT_IN)
    return Spec.from_toml(study_file(name), changes)
