"""What cannot be honoured is refused by name."""

import re

import keras
import numpy as np
import pytest
from keras import layers

from normwise import Study
from normwise.data import from_arrays
from normwise.errors import ModelError, NotStacked, SpecError, UnknownNameError
from normwise.models.compiled import compiled_of
from normwise.models.compiling import Recipe
from normwise.models.optimizers import clone_optimizer
from normwise.models.unsupported import check_stackable, check_trainable
from normwise.spec import Spec
from normwise.study.weights import class_weights, sample_weights


def plain(**options):
    return keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(3, **options),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="mine",
    )


@pytest.fixture(scope="module")
def data():
    draw = np.random.default_rng(0)
    return from_arrays(draw.normal(size=(50, 2)), np.arange(50) % 2)


def test_a_plain_model_is_trainable():
    check_trainable(plain())


@pytest.mark.parametrize("name", ["compile", "fit", "evaluate"])
def test_a_training_of_its_own_is_refused(name):
    kind = type("Mine", (keras.Model,), {name: lambda *_: None})
    inputs = keras.Input((2,))
    model = kind(inputs, layers.Dense(1)(inputs), name="mine")
    wanted = rf"'mine' of type Mine has its own {name}\(\).*; expected Keras' own; try a train_step"
    with pytest.raises(ModelError, match=wanted):
        check_trainable(model)


@pytest.mark.parametrize("wrap", [lambda layer: layer, layers.Bidirectional])
def test_a_stateful_layer_is_not_stacked(wrap):
    layer = wrap(layers.LSTM(2, stateful=True))
    model = keras.Sequential([keras.Input((3, 2), batch_size=4), layer, layers.Dense(1)])
    said = rf"{layer.name!r} is stateful.*does not carry over.*expected stateful=False"
    check_trainable(model)
    with pytest.raises(NotStacked, match=said):
        check_stackable(model)


def excluding(**which):
    optimizer = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(**which)
    return optimizer


def test_weights_excluded_from_decay_by_name_stay_excluded():
    model = plain()
    model.compile(excluding(var_names=["bias", "gamma"]), "binary_crossentropy")
    optimizer = clone_optimizer(compiled_of(model).optimizer)
    optimizer.build(model.trainable_variables)
    decays = [optimizer._use_weight_decay(variable) for variable in model.trainable_variables]
    assert decays == [True, False, True, False]


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (
            lambda: excluding(var_list=[keras.Variable(1.0)]),
            "excluded from weight decay.*var_names",
        ),
        (
            lambda: keras.optimizers.SGD(lambda: 0.1),
            "Python function for its learning.*CosineDecay",
        ),
    ],
    ids=["excluded", "function"],
)
def test_an_optimiser_that_cannot_be_honoured_is_refused(optimizer, message):
    model = plain()
    model.compile(optimizer(), "binary_crossentropy")
    with pytest.raises(ModelError, match=f"'mine' was compiled with has .*{message}"):
        compiled_of(model)


def test_several_losses_are_refused():
    model = plain()
    model.compile("sgd", ["mse", "mae"])
    with pytest.raises(ModelError, match="compiled with 2 losses; expected one"):
        compiled_of(model)


def of_rows(labels, outputs):
    return keras.ops.matmul(labels, keras.ops.ones((7, 1))) - outputs


def test_a_metric_that_cannot_be_computed_is_refused(data):
    model = plain()
    model.compile("sgd", "binary_crossentropy", metrics=[of_rows])
    recipe = Recipe(Spec.make({"model": "m", "data": "d"}), data, compiled_of(model))
    wanted = r"metric 'of_rows' .* cannot be computed for labels of shape \(1, 1\) and outputs"
    with pytest.raises(ModelError, match=wanted):
        recipe.metrics(model)


def test_a_loss_that_does_not_fit_the_labels_is_refused(data):
    model = plain()
    model.compile("sgd", keras.losses.CategoricalCrossentropy())
    recipe = Recipe(Spec.make({"model": "m", "data": "d"}), data, compiled_of(model))
    wanted = r"'CategoricalCrossentropy' does not fit .*; try --loss binary_crossentropy"
    with pytest.raises(SpecError, match=wanted):
        recipe.compile(model)


@pytest.mark.parametrize("name", ["validation_split", "validation_data", "shuffle"])
def test_arguments_of_fit_are_refused(name):
    with pytest.raises(SpecError, match=f"'{name}' was given, an argument of Keras' fit .*; try "):
        Study(plain(), "circles", **{name: [1]})


def test_class_weights_are_those_of_keras(data):
    weights = class_weights({"0": 0.5, "1": 3.0}, data)
    np.testing.assert_array_equal(weights, np.where(data.y_train[:, 0] == 1, 3.0, 0.5))
    np.testing.assert_array_equal(class_weights({"1": 3.0}, data), np.maximum(1, 2 * weights - 3))


