"""What the weights of a user's own layers are drawn with.

``add_weight(initializer=…)`` keeps it nowhere. Keras' own layers have an attribute for each.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from typing import Any

import keras

__all__ = ["noted_initializer", "noting_initializers"]

# One thread at a time makes variables so: what is put in their constructor's place counts for all.
_NOTING = threading.RLock()


@contextlib.contextmanager
def noting_initializers() -> Iterator[None]:
    """Note of each variable that is made in this block what initialised it.

    A variable that is made of values has nothing to note.
    """
    with _NOTING:
        made = keras.Variable.__init__

        @functools.wraps(made)
        def noted(variable: Any, initializer: Any, *args: Any, **options: Any) -> None:
            made(variable, initializer, *args, **options)
            if callable(initializer) or isinstance(initializer, str):
                variable.noted_initializer = keras.initializers.get(initializer)

        keras.Variable.__init__ = noted
        try:
            yield
        finally:
            keras.Variable.__init__ = made


def noted_initializer(variable: Any) -> Any:
    """What a variable was initialised with; ``None`` where :func:`noting_initializers` saw none.

    >>> with noting_initializers():
    ...     weight = keras.layers.Layer().add_weight(shape=(2,), initializer="he_normal")
    >>> type(noted_initializer(weight)).__name__
    'HeNormal'
    """
    return getattr(variable, "noted_initializer", None)
