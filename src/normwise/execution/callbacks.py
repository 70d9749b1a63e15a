"""Callbacks of Keras' ``fit``: made anew for each run, since they carry state."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras

from normwise.errors import SpecError, in_words
from normwise.models.identity import named_maker

__all__ = ["Callbacks", "CallbacksLike"]

CallbacksLike: TypeAlias = Callable[..., Any]
# What the function may take, by name.
_TAKEN = ("variant", "seed")


@dataclass(frozen=True)
class Callbacks:
    """A user's function that makes the callbacks of a run.

    Attributes:
        make: The function.
        identity: Hash of its source and of what it finds around it: with other callbacks a run is
            another one.
    """

    make: CallbacksLike
    identity: str

    @classmethod
    def of(cls, given: Any) -> Callbacks:
        """What a study was given as its callbacks.

        Raises:
            SpecError: It is no function, or one that needs something else.
        """
        if not callable(given) or isinstance(given, keras.callbacks.Callback):
            raise SpecError(
                f"callbacks is {_kind(given)}, and a callback carries state from one run to the "
                f"next; expected a function that makes fresh ones for each run; try "
                f"callbacks=lambda: {_example(given)}"
            )
        parameters = _parameters(given).values()
        needed = [one.name for one in parameters if one.default is one.empty and one.name not in
                  _TAKEN and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]  # fmt: skip
        if needed:
            raise SpecError(
                f"the function of callbacks needs {', '.join(map(repr, needed))}; expected no "
                f"other arguments than 'variant' (its name) and 'seed'; give the others default "
                f"values"
            )
        return cls(given, hashlib.sha256(named_maker(given).encode()).hexdigest()[:16])

    def made(self, variant: str, seed: int) -> list[keras.callbacks.Callback]:
        """Fresh callbacks for a run.

        Args:
            variant: The name of its variant.
            seed: Its seed.

        Raises:
            SpecError: The function fails, or gives something else.
        """
        known = {"variant": variant, "seed": seed}
        taken = _parameters(self.make)
        try:
            made = self.make(**{name: known[name] for name in _TAKEN if name in taken})
        except Exception as error:
            raise SpecError(
                f"the function of callbacks failed ({in_words(error)}); expected it to return a "
                f"list of callbacks; call it alone to see where it fails"
            ) from error
        found = [made] if isinstance(made, keras.callbacks.Callback) else made
        if not isinstance(found, list | tuple) or not all(
            isinstance(one, keras.callbacks.Callback) for one in found
        ):
            raise SpecError(
                f"the function of callbacks returned {_kind(found)}; expected a list of "
                f"keras.callbacks.Callback; try callbacks=lambda: "
                f"[keras.callbacks.EarlyStopping('val_loss', patience=5)]"
            )
        return list(found)


def _parameters(function: CallbacksLike) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}  # of Python itself, which does not say


def _kind(given: Any) -> str:
    if isinstance(given, list | tuple):
        return f"a {type(given).__name__} of {', '.join(_names(given)) or 'nothing'}"
    return f"of type {type(given).__name__}"


def _example(given: Any) -> str:
    """How callbacks that were given themselves are made by a function."""
    many = given if isinstance(given, list | tuple) else [given]
    if not many or not all(isinstance(one, keras.callbacks.Callback) for one in many):
        return "[keras.callbacks.EarlyStopping('val_loss', patience=5)]"
    return f"[{', '.join(f'{name}(…)' for name in _names(many))}]"


def _names(many: Any) -> list[str]:
    names = [type(one).__name__ for one in many]
    return [
        f"keras.callbacks.{name}" if getattr(keras.callbacks, name, None) is type(one) else name
        for one, name in zip(many, names, strict=True)
    ]
