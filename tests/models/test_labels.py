"""Labels as a compiled loss takes them, worked by hand."""

import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.errors import DataError
from normwise.models.fit_data import given_to
from normwise.models.labels import UnknownClassesError, labels_for
from normwise.models.loss_comparison import labelled_part, losses_of

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
    if names is not None:  # class numbers, or what a share is compared with
        assert found.dtype == ("int32" if model[1] == SPARSE else "float32")
    said = f"Labels became the numbers of their classes, in order: {names}."
    assert notes == ([] if names is None else [said])


STEPS = np.arange(60).reshape(10, 6)


@pytest.mark.parametrize(
    ("outputs", "loss", "labels", "expected"),
    [
        (3, SPARSE, np.array([1, 2, 3])[STEPS % 3], STEPS % 3),
        (3, SPARSE, np.array(["a", "b", "c"])[STEPS % 3], STEPS % 3),
        (5, SPARSE, STEPS % 4, STEPS % 4),
        (1, BINARY, np.array(["no", "yes"])[STEPS % 2], STEPS % 2),
        (1, BINARY, np.array([0, 255])[STEPS % 2], STEPS % 2),
    ],
)
def test_labels_of_each_step_stay_in_their_shape(outputs, loss, labels, expected):
    model = keras.Sequential([keras.Input((6, 4)), layers.Dense(outputs)])
    model.compile(loss=loss)
    [found], _ = labels_for(model, [labels])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (keras.losses.SparseCategoricalCrossentropy(), CODES),
        (keras.losses.sparse_categorical_crossentropy, CODES),
        (keras.losses.MeanSquaredError(), CODES + 2),
        (lambda y, _: keras.ops.cast(y, "float32"), CODES + 2),
    ],
)
def test_a_loss_may_be_an_object_or_a_function(loss, expected):
    [found], _ = labels_for(classifier(3, loss), [CODES + 2])
    np.testing.assert_array_equal(found, expected)


def test_without_a_loss_they_stay_what_they_are():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    assert labels_for(model, [CODES + 2])[0][0].tolist() == (CODES + 2).tolist()


def test_of_several_outputs_they_stay_what_they_are():
    several = {"kind": np.array(["a", "b"]), "size": np.ones(2)}
    assert labels_for(classifier(3, SPARSE), [several]) == ([several], [])


def test_of_one_array_for_two_outputs_classes_are_not_guessed():
    x = keras.Input((4,))
    model = keras.Model(x, [layers.Dense(3)(x), layers.Dense(3)(x)])
    for losses in (SPARSE, [SPARSE, SPARSE]):
        model.compile(loss=losses)
        with pytest.raises(UnknownClassesError, match="which has not one output"):
            labels_for(model, [LETTERS[CODES]])
    model.compile(loss=[BINARY, "mse"])  # which loss is that of numbers is not known either
    [found], notes = labels_for(model, [CODES // 2 + 1])
    np.testing.assert_array_equal(found, CODES // 2 + 1)
    assert notes == []


def test_one_that_training_has_not_is_named():
    labels = [np.array(["a", "b", "a"]), np.array(["b", "c"])]
    with pytest.raises(DataError, match="holds the label 'c', which the training part does not"):
        labels_for(classifier(3, SPARSE), labels)


def pixel_classes(outputs, loss):
    model = keras.Sequential([keras.Input((2, 2, 1)), layers.Conv2D(outputs, 1)])
    model.compile(loss=loss)
    return model


@pytest.mark.parametrize(
    ("made", "labels"),
    [
        ((classifier, 3, SPARSE), CODES % 2 * 2),  # 0 and 2 of 0, 1, 2
        ((classifier, 3, SPARSE), CODES % 2 + 1),
        ((classifier, 3, [SPARSE]), np.full(50, 2)),
        ((classifier, 3, SPARSE), (CODES % 2 + 1).astype("float32")[:, None]),
        ((classifier, 1, BINARY), np.ones(50)),
        ((classifier, 1, "binary_focal_crossentropy"), np.zeros(50)),
        ((pixel_classes, 3, SPARSE), np.arange(200).reshape(50, 2, 2) % 2 + 1),
        ((pixel_classes, 1, BINARY), np.arange(200).reshape(50, 2, 2, 1)),  # of `fit`'s own
        (
            (classifier, 3, keras.losses.SparseCategoricalCrossentropy(ignore_class=255)),
            np.where(CODES == 1, 255, CODES),
        ),
    ],
)
def test_numbers_of_a_part_of_the_classes_stay(made, labels):
    build, *options = made
    [found], notes = labels_for(build(*options), [labels])
    np.testing.assert_array_equal(found, labels)
    assert notes == []


def test_labels_of_pixels_keep_their_shape_and_what_a_loss_ignores():
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=255)
    labels = np.arange(200).reshape(50, 2, 2) % 4  # 0 to 3
    marked = np.where(labels == 0, 255, labels)
    [found], _ = labels_for(pixel_classes(3, loss), [marked])
    np.testing.assert_array_equal(found, np.where(labels == 0, 255, labels - 1))


def test_channels_in_front_are_the_classes():
    model = keras.Sequential([keras.Input((3, 2, 2)), layers.Identity()])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(axis=1))
    labels = np.arange(200).reshape(50, 2, 2) % 3
    assert labels_for(model, [labels]) == ([labels], [])


class Subclassed(keras.Model):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, x):
        return self.layer(x)


def subclassed(outputs, loss):
    model = Subclassed(layers.Dense(outputs))
    model.compile(loss=loss)
    return model


