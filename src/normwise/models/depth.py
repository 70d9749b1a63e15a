"""A model's depth: an argument of the function that builds it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras

from normwise.errors import ModelError
from normwise.studies.models import MODELS

__all__ = ["parameters_of", "refuse_same_networks", "refuse_without_depth"]

# A function that takes one, as a message shows it.
_EXAMPLE = """\
    def build(dataset, depth):
        hidden = [keras.layers.Dense(32, activation="relu") for _ in range(depth)]
        shape = dataset.x_train.shape[1:]
        return keras.Sequential([keras.Input(shape), *hidden, keras.layers.Dense(1)])"""


def parameters_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """What a function takes, by name; nothing of one that does not say.

    >>> list(parameters_of(lambda dataset, depth=2: None))
    ['dataset', 'depth']
    """
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def refuse_without_depth(found: Any, given: Any, depth: int) -> None:
    """Refuse a depth for a model that has one already, or a function that takes none.

    Args:
        found: The model, or the function that builds it.
        given: As the study got it.
        depth: What was asked for.

    Raises:
        ModelError: It cannot be of that depth; says what to write.
    """
    if not isinstance(found, keras.Model) and "depth" in parameters_of(found):
        return
    taking = [name for name, function in MODELS.items() if "depth" in parameters_of(function)]
    raise ModelError(
        f"depth {depth} was given with {_named(found, given)}; expected a function with an "
        f"argument 'depth', or of the built-in models {' or '.join(taking)}; write one, and try "
        f"--model FILE.py:build --depth 2,10:\n\n{_EXAMPLE}"
    )


def refuse_same_networks(fingerprints: Mapping[int | None, str]) -> None:
    """Refuse a function that takes ``depth`` and does not look at it.

    Args:
        fingerprints: Depth to what tells the network from others.

    Raises:
        ModelError: Two are the same.
    """
    seen: dict[str, int | None] = {}
    for depth, fingerprint in fingerprints.items():
        if fingerprint in seen:
            raise ModelError(
                f"the model's function builds the same network for depth {seen[fingerprint]} and "
                f"{depth}; expected another for each; use its argument 'depth', or leave --depth "
                f"{depth} out"
            )
        seen[fingerprint] = depth


def _named(found: Any, given: Any) -> str:
    if isinstance(found, keras.Model):
        return f"the model {found.name!r}, which has its layers"
    if isinstance(given, str) and ":" not in given:
        return f"the model {given!r}, which takes none"
    return f"the model's function {getattr(found, '__name__', 'build')!r}, which takes none"
