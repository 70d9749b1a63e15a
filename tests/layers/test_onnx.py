"""The layer against ONNX: the package's own cases, by its reference evaluator."""

import numpy as np
import onnx
import pytest
from onnx.backend.test.case.node import collect_testcases
from onnx.reference import ReferenceEvaluator

from normwise.layers import BatchNormalization

NAMES = [
    f"test_batchnorm_{kind}{mode}"
    for kind in ("example", "epsilon")
    for mode in ("", "_training_mode")
]


@pytest.fixture(scope="module")
def cases():
    # Making the cases of all operators, the package overflows and divides by zero on purpose.
    with np.errstate(all="ignore"):
        return {case.name: case for case in collect_testcases("BatchNormalization")}


def layer_of(node, gamma, beta, mean, variance):
    """What the node says: channels come second, and momentum multiplies the old value."""
    settings = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    layer = BatchNormalization(
        axis=1, epsilon=settings.get("epsilon", 1e-5), momentum=settings.get("momentum", 0.9)
    )
    layer.build((None, len(gamma), None, None))
    values = (gamma, beta, mean, variance)
    for variable, value in zip(layer.variables, values, strict=True):
        variable.assign(value)
    return layer, bool(settings.get("training_mode", 0))


@pytest.mark.parametrize("name", NAMES)
def test_the_packages_cases_agree(name, cases):
    case = cases[name]
    assert case.model.opset_import[0].version >= 15
    [node] = case.model.graph.node
    [(inputs, recorded)] = case.data_sets
    names = [value.name for value in case.model.graph.input]
    expected = ReferenceEvaluator(case.model).run(None, dict(zip(names, inputs, strict=True)))
    x, *values = inputs
    layer, training = layer_of(node, *values)
    y = layer(x, training=training)
    found = [y, layer.moving_mean, layer.moving_variance] if training else [y]
    for ours, evaluated, written in zip(found, expected, recorded, strict=True):
        np.testing.assert_allclose(ours, evaluated, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(ours, written, rtol=1e-5, atol=1e-5)


def test_these_are_all_cases(cases):
    assert sorted(cases) == sorted(NAMES)
