"""What folding changed: differences, layer by layer, and the time that a prediction takes."""

from __future__ import annotations

import dataclasses
import math
import statistics
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from normwise.errors import DataError
from normwise.models.feeding import inputs_fitting
from normwise.models.folding import Folding
from normwise.models.graph import Graph, functional_of
from normwise.models.kinds import sublayers
from normwise.report import Page, Shown, certificate_page

__all__ = ["Certificate", "certify", "example_inputs", "largest_difference", "tolerance_of"]

# The size of the batch that is timed, and how often it is.
EXAMPLES, ROUNDS = 32, 9
# The largest difference, as a share, that rounding explains in single precision, and in half.
TOLERANCE = 1e-4
_HALF = {"float16": 1e-2, "bfloat16": 1e-1}
# The size of an axis whose length the model leaves open.
OPEN_SIZE = 32


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Certificate(Shown):
    """How a folded model compares with the model that it was folded from.

    All differences are ratios: the largest difference of an output over the largest value of that
    output.

    Attributes:
        folded: The name of each normalisation that is gone, to the name of the layer whose weights
            hold it now.
        left: The name of each normalisation that is still there, to the reason.
        difference: Between the outputs of ``model.predict(x)`` before and after folding.
        call_difference: Between the outputs of ``model(x)`` before and after folding; such a call
            keeps layers in training mode that ``training=True`` put there.
        disagreement: Between ``model.predict(x)`` and ``model(x)``, both before folding.
        layers: The name of a folded normalisation of the outermost model to the difference of the
            output in its place; nested models are compared by their outputs only.
        seconds: Median seconds that a prediction of :data:`EXAMPLES` examples takes, before and
            after folding.
        inputs: What was predicted on: ``data`` or ``random numbers``.
        onnx: Between the folded model and its ONNX file, run by ONNX Runtime; ``None`` if there
            is no such file.
        tolerance: The largest difference that rounding explains, in the coarsest precision that a
            layer computes in.
    """

    folded: Mapping[str, str]
    left: Mapping[str, str]
    difference: float
    call_difference: float
    disagreement: float
    layers: Mapping[str, float]
    seconds: tuple[float, float]
    inputs: str
    onnx: float | None = None
    tolerance: float = TOLERANCE

    @property
    def holds(self) -> bool:
        """Whether the folded model predicts what the model did, by ``predict`` and by a call."""
        return self.difference <= self.tolerance and self.call_difference <= self.tolerance

    @property
    def is_unambiguous(self) -> bool:
        """Whether the model itself predicts the same by ``predict`` and by a call."""
        return self.disagreement <= self.tolerance

    def _shown(self) -> Page:
        return certificate_page({**dataclasses.asdict(self), "holds": self.holds})

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON: an infinite difference, which JSON cannot express, is ``null``."""
        body: dict[str, Any] = keras.tree.map_structure(
            lambda value: None if value == math.inf else value, dataclasses.asdict(self)
        )
        return body


def certify(model: Any, folding: Folding, x: Any = None) -> Certificate:
    """Compare a model with its folded copy.

    Args:
        model: The model that was folded.
        folding: The folded copy, and what became of each normalisation.
        x: Inputs to compare on; random numbers unless given.

    Raises:
        DataError: ``x`` does not fit the model, or nothing that it gives for it is finite.

    >>> from normwise.models.folding import folding_of
    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dense(8, name="hidden"),
    ...     keras.layers.BatchNormalization(name="norm"), keras.layers.ReLU(),
    ... ])
    >>> certify(model, folding_of(model)).difference < 1e-5
    True
    """
    inputs = example_inputs(model) if x is None else x
    with inputs_fitting(model):
        called, predicted = _outputs_of_call(model, inputs), model.predict_on_batch(inputs)
    _check_comparable(model, predicted, "random numbers" if x is None else "the data")
    folded = folding.model
    return Certificate(
        folded=folding.folded,
        left=folding.left,
        difference=largest_difference(predicted, folded.predict_on_batch(inputs)),
        call_difference=largest_difference(called, _outputs_of_call(folded, inputs)),
        disagreement=largest_difference(predicted, called),
        layers=_differences_by_layer(model, folding, inputs),
        seconds=_seconds(model, folding.model, inputs),
        inputs="random numbers" if x is None else "data",
        tolerance=tolerance_of(model),
    )


def _check_comparable(model: Any, predicted: Any, inputs: str) -> None:
    if not any(np.isfinite(output).any() for output in keras.tree.flatten(predicted)):
        raise DataError(
            f"model {model.name!r} predicts nothing that is finite for {inputs}; expected values "
            f"to compare those of the folded model with; look for NaN in the data and the weights"
        )


def _outputs_of_call(model: Any, inputs: Any) -> Any:
    """The outputs of ``model(inputs)``; the model keeps its statistics and random states."""
    with keras.StatelessScope():
        return keras.tree.map_structure(keras.ops.convert_to_numpy, model(inputs))


def example_inputs(model: Any, examples: int = EXAMPLES) -> Any:
    """Random numbers in the shapes that a model takes; below 10 where it takes whole numbers.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> example_inputs(model).shape
    (32, 4)
    """
    draw = np.random.default_rng(0)

    def drawn(tensor: Any) -> np.ndarray:
        shape = (examples, *(size or OPEN_SIZE for size in tensor.shape[1:]))
        if "int" in str(tensor.dtype):
            return draw.integers(0, 10, shape)
        return draw.normal(size=shape).astype(str(tensor.dtype))

    return keras.tree.map_structure(drawn, functional_of(model).input)


def _differences_by_layer(model: Any, folding: Folding, inputs: Any) -> dict[str, float]:
    """Each folded normalisation of the outermost model, to the difference in its place."""
    own = {call.operation.name: call.outputs[0] for call in Graph(model).calls}
    order, pairs = list(own), {}
    for norm, layer in folding.folded.items():
        # In front of a layer, the normalisation's own output is no longer there to compare.
        if norm in own and layer in own and order.index(layer) < order.index(norm):
            pairs[norm] = (own[norm], folding.model.get_layer(layer).output)
    if not pairs:
        return {}
    before = keras.Model(model.inputs, [old for old, _ in pairs.values()])
    after = keras.Model(folding.model.inputs, [new for _, new in pairs.values()])
    flat = keras.tree.flatten(inputs)
    given = [one.predict_on_batch(flat) for one in (before, after)]
    lists = [one if isinstance(one, list) else [one] for one in given]
    return {
        name: largest_difference(old, new) for name, old, new in zip(pairs, *lists, strict=True)
    }


def tolerance_of(model: Any) -> float:
    """The largest difference, as a share, that rounding explains in a model's coarsest layer.

    >>> tolerance_of(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    0.0001
    """
    return max(_HALF.get(one.compute_dtype, TOLERANCE) for one in sublayers(model))


def largest_difference(before: Any, after: Any) -> float:
    """Largest |after - before| over the largest finite |before|, over all outputs.

    What is not finite agrees with the same; where only one is, the difference is infinite.

    >>> largest_difference([np.array([1.0, -2.0])], [np.array([1.5, -2.0])])
    0.25
    >>> largest_difference([np.ones(2), np.ones(2)], [np.ones(2), np.array([1.0, np.nan])])
    inf
    """
    pairs = zip(keras.tree.flatten(before), keras.tree.flatten(after), strict=True)
    return max(
        _difference(np.asarray(old, np.float64), np.asarray(new, np.float64)) for old, new in pairs
    )


def _difference(before: np.ndarray, after: np.ndarray) -> float:
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    with np.errstate(invalid="ignore"):  # an infinity less itself, which is the same
        change = np.where(same, 0.0, np.abs(after - before))
    largest = np.max(np.abs(before), initial=0.0, where=np.isfinite(before))
    return float(np.max(np.nan_to_num(change, nan=np.inf, posinf=np.inf)) / (largest or 1.0))


def _seconds(before: Any, after: Any, inputs: Any) -> tuple[float, float]:
    """Median seconds of a prediction, before and after; the models take turns and are compiled."""
    timed: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for model, times in zip((before, after), timed, strict=True):
            started = time.perf_counter()
            model.predict_on_batch(inputs)
            times.append(time.perf_counter() - started)
    return statistics.median(timed[0]), statistics.median(timed[1])