LETTERS = np.array(["a", "b", "c"])


@pytest.mark.parametrize("build", [classifier, subclassed])
@pytest.mark.parametrize(
    ("outputs", "loss", "labels", "classes"),
    [
        (3, SPARSE, LETTERS[CODES % 2], 3),
        (5, SPARSE, LETTERS[CODES], 5),
        (3, "mse", LETTERS[CODES % 2], 3),
        (3, SPARSE, CODES % 2 + 2, 3),  # 2 and 3 of 1, 2, 3, or of 2, 3, 4
        (3, SPARSE, CODES % 2 * -1, 3),
        (3, SPARSE, np.arange(50) % 4, 3),
        (3, SPARSE, CODES % 2 / 2, 3),
        (1, BINARY, LETTERS[CODES], 2),
        (1, BINARY, LETTERS[CODES * 0], 2),
        (1, BINARY, CODES * 0 + 2, 2),
        (1, BINARY, CODES, 2),
    ],
)
def test_classes_that_cannot_be_known_are_not_guessed(build, outputs, loss, labels, classes):
    x = np.zeros((50, 4), "float32")
    message = f"tells {classes} classes apart, so which .* numbers from 0 to {classes - 1};"
    with pytest.raises(UnknownClassesError, match=message):
        labels_for(build(outputs, loss), [labels], x)


def test_a_model_without_a_graph_takes_texts_of_all_its_classes():
    [found], notes = labels_for(subclassed(3, SPARSE), [LETTERS[CODES]], np.zeros((50, 4)))
    np.testing.assert_array_equal(found, CODES)
    assert notes


def test_looking_at_what_it_gives_takes_one_example_and_moves_nothing_in_it():
    model = Subclassed(counting := Counting())
    model.compile(loss=SPARSE)
    model(np.zeros((1, 3)))
    counting.shapes.clear()
    labels_for(model, [CODES], np.zeros((50, 3)))
    assert int(counting.calls) == 1
    assert counting.shapes == [(1, 3)]


class Counting(layers.Layer):
    def build(self, _shape):
        self.calls = self.add_weight(shape=(), trainable=False, initializer="zeros")
        self.shapes = []

    def call(self, x):
        self.calls.assign_add(1)
        self.shapes.append(x.shape)
        return x


class Auxiliary(keras.Model):
    """Gives a second output while it is trained, and wherever it is not told otherwise."""

    def __init__(self):
        super().__init__()
        self.main, self.other = layers.Dense(3), layers.Dense(1)

    def call(self, x, *, training=True):
        return [self.main(x), self.other(x)] if training else self.main(x)


def test_what_a_model_gives_in_inference_is_what_tells_classes_apart():
    model = Auxiliary()
    model(np.zeros((1, 4)))
    model.compile(loss=SPARSE)
    [found], _ = labels_for(model, [LETTERS[CODES]], np.zeros((50, 4)))
    np.testing.assert_array_equal(found, CODES)


def of_two_classes_in_three():
    """A model that tells three corners apart, and examples of the last two of them."""
    draw = np.random.default_rng(1)
    codes = draw.integers(1, 3, 120)
    x = (np.eye(3)[codes] + 0.1 * draw.normal(size=(120, 3))).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.BatchNormalization(name="norm"),
            layers.Dense(
                3,
                activation="softmax",
                kernel_initializer=keras.initializers.Constant(20 * np.eye(3)),
            ),
        ]
    )
    model.compile(loss=SPARSE)
    return model, x, codes


def test_the_loss_of_a_part_of_the_classes_is_the_one_that_keras_gives():
    model, x, codes = of_two_classes_in_three()
    wanted = model.evaluate(x, codes, verbose=0)
    labelled = labelled_part(model, given_to(model, (x, codes)))
    assert losses_of(model, labelled).values["loss"] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("has_graph", [True, False])
def test_the_loss_of_texts_is_that_of_their_numbers_over_the_validation_part(has_graph):
    graph, x, codes = of_two_classes_in_three()
    model = graph if has_graph else Subclassed(graph)
    model.compile(loss=SPARSE)
    codes[0], held_out = 0, slice(40, 60)
    weights = np.linspace(0, 2, 20)
    wanted = model.evaluate(x[held_out], codes[held_out], sample_weight=weights, verbose=0)
    validation = x[held_out], LETTERS[codes[held_out]], weights
    labelled = labelled_part(model, given_to(model, ((x, LETTERS[codes]), validation)))
    assert labelled.name == "validation"
    assert losses_of(model, labelled).values["loss"] == pytest.approx(wanted, rel=1e-6)


def test_where_classes_cannot_be_known_no_loss_is_compared_and_that_is_said(caplog):
    model, x, codes = of_two_classes_in_three()
    data = x, LETTERS[codes]
    nw.recalibrate(model, data)
    np.testing.assert_allclose(model.get_layer("norm").moving_mean, x.mean(axis=0), rtol=1e-5)
    [said] = [record.message for record in caplog.records]
    assert said.startswith("No loss before and after is compared: the labels are b, c, and model")
    with pytest.raises(DataError, match="the labels are b, c, and model"):
        nw.gap(model, data)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_what_labels_became_is_said(caplog):
    model, x, codes = of_two_classes_in_three()
    codes[0] = 0
    nw.recalibrate(model, (x, LETTERS[codes]), force=True)
    assert not caplog.records
    nw.fix(model, (x, LETTERS[codes]))
    assert [record.message for record in caplog.records] == [
        "Labels became the numbers of their classes, in order: a, b, c."
    ]
