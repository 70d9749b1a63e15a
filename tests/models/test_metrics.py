"""What is said where labels do not fit what a model gives."""

import keras
import numpy as np
import pytest

from normwise.data import from_arrays
from normwise.errors import ModelError
from normwise.models.metrics import build_compiled_parts

X = np.zeros((20, 3), "float32")
SIZE, KIND = np.ones((20, 1)), np.arange(20) % 4


@pytest.mark.parametrize("kind", [dict, list], ids=["named", "in order"])
@pytest.mark.parametrize("other", [{}, {"sort": KIND}], ids=["missing", "another name"])
def test_labels_by_other_names_stand_beside_the_outputs(kind, other):
    inputs = keras.Input((3,))
    heads = [keras.layers.Dense(4, name="kind"), keras.layers.Dense(1, name="size")]
    outputs = {head.name: head(inputs) for head in heads}
    model = keras.Model(inputs, outputs if kind is dict else list(outputs.values()))
    model.compile("sgd", {"size": "mse", "kind": "sparse_categorical_crossentropy"})
    given = r"are 'size': \(1, 1\).*, and model .* gives 'kind': \(None, 4\), 'size': \(None, 1\)"
    with pytest.raises(ModelError, match=given):
        build_compiled_parts(model, from_arrays(X, {"size": SIZE} | other))