def test_class_weights_of_shares_are_those_of_the_largest_one_as_in_keras():
    from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

    shares = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    data = from_arrays(np.zeros((20, 1)), shares, np.zeros((9, 1)), shares[:9])
    wanted = class_weight_to_sample_weights(shares, {0: 0.5, 2: 3.0})
    np.testing.assert_array_equal(class_weights({"0": 0.5, "2": 3.0}, data), wanted)
    numbers = from_arrays(np.zeros((20, 1)), shares + 1, np.zeros((9, 1)), shares[:9] + 1)
    with pytest.raises(SpecError, match="numbers to predict; expected classes"):
        class_weights({"0": 0.5}, numbers)


def test_a_class_goes_by_its_name(data):
    named = data.__class__(**{f: getattr(data, f) for f in ("name", "x_train", "y_train", "x_val", "y_val", "task")}, class_names=("stays", "leaves"))  # fmt: skip
    assert class_weights({"leaves": 4}, named).max() == 4
    with pytest.raises(UnknownNameError, match=r"class in class_weight 'leave'; .*'leaves'\?"):
        class_weights({"leave": 4}, named)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 2], r"shape \(2,\); expected 3 finite"),
        ([[1, 2, 3]], r"shape \(1, 3\)"),
        ([1, -2, 3], "holds -2 in row 1"),
        ([1, 2, np.nan], "holds nan in row 2"),
        (["a", "b", "c"], "no array of numbers"),
        ([[1], [2, 3], 4], "no array of numbers"),
    ],
)
def test_sample_weights_that_are_none_are_refused(weight, message):
    with pytest.raises(SpecError, match=f"sample_weight .*{message}.*; try sample_weight=numpy"):
        sample_weights(weight, 3)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"0": -1},
            r"setting 'class_weight' is -1; expected greater than or equal to 0; try class_w",
        ),
        ({}, "setting 'class_weight' is {}; expected"),
        ("balanced", "setting 'class_weight' is 'balanced'; expected a valid dict"),
        ({0: True}, "setting 'class_weight' is True; expected a number"),
    ],
)
def test_a_wrong_class_weight_says_what_to_type(value, message):
    with pytest.raises(SpecError, match=message):
        Spec.make({"model": "m", "data": "d", "class_weight": value})


def test_weights_that_leave_no_loss_are_refused(data):
    with pytest.raises(
        SpecError, match=r"class_weight gives every .* weight 0.*; leave class_weig"
    ):
        class_weights({"0": 0.0, "1": 0.0}, data)
    with pytest.raises(SpecError, match="sample_weight gives every training example the weight 0"):
        sample_weights(np.zeros(3), 3)
    assert class_weights({"0": 0.0}, data).any()


def test_class_weights_of_a_regression_are_refused():
    numbers = from_arrays(np.arange(20.0)[:, None], np.arange(20) / 7)
    with pytest.raises(SpecError, match="numbers to predict; expected classes"):
        class_weights({"0": 1.0}, numbers)


def test_both_kinds_of_weights_are_refused(data):
    study = Study(plain(), data, class_weight={0: 2.0}, sample_weight=np.ones(40))
    with pytest.raises(SpecError, match="both given"):
        study.run()


class OfTensorFlow(keras.Model):
    def train_step(self, data):  # noqa: ARG002 (as TensorFlow calls it)
        return {}


def test_a_step_for_another_backend_is_refused_by_name():
    inputs = keras.Input((2,))
    with pytest.raises(
        ModelError, match=r"OfTensorFlow has a train_step\(\) that takes the data al"
    ):
        check_trainable(OfTensorFlow(inputs, layers.Dense(1)(inputs)))


class CountingCalls(layers.Layer):
    """Counts its calls, those of an evaluation, too."""

    def build(self, _):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return inputs * (1 + 1e-3 * self.calls)


def test_a_layer_that_changes_in_evaluation_is_not_stacked(data):
    hidden = [layers.Dense(3), CountingCalls(name="always"), layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential([keras.Input((2,)), *hidden])
    with pytest.raises(NotStacked, match=r"layer .*always.* changes its state .* in evaluation"):
        Study(model, data, variants=["none"], seeds=1, epochs=1, engine="stacked").run()


def test_dropout_called_in_training_mode_does_what_fit_does(data):
    inputs = keras.Input((2,))
    hidden = layers.Dropout(0.5)(layers.Dense(3)(inputs), training=True)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(hidden))
    result = Study(model, data, variants=["none"], seeds=2, epochs=3).run()
    assert result.answer.solo_check.max_relative_difference < 1e-4


def test_a_study_that_needs_eager_execution_is_refused(data):
    def branching(labels, outputs):
        return (labels - outputs) ** 2 if float(outputs[0, 0]) > 0 else labels - outputs

    model = plain()
    model.compile("sgd", branching, run_eagerly=True)
    with pytest.raises(ModelError, match=re.escape("expected layers, a loss and metrics that")):
        Study(model, data, variants=["none"], seeds=1, epochs=1).run()
