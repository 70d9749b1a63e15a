"""Why a setting is refused, in one message that says what to type instead."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from normwise.errors import SpecError, UnknownNameError, UsageError
from normwise.spec.about import About, abouts

__all__ = ["as_usage_error", "refuse_arguments_of_fit"]

# Arguments of Keras' `fit` that a study does not take: why, and what to type instead.
_OF_FIT = {
    "callbacks": (
        "a function makes them, anew for each run",
        "Study(model, data, callbacks=lambda: [keras.callbacks.EarlyStopping('val_loss')])",
    ),
    "validation_data": (
        "they stand in the data",
        "Study(model, ((x, y), (x_val, y_val))), or two loaders: Study(model, (train, val))",
    ),
    "validation_split": ("a fifth of (x, y) validates", "Study(model, ((x, y), (x_val, y_val)))"),
    "shuffle": ("each seed and epoch has an order of its own", "Study(model, data)"),
    "steps_per_epoch": ("an epoch is the whole training part", "a smaller training part"),
}  # fmt: skip


def refuse_arguments_of_fit(settings: Mapping[str, Any]) -> None:
    """Say why an argument of Keras' ``fit`` is no setting, and what to type instead.

    Raises:
        SpecError: There is one.
    """
    for name, (reason, instead) in _OF_FIT.items():
        if name in settings:
            raise SpecError(
                f"{name!r} was given, an argument of Keras' fit ({reason}); expected a study's "
                f"settings; try {instead}"
            )


def as_usage_error(error: ValidationError, fields: Mapping[str, FieldInfo]) -> UsageError:
    """The first of Pydantic's complaints as ours.

    Args:
        error: What Pydantic says of a model with these fields.
        fields: By name.
    """
    first = error.errors()[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return UnknownNameError("setting", name, fields)
    hint = _hint(name, abouts(fields)[name], first)
    if first["type"] == "missing":
        return SpecError(f"no {name} was given; expected one; {hint}")
    expected = first["msg"].removeprefix("Input should be ")
    if first["type"] == "too_short":
        expected = "one value or more"
    expected = expected.replace("String should ", "a text to ")
    return SpecError(
        f"setting {name!r} is {reprlib.repr(first['input'])}; expected {expected}; {hint}"
    )


def _hint(name: str, about: About, first: Mapping[str, Any]) -> str:
    """What to type: a value that would do."""
    example = about.example
    if first["type"] == "literal_error":
        choices = re.findall("'(.*?)'", first["ctx"]["expected"])
        near = difflib.get_close_matches(str(first["input"]), choices, n=1)
        if not near:
            return "take one of these"
        [example] = near
    if about.in_file_only:
        return f"try {name} = {example}"
    option = about.option_of(name)
    return f"check {option}" if example is None else f"try {option} {example}"
