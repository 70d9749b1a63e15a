"""Everything normwise raises on purpose.

::

  NormwiseError
  ├── UsageError            what was asked for cannot be honoured (exit code 2)
  │   ├── UnknownNameError  no study, variant, metric … of that name; offers the nearest
  │   ├── VariantError      a variant's text does not parse, or its options contradict
  │   ├── SpecError         a setting is out of range, or two settings contradict
  │   ├── DataError         the data cannot be found, read or trained on
  │   ├── ModelError        the model cannot be built, placed in or trained
  │   │   └── NotStacked    the stacked engine cannot train it, and Keras' own fit might
  │   ├── LayerError        a layer's options contradict each other or where it is called
  │   ├── BackendError      Keras runs on another backend than JAX, or lacks a part that is needed
  │   ├── ExecutorError     who is to run the jobs is not installed or does not answer
  │   └── StoreError        the study's folder holds something else or cannot be written
  ├── WorseError            what was asked for makes a model worse, so it was not kept (exit code 1)
  └── StudyIncomplete       the study was stopped before its end (exit code 3)

Every message has three parts: what arrived, what was expected, what to type
instead.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "BackendError",
    "DataError",
    "DrawingError",
    "ExecutorError",
    "LayerError",
    "ModelError",
    "NormwiseError",
    "NotStacked",
    "SoloCheckFailed",
    "SpecError",
    "StoreError",
    "StudyIncomplete",
    "UnknownNameError",
    "UsageError",
    "VariantError",
    "WorseError",
    "first_line",
    "in_words",
    "is_out_of_memory",
    "listed",
]

# A table can have thousands of columns; a message cannot.
MOST_NAMES = 30
_TRACEBACK = "Traceback (most recent call last):"


class NormwiseError(Exception):
    """Base of all errors that normwise raises on purpose."""

    exit_code = 3

    def __reduce__(self) -> tuple[Any, ...]:
        """As another process gets it: with its message, whatever that was made from."""
        return _with_message, (type(self), self.args), vars(self)


def _with_message(kind: type[NormwiseError], args: tuple[Any, ...]) -> NormwiseError:
    return kind.__new__(kind, *args)


class UsageError(NormwiseError):
    """The request or its input cannot be honoured; nothing was changed."""

    exit_code = 2


def in_words(error: BaseException) -> str:
    """The kind of an error and the first line of what it says.

    >>> in_words(KeyError("a"))
    "KeyError: 'a'"
    """
    line = first_line(error)
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def first_line(error: BaseException) -> str:
    r"""The first line of what an error says that says something.

    Keras puts in front of it, in colour, which layer was called; where JAX quotes a traceback, the
    line behind it counts. What ends in a colon announces what follows.

    >>> first_line(ValueError("Exception encountered when calling A.call().\n\n\x1b[1mtoo few"))
    'too few'
    >>> first_line(ValueError("Error encountered:\n\nno such axis"))
    'Error encountered: no such axis'
    >>> first_line(ValueError("INTERNAL: Traceback (most recent call last):\n  …\nKeyError: 'a'"))
    "KeyError: 'a'"
    """
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    if lines and lines[0].endswith(_TRACEBACK):
        return lines[-1]
    telling = [line for line in lines if not line.startswith("Exception encountered when calling")]
    first, *others = telling or lines or [""]
    return " ".join([first, *others[:1]]) if first.endswith(":") else first


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it says that memory did not suffice, of the host or of a device.

    JAX raises errors of several types that begin alike.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError("memory"))
    (True, False)
    """
    return isinstance(error, MemoryError) or str(error).startswith("RESOURCE_EXHAUSTED")


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, the first of them where they are many.

    >>> listed(["a", "b"])
    'a, b'
    """
    rest = f", … ({len(names)} in all)" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + rest


class UnknownNameError(UsageError):
    """A name that is not among the known ones.

    >>> print(UnknownNameError("study", "circle", ["circles", "churn"]))
    unknown study 'circle'; expected one of circles, churn; did you mean 'circles'?
    >>> print(UnknownNameError("study", "mine", ["circles", "churn"]))
    unknown study 'mine'; expected one of circles, churn; take one of these
    """

    def __init__(self, kind: str, arrived: str, known: Iterable[str]) -> None:
        names = list(known)
        # AFTER is as close to `after` as it can be, for all but difflib.
        near = _near(arrived, names) or _near(arrived.lower(), names)
        if near:
            hint = f"did you mean {' or '.join(map(repr, near))}?"
        elif len(names) > 1:
            hint = "take one of these"
        else:
            hint = f"try {names[0]!r}" if names else "there is none"
        super().__init__(f"unknown {kind} {arrived!r}; expected one of {listed(names)}; {hint}")


def _near(name: str, names: Sequence[str]) -> list[str]:
    """Of some names those that another is likely to mean, the likeliest first."""
    return difflib.get_close_matches(name, names, n=3, cutoff=0.6)


class VariantError(UsageError):
    """A variant's text does not parse, or its options contradict each other."""


class SpecError(UsageError):
    """A setting is out of range or contradicts another one."""


class DataError(UsageError):
    """The data cannot be found, read or trained on."""


class ModelError(UsageError):
    """The model cannot be built, rewritten or trained."""


class NotStacked(ModelError):  # noqa: N818 (it says what holds)
    """The stacked engine cannot train the model, and Keras' own ``fit`` might.

    Args:
        message: What is refused where nothing but the stacked engine may train.
        needs_values: Whether code asks for values while it is traced: ``fit`` then runs it eagerly.

    Attributes:
        needs_values: The same.
    """

    def __init__(self, message: str, *, needs_values: bool = False) -> None:
        super().__init__(message)
        self.needs_values = needs_values

    @property
    def reason(self) -> str:
        """Why, without what was expected in its stead.

        >>> NotStacked("layer 'a' is stateful; expected stateful=False; try …").reason
        "layer 'a' is stateful"
        """
        return str(self).partition("; expected")[0]


class LayerError(UsageError, ValueError):
    """A layer's options contradict each other, or it is called where they mean nothing.

    Also a ``ValueError``, which is what Keras' layers raise.
    """


class BackendError(UsageError):
    """Keras was loaded with another backend than JAX, or its version lacks a part."""


class ExecutorError(UsageError):
    """An executor is not installed, does not answer, is silent, or is not like this process."""


class StoreError(UsageError):
    """The study's folder holds another study or cannot be written."""


class WorseError(NormwiseError):
    """What was asked for makes a model worse; nothing was written, and the model is as before.

    Args:
        said: What arrived, what was expected, and why.
        ways: What to do instead, as it is written in Python and on the command line.

    Attributes:
        typed: The message for who reads it on the command line.
    """

    exit_code = 1

    def __init__(self, said: str, ways: tuple[str, str]) -> None:
        in_python, typed = ways
        super().__init__(f"{said}; {in_python}")
        self.typed = f"{said}; {typed}"


class DrawingError(NormwiseError):
    """A picture could not be drawn; what it shows stands in the other files."""


class StudyIncomplete(NormwiseError):  # noqa: N818 (an outcome, not a mistake)
    """The study stopped before its end; its folder says so and can be resumed."""


class SoloCheckFailed(NormwiseError):  # noqa: N818 (an outcome, not a mistake)
    """The engine trained otherwise than Keras' own ``fit``; there is no verdict and no model."""
