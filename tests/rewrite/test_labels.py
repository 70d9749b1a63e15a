"""Labels as a compiled loss takes them, worked by hand."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.errors import DataError
from normwise.rewrite.labels import labels_for

CODES = np.arange(50) % 3
SPARSE, BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"


def classifier(outputs, loss):
    ends = {1: "sigmoid", 3: "softmax", 5: "softmax"}
    model = keras.Sequential([keras.Input((4,)), layers.Dense(outputs, activation=ends[outputs])])
    model.compile(loss=loss)
    return model


@pytest.mark.parametrize(
    ("model", "labels", "expected", "names"),
    [
        ((3, SPARSE), CODES, CODES, None),
        ((5, SPARSE), CODES + 2, CODES + 2, None),  # five outputs know these numbers
        ((3, SPARSE), CODES + 2, CODES, "2, 3, 4"),
        ((3, SPARSE), np.array(["a", "b", "c"])[CODES], CODES, "a, b, c"),
        ((1, BINARY), np.array(["no", "yes"])[CODES // 2], (CODES // 2)[:, None], "no, yes"),
        ((1, BINARY), CODES // 2 + 1, (CODES // 2)[:, None], "1, 2"),
        ((1, BINARY), CODES // 2 * 2, (CODES // 2)[:, None], "0, 2"),
        ((1, BINARY), CODES // 2, CODES // 2, None),
        ((3, SPARSE), CODES - 1, CODES, "-1, 0, 1"),
        ((3, SPARSE), np.array([0, 1, 3])[CODES], CODES, "0, 1, 3"),
        ((3, SPARSE), np.arange(50) % 4, np.arange(50) % 4, None),  # one more than it has outputs
        ((1, BINARY), CODES / 2, CODES / 2, None),  # shares
        ((1, "hinge"), CODES // 2 * 2 - 1, CODES // 2 * 2 - 1, None),
        ((1, "mse"), CODES * 7.5, CODES * 7.5, None),
        ((3, "mse"), np.stack([CODES * 7.5] * 3, 1), np.stack([CODES * 7.5] * 3, 1), None),
        ((3, "categorical_crossentropy"), np.eye(3)[CODES], np.eye(3)[CODES], None),
    ],
    ids=lambda one: one[1] if isinstance(one, tuple) else None,
)
def test_they_stay_what_they_are_unless_the_loss_takes_no_such(model, labels, expected, names):
    (found, other), notes = labels_for(classifier(*model), [labels, labels[::-1]])
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(other, expected[::-1])
    said = f"Labels became the numbers of their classes, in order: {names}."
    assert notes == ([] if names is None else [said])


STEPS = np.arange(60).reshape(10, 6)


@pytest.mark.parametrize(
    ("outputs", "loss", "labels", "expected"),
    [
        (3, SPARSE, np.array([1, 2, 3])[STEPS % 3], STEPS % 3),
        (3, SPARSE, np.array(["a", "b", "c"])[STEPS % 3], STEPS % 3),
        (3, SPARSE, STEPS % 4, STEPS % 4),
        (1, BINARY, np.array(["no", "yes"])[STEPS % 2], STEPS % 2),
    ],
)
def test_labels_of_each_step_stay_in_their_shape(outputs, loss, labels, expected):
    model = keras.Sequential([keras.Input((6, 4)), layers.Dense(outputs)])
    model.compile(loss=loss)
    [found], _ = labels_for(model, [labels])
    np.testing.assert_array_equal(found, expected)


def test_of_several_outputs_they_stay_what_they_are():
    several = {"kind": np.array(["a", "b"]), "size": np.ones(2)}
    assert labels_for(classifier(3, SPARSE), [several]) == ([several], [])


def test_one_that_training_has_not_is_named():
    labels = [np.array(["a", "b", "a"]), np.array(["b", "c"])]
    with pytest.raises(DataError, match="holds the label 'c', which the training part does not"):
        labels_for(classifier(3, SPARSE), labels)
