"""Labels as the loss takes them: the model's own loss and output are the authority."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import from_arrays
from normwise.errors import DataError
from normwise.models.compiled import compiled_of
from normwise.models.fitted_data import with_inputs_of, with_labels_for
from normwise.models.training_loss import TrainingLoss

DRAW = np.random.default_rng(2)
X = DRAW.normal(size=(40, 3))
FOUR, TWO = np.arange(40) % 4, np.arange(40) % 2
ROWS = np.eye(4)[FOUR]


def network(units, kind=keras.Model, shape=()):
    inputs = keras.Input((3,))
    outputs = layers.Dense(units)(inputs)
    return kind(inputs, layers.Reshape(shape)(outputs) if shape else outputs)


class Stepping(keras.Model):
    def train_step(self, state, data):
        return super().train_step(state, data)


def fitted(labels, loss, units, **options):
    return with_labels_for(from_arrays(X, labels), network(units, **options), loss)


# Labels as given, the loss, the output's units; the task, and labels as the loss gets them.
CASES = {
    "numbers for rows": (FOUR, "categorical_crossentropy", 4, "classes", (4,)),
    "rows for rows": (ROWS, keras.losses.CategoricalFocalCrossentropy(), 4, "classes", (4,)),
    "rows for numbers": (ROWS, "sparse_categorical_crossentropy", 4, "classes", ()),
    "rows for no loss": (ROWS, None, 4, "classes", ()),
    "rows for shares": (ROWS, "binary_crossentropy", 4, "classes", (4,)),
    "two as rows": (TWO, "categorical_crossentropy", 2, "classes", (2,)),
    "two as one": (TWO, "mse", 1, "binary", (1,)),
    "numbers to predict": (FOUR, "mse", 1, "regression", (1,)),
    "shares": (DRAW.dirichlet(np.ones(4), 40), keras.losses.KLDivergence(), 4, "own", (4,)),
    "shares of two": (DRAW.random(40), "binary_crossentropy", 1, "own", (1,)),
    "several labels": (DRAW.integers(0, 2, (40, 4)), "binary_crossentropy", 4, "own", (4,)),
    "several numbers": (X, "mse", 3, "regression", (3,)),
}


@pytest.mark.parametrize("case", CASES)
def test_labels_are_as_the_loss_takes_them(case):
    labels, loss, units, task, shape = CASES[case]
    found = fitted(labels, loss, units)
    assert (found.task, found.y_train.shape[1:]) == (task, shape)
    if labels is FOUR or labels is ROWS:
        numbers = found.y_train.argmax(axis=-1) if shape == (4,) else found.y_train.ravel()
        assert set(numbers) == {0, 1, 2, 3}


def test_texts_stay_classes_whatever_the_loss():
    assert fitted(np.array(["a", "b", "c", "d"])[FOUR], "mse", 1).task == "classes"


def test_whole_numbers_for_an_output_of_more_dimensions_count_classes():
    found = fitted(DRAW.integers(0, 4, (40, 2)), "sparse_categorical_crossentropy", 8, shape=(2, 4))
    assert (found.task, found.y_train.dtype, found.y_train.shape[1:]) == ("own", np.int32, (2,))


def test_labels_of_another_shape_stand_beside_the_output():
    said = r"\(32, 3, 3\) and the output of .* \(None, 2, 2\), and loss 'mse' .* shape \(n, 2, 2\); resh"
    with pytest.raises(DataError, match=said):
        fitted(np.zeros((40, 3, 3)), "mse", 4, shape=(2, 2))


def test_shares_are_no_numbers_to_predict_and_fit_the_output():
    shares = DRAW.dirichlet(np.ones(4), 40)
    found = fitted(shares, "categorical_crossentropy", 4)
    assert not [note for note in found.notes if " goes from " in note]
    assert found.said[-1] == "The labels of arrays stay as they are, for the model's own loss."
    with pytest.raises(DataError, match=r"\(32, 4\) and the output of .* \(None, 3\)"):
        fitted(shares, "categorical_crossentropy", 3)


def test_steps_with_a_loss_of_their_own_get_labels_as_they_are():
    found = with_labels_for(from_arrays(X, X), network(3, Stepping), None)
    assert found.task == "own"


@pytest.mark.parametrize(
    "labels", [TWO, FOUR + 1, X[:, 0], X[:, :1]], ids=["two", "four", "n", "n1"]
)
def test_labels_of_an_output_without_units_keep_their_shape(labels):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.ops.squeeze(layers.Dense(1)(inputs), -1))
    model.compile(loss="mse", metrics=["mae"])
    found = with_labels_for(from_arrays(X, labels, X, labels), model, "mse")
    how = {"verbose": 0, "return_dict": True}
    expected = model.evaluate(X, labels, **how)
    assert model.evaluate(found.x_train, found.y_train, **how) == pytest.approx(expected, rel=1e-6)
    assert found.y_val.shape == labels.shape


def test_inputs_take_the_structure_of_the_model():
    a, b = keras.Input((3,), name="a"), keras.Input((1,), name="b")
    model = keras.Model({"a": a, "b": b}, layers.Dense(1)(layers.concatenate([a, b])))
    data = from_arrays({"b": TWO, "a": X, "unused": X}, TWO)
    found = with_inputs_of(data, model)
    assert found.x_train.keys() == {"a", "b"}
    with pytest.raises(
        DataError, match=r"the inputs are 1 .*takes 2: a \(None, 3\), b \(None, 1\)"
    ):
        with_inputs_of(from_arrays(X, TWO), model)


class Squared(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return (y_pred[..., 0] - y_true) ** 2


def error(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred[..., 0]), axis=-1)


FORMS = {
    "two numbers": (TWO, 1),
    "a column of two": (TWO[:, None], 1),
    "three and five": (TWO * 2 + 3, 1),
    "classes in a column": (FOUR[:, None], 4),
    "bytes": (FOUR.astype("u1"), 4),
    "a quantity": (X[:, 0].astype("f4"), 1),
    "counts": (FOUR * FOUR + 1, 1),
    "truth": (TWO > 0, 1),
    "a column of truth": (TWO[:, None] > 0, 1),
    "bytes in rows": (np.stack([FOUR, TWO], 1).astype("u1"), 2),
    "truth in rows": (np.stack([FOUR > 1, TWO > 0], 1), 2),
    "rows with a single 1": (np.eye(4, dtype=bool)[FOUR], 4),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seen_by", ["loss", "metric", "weighted metric", "steps"])
def test_code_of_the_users_own_sees_labels_as_they_were_given(seen_by, form):
    labels, units = FORMS[form]
    model = network(units, Stepping if seen_by == "steps" else keras.Model)
    usual = "sparse_categorical_crossentropy" if labels.shape[1:] in ((), (1,)) else "mse"
    usual = "mse" if units == 1 else usual
    model.compile(
        loss=Squared() if seen_by == "loss" else usual,
        metrics=[error] if seen_by == "metric" else None,
        weighted_metrics=[error] if seen_by == "weighted metric" else None,
    )
    found = with_labels_for(from_arrays(X, labels, X, labels), model, model.loss)
    assert found.y_train.dtype == labels.dtype
    np.testing.assert_array_equal(found.y_train, labels)
    np.testing.assert_array_equal(found.y_val, labels)


def test_the_loss_of_the_mean_is_that_of_labels_as_they_were_given():
    model, labels = network(1), X[:, 0].astype("f4")
    model.compile(loss=Squared())
    data = with_labels_for(from_arrays(X, labels, X, labels[::-1]), model, model.loss)
    loss = TrainingLoss(None, compiled_of(model), data, standardised=False)
    assert loss.of_predicting_the_mean == pytest.approx(np.var(labels.astype("f8")), rel=1e-5)


def test_a_loss_class_of_the_users_own_is_trusted_with_classes():
    model = network(4)
    model.compile(loss=Squared())
    data = with_labels_for(from_arrays(X, FOUR), model, model.loss)
    assert isinstance(TrainingLoss(None, compiled_of(model), data, standardised=False).of(model), Squared)  # fmt: skip
