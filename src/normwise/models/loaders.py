"""Loaders: data that come in batches, drawn once."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from normwise.data import Dataset, Given
from normwise.data.cache_file import GrowingArray
from normwise.data.mapped_rows import is_on_disk
from normwise.data.nested import leaves, mapped, shapes, structure
from normwise.data.plain_array import holds_numbers, in_memory, is_array
from normwise.errors import DataError, in_words

__all__ = [
    "Drawn",
    "draw",
    "is_loader",
    "is_pair_of_loaders",
    "note_of",
    "refuse_single_examples",
]

# Limits of what is drawn into memory: in bytes, and in examples where a loader does not say how
# many batches it has and may go on for ever.
MOST_BYTES, MOST_EXAMPLES = 2**30, 2**17
# The same where it has to end: more than these are hardly one epoch's.
MOST_OF_AN_EPOCH = 2**20
_INFINITE = -1  # as TensorFlow counts them
FROZEN = "What a loader shuffles or changes from epoch to epoch stays as it was drawn."
# Nothing of these gives batches, though some can be gone through.
_NO_LOADERS = (str, bytes, list, tuple, set, frozenset, Mapping, Path, Dataset, Given)


@dataclass(frozen=True, eq=False)
class Drawn:
    """What a loader gave.

    Attributes:
        parts: Inputs alone, ``(x, y)`` or ``(x, y, weights)``, with all examples.
        loader: What it is called in sentences.
        examples: How many there are.
        size: Their bytes.
        is_cut: Whether it was left before its end: those that do not fit are not among them.
    """

    parts: Any
    loader: str
    examples: int
    size: int
    is_cut: bool

    @property
    def note(self) -> str:
        """How much was drawn, in a sentence or two."""
        begun = f"{self.cut} These are " if self.is_cut else f"The {self.loader} was drawn once: "
        where = "a file" if any(map(is_on_disk, keras.tree.flatten(self.parts))) else "memory"
        return f"{begun}{self.examples:,} examples, {self.size / 1e6:,.3g} MB in {where}."

    @property
    def cut(self) -> str:
        """That it was not drawn to its end, in a sentence; empty where it was."""
        if not self.is_cut:
            return ""
        return (
            f"Of the {self.loader} the first {self.examples:,} examples were drawn into memory and "
            f"count: at most {MOST_BYTES >> 20:,} MiB, and {MOST_EXAMPLES:,} examples of what does "
            f"not say where it ends."
        )


def note_of(*drawn: Drawn) -> str:
    """What was drawn of the loaders of a study, and what follows from that, in sentences."""
    return " ".join([*(one.note for one in drawn), FROZEN])


def is_loader(data: Any) -> bool:
    """Whether it gives batches: a ``PyDataset``, ``DataLoader``, ``tf.data.Dataset``, generator.

    Or a function without arguments that makes one.

    >>> is_loader(iter([np.zeros((2, 3))])), is_loader(lambda: iter([])), is_loader(np.zeros(2))
    (True, True, False)
    """
    if isinstance(data, _NO_LOADERS) or is_array(data) or isinstance(data, type):
        return False
    return isinstance(data, Iterable) or _makes_one(data)


def is_pair_of_loaders(data: Any) -> bool:
    """Whether it is a loader for training and something for validation, as another loader.

    >>> is_pair_of_loaders((iter([]), iter([]))), is_pair_of_loaders((iter([]), np.zeros(2)))
    (True, False)
    """
    if not (isinstance(data, tuple | list) and len(data) == 2 and is_loader(data[0])):
        return False
    return is_loader(data[1]) or isinstance(data[1], tuple | list)


def refuse_single_examples(data: Any) -> None:
    """Refuse a data set that gives its examples one by one, as PyTorch's are without a loader.

    Raises:
        DataError: It is one.

    >>> refuse_single_examples((np.zeros((2, 3)), np.zeros(2)))
    """
    gives_one = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    if gives_one and not (is_loader(data) or isinstance(data, _NO_LOADERS) or is_array(data)):
        raise DataError(
            f"the {type(data).__name__} gives examples one by one; expected batches, as fit takes "
            f"them; try torch.utils.data.DataLoader(data, batch_size=32)"
        )


def _makes_one(data: Any) -> bool:
    """Whether it is a function that can be called without arguments."""
    if not (inspect.isfunction(data) or inspect.ismethod(data)):
        return False
    needed = inspect.signature(data).parameters.values()
    return all(one.default is not one.empty or one.kind is one.VAR_KEYWORD for one in needed)


def draw(loader: Any, *, to_its_end: bool = False) -> Drawn:
    """All batches of a loader, one behind another: in memory, or in a file where they are large.

    Args:
        loader: Gives batches: inputs alone, ``(x, y)`` or ``(x, y, weights)``, as ``fit`` takes
            them. An iterator is used up.
        to_its_end: Whether one without an end is of no use. What does not fit is otherwise cut.

    Raises:
        DataError: It gives nothing, batches that do not go together, or no end of them.

    >>> draw(iter([np.zeros((2, 3)), np.ones((1, 3))])).parts.shape
    (3, 3)
    """
    name, source = type(loader).__name__, loader
    if _makes_one(loader):
        name = f"function {loader.__name__}"
        source = _made(name, loader)
    drawn = _Batches(MOST_BYTES if to_its_end else math.inf)
    limit = MOST_OF_AN_EPOCH if to_its_end else MOST_EXAMPLES
    is_cut, most = False, None if _has_end(source) else limit
    if to_its_end and _is_endless(source):
        raise _without_end(name, "never ends, as it says")
    for batch in _given(name, source):
        is_large = drawn.size >= MOST_BYTES and not to_its_end
        if is_large or (most is not None and drawn.examples >= most):
            is_cut = True
            break
        drawn.add(_batch(drawn.count, batch))
    if not drawn.count:
        raise DataError(
            f"the {name} gives no batch; expected at least one; make it anew if it is an iterator "
            f"that was used before"
        )
    if is_cut and to_its_end and most is not None:
        raise _without_end(name, f"gave {drawn.examples:,} examples and does not say where it ends")
    return Drawn(drawn.joined(), name, drawn.examples, drawn.size, is_cut)


def _without_end(name: str, what: str) -> DataError:
    return DataError(
        f"the {name} {what}; expected the batches of one epoch; try itertools.islice(…, steps), "
        f"a tf.data.Dataset without repeat(), or a keras.utils.PyDataset with a length"
    )


def _is_endless(source: Any) -> bool:
    """Whether it says that it never ends, as Keras' and TensorFlow's data sets do."""
    if hasattr(source, "cardinality"):
        return int(source.cardinality()) == _INFINITE
    return isinstance(source, keras.utils.PyDataset) and source.num_batches is None


def _made(name: str, function: Callable[[], Any]) -> Any:
    try:
        source = function()
    except Exception as error:
        raise _failed(name, error) from error
    if not isinstance(source, Iterable):
        raise DataError(
            f"the {name} gives a {type(source).__name__}; expected one that makes a "
            f"generator or a loader of batches; try (x, y)"
        )
    return source


def _given(name: str, source: Any) -> Iterator[Any]:
    try:
        # Of TensorFlow, in NumPy's arrays.
        yield from getattr(source, "as_numpy_iterator", lambda: source)()
    except Exception as error:
        raise _failed(name, error) from error


def _failed(name: str, error: Exception) -> DataError:
    return DataError(
        f"the {name} failed ({in_words(error)}); expected batches as fit takes them; go through it "
        f"alone to see where it fails"
    )


def _has_end(source: Any) -> bool:
    """Whether it says how many batches it has."""
    try:
        return getattr(source, "num_batches", None) is not None or len(source) >= 0
    except (TypeError, NotImplementedError):
        return False


def _batch(number: int, batch: Any) -> Any:
    # As in `fit`, a list of parts is a tuple: inputs, labels, weights.
    parts = tuple(batch) if isinstance(batch, list) and not holds_numbers(batch) else batch
    if isinstance(parts, tuple) and any(map(_is_single, keras.tree.flatten(parts))):
        raise DataError(
            f"batch {number} holds a single number where an array is expected, examples first; "
            f"expected batches; try batch_size=32 of a DataLoader, batch(32) of a tf.data.Dataset"
        )
    found = in_memory(f"batch {number}", parts)
    if all(part is None for part in keras.tree.flatten(found)):
        raise DataError(
            f"batch {number} holds no array; expected inputs, alone or with their labels; look at "
            f"what the first step of a loop over the batches gives"
        )
    return found


def _is_single(part: Any) -> bool:
    return isinstance(part, int | float | np.generic) or getattr(part, "shape", None) == ()


class _Batches:
    """Batches one behind another, large ones in a file of the cache folder.

    Args:
        most: Bytes of an array that are held in memory.

    Attributes:
        count: How many batches there are.
        examples: And how many examples.
        size: Their bytes.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._arrays: Any = None
        self._first: Any = None
        self.count = self.examples = self.size = 0

    def add(self, batch: Any) -> None:
        """Append a batch.

        Raises:
            DataError: It does not go together with those before.
        """
        if self._arrays is None:
            self._first = batch
            self._arrays = mapped(lambda _: GrowingArray(self._most), batch)
        with self._together():
            if structure(batch) != structure(self._first):
                raise ValueError(f"it holds {shapes(batch)}, and the first {shapes(self._first)}")
            for array, part in zip(leaves(self._arrays), leaves(batch), strict=True):
                array.add(part)
                self.size += part.nbytes
        self.count += 1
        self.examples += max(len(part) for part in keras.tree.flatten(batch) if part is not None)

    def joined(self) -> Any:
        """All of them as one."""
        return mapped(lambda array: array.whole(), self._arrays)

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Say so where a batch does not go together with those before."""
        try:
            yield
        except ValueError as error:
            raise DataError(
                f"the batches do not go together (batch {self.count}: {error}); expected the same "
                f"parts in each, and examples of one shape; pad or cut them to one length"
            ) from error
