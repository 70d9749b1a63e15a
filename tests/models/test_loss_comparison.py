"""What a model is judged by where its statistics change, and what no loss can be taken of."""

import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.errors import DataError, WorseError
from normwise.models.loss_comparison import Labelled, Losses, losses_of, risen_loss

X = np.random.default_rng(0).normal(3.0, 2.0, (64, 1)).astype("float32")


def normalised():
    """A model whose predictions are its inputs, as long as its statistics stay at 0 and 1."""
    inputs = keras.Input((1,))
    norm = layers.BatchNormalization(epsilon=0.0, name="norm")
    return inputs, norm(inputs)


def penalised():
    inputs, x = normalised()
    ones = {"kernel_initializer": "ones", "kernel_regularizer": keras.regularizers.L2(1e4)}
    model = keras.Model(inputs, layers.Dense(1, **ones)(x))
    model.compile(loss="mse")
    return model, X + 0.1


def beside_a_large_loss():
    inputs, x = normalised()
    outputs = {
        "small": layers.Identity(name="small")(x),
        "large": layers.ReLU(name="large")(inputs),
    }
    model = keras.Model(inputs, outputs)
    model.compile(loss={"small": "mse", "large": "mse"})
    return model, {"small": X + 0.1, "large": X + 1e3}


def doubled():
    """A model with the output ``double`` beside its inputs, and a penalty of 3·2²."""
    inputs = keras.Input((1,))
    twos = {"kernel_initializer": keras.initializers.Constant(2.0), "use_bias": False}
    double = layers.Dense(1, name="double", kernel_regularizer=keras.regularizers.L2(3.0), **twos)
    outputs = {"double": double(inputs), "same": layers.Identity(name="same")(inputs)}
    model = keras.Model(inputs, outputs, name="doubled")
    model.compile(loss={"double": "mse", "same": "mae"})
    return model


@pytest.mark.parametrize("weights", [(), (np.linspace(0, 2, 64),)], ids=["plain", "weighted"])
def test_losses_are_of_each_output_weighted_as_the_examples_and_without_penalties(weights, capsys):
    y, each = {"double": X, "same": X + 1}, [{"double": w, "same": w**2} for w in weights]
    found = losses_of(doubled(), Labelled("training", (X, y, *each)))
    (w,) = weights or (np.ones(64),)
    double, same = np.mean(w[:, None] * X.astype(float) ** 2), np.mean(w**2)
    wanted = {"loss": double + same, "double_loss": double, "same_loss": same}
    assert found.values == pytest.approx(wanted, rel=1e-5)
    assert found.penalties == 12.0
    assert capsys.readouterr().out == ""


def test_a_loss_may_come_from_layers_alone():
    model = keras.Sequential([keras.Input((1,)), layers.ActivityRegularization(l2=0.5)])
    model.compile()
    found = losses_of(model, Labelled("training", (X, X)))
    assert found.values == pytest.approx({"loss": model.evaluate(X, verbose=0)})
    assert found.penalties == 0.0


def test_labels_that_the_loss_does_not_take_are_said_to_be_so():
    message = "do not fit the loss or a metric of model 'doubled' .*; expected what it was trained"
    with pytest.raises(DataError, match=message):
        losses_of(doubled(), Labelled("training", (X, {"other": X})))


def test_over_a_validation_part_without_labels_no_loss_is_compared():
    inputs, x = normalised()
    model = keras.Model(inputs, x)
    model.compile(loss="mse")  # which would rise: the labels are the inputs
    nw.recalibrate(model, (X, X, X[:9], None))
    norm = model.get_layer("norm")
    np.testing.assert_allclose(norm.moving_mean, X.mean(axis=0), rtol=1e-5)


def test_a_model_without_a_loss_is_said_to_be_so(caplog):
    model = keras.Sequential([keras.Input((1,)), layers.BatchNormalization()], name="net")
    end = "so no loss before and after is compared: model.compile(loss=...)."
    nw.recalibrate(model, (X, X))
    model.compile()
    nw.recalibrate(model, (X, X))
    nw.recalibrate(model, X)
    assert [one for one in caplog.messages if "loss" in one] == [
        f"Model 'net' is not compiled, {end}",
        f"Model 'net' is not compiled with a loss that Keras' evaluate takes here, {end}",
        "The data have no labels, so no loss before and after is compared: pass (x, y).",
    ]


NAN, INF = float("nan"), float("inf")
SAME = {"loss": 90.3, "a": 90.0, "b": 0.3}


@pytest.mark.parametrize(
    ("before", "penalties", "after", "wanted"),
    [
        ({"loss": 0.5}, 0, {"loss": 0.5049}, None),
        ({"loss": 0.5}, 0, {"loss": 0.5051}, "loss"),
        ({"loss": -1.0}, 0, {"loss": -0.9901}, None),
        ({"loss": -1.0}, 0, {"loss": -0.9899}, "loss"),
        ({"loss": 0.0}, 0, {"loss": 1e-10}, None),  # rounding
        ({"loss": 0.0}, 0, {"loss": 2e-10}, "loss"),
        ({"loss": 0.5}, 1e6, {"loss": 1.4}, None),  # of what is taken off
        ({"loss": 0.5}, -1e6, {"loss": 1.4}, None),
        ({"loss": 0.5}, 1e6, {"loss": 1.6}, "loss"),
        ({"loss": 0.5}, 0, {"loss": NAN}, "loss"),
        ({"loss": 0.5}, 0, {"loss": INF}, "loss"),
        ({"loss": NAN}, 0, {"loss": INF}, None),
        ({"loss": INF}, 0, {"loss": NAN}, None),
        (SAME, 0, {"loss": 91.0, "a": 90.0, "b": 1.0}, "b"),
        (SAME, 0, {"loss": 91.0, "a": 90.0, "b": 0.3029}, None),
        (SAME, 0, {"loss": 89.0, "a": 88.0, "b": 1.0}, None),  # the sum fell
        (SAME, 0, {"loss": 92.0, "a": 91.7, "b": 0.3}, "loss"),
    ],
)
def test_a_loss_has_risen_where_it_is_a_hundredth_and_rounding_above(
    before, penalties, after, wanted
):
    assert risen_loss(Losses(before, penalties), Losses(after)) == wanted


@pytest.mark.parametrize("made", [penalised, beside_a_large_loss])
def test_what_is_large_and_stays_does_not_hide_a_loss_that_rises(made):
    model, y = made()
    before = model.evaluate(X, y, verbose=0, return_dict=True)["loss"]
    with pytest.raises(WorseError, match=r"loss 0\.0\d+ before, [1-9]\S* after"):
        nw.recalibrate(model, (X, y))
    assert float(model.get_layer("norm").moving_mean[0]) == 0.0
    nw.recalibrate(model, (X, y), force=True)
    after = model.evaluate(X, y, verbose=0, return_dict=True)["loss"]
    assert before < after < before * 1.01  # of the whole, by Keras, it cannot be seen


def test_of_two_outputs_the_sum_decides_where_it_falls():
    inputs, x = normalised()
    model = keras.Model(inputs, [layers.Identity(name="a")(x), layers.Identity(name="b")(x)])
    model.compile(loss=["mse", "mse"])
    right = (X - X.mean()) / X.std()
    y = [right, 0.6 * right + 0.4 * X]
    before = model.evaluate(X, y, verbose=0, return_dict=True)
    nw.recalibrate(model, (X, y))
    after = model.evaluate(X, y, verbose=0, return_dict=True)
    assert after["loss"] < before["loss"]


@keras.saving.register_keras_serializable("test_losses")
class Adversary(keras.Model):
    """With a ``compile`` of its own, of which a file keeps nothing."""

    def __init__(self, **options):
        super().__init__(**options)
        self.norm = layers.BatchNormalization(name="norm")

    def build(self, shape):
        self.norm.build(shape)
        self.built = True

    def compile(self, judge="adam", loss_fn="mse"):
        super().compile()
        self.judge, self.loss_fn = judge, loss_fn

    def call(self, x, training=None):
        return self.norm(x, training=training)


class ForTensorFlow(keras.Model):
    """With steps that take the data alone, as those of TensorFlow do."""

    def test_step(self, data):
        x, y = data
        return {"loss": keras.ops.mean((self(x, training=False) - y) ** 2)}


def adversary():
    model = Adversary()
    model.build((None, 1))
    model.compile()
    return model


def adversary_of_a_file():
    adversary().save("model.keras")
    return keras.saving.load_model("model.keras")


def for_tensorflow():
    model = ForTensorFlow(*normalised())
    model.compile(loss="mse")
    return model


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:`compile..` was not called as part of model loading")
@pytest.mark.parametrize("made", [adversary, adversary_of_a_file, for_tensorflow])
def test_where_no_loss_can_be_taken_none_is_compared_and_that_is_said(
    made, tmp_path, monkeypatch, caplog
):
    monkeypatch.chdir(tmp_path)
    model = made()
    assert nw.check(model, (X, X))
    assert nw.gap(model, (X, X)).ways == {}
    nw.recalibrate(model, (X, X))
    assert float(model.get_layer("norm").moving_mean[0]) == pytest.approx(X.mean(), rel=1e-5)
    assert "so no loss before and after is compared" in caplog.text
    assert nw.fix(model, (X, X)).left == ()


def overflowing(labels, outputs):
    """Infinite, and so no help, where a label is 0."""
    return keras.ops.mean(((labels - outputs) / labels) ** 2)


def with_loss(loss):
    model = keras.Model(*normalised())
    model.compile(loss=loss)
    return model


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_loss_that_is_no_finite_number_is_not_taken_for_one_that_did_not_rise():
    model, labels = with_loss(overflowing), np.where(np.arange(64)[:, None] == 5, 0, X)
    for change in (nw.recalibrate, nw.fix):
        with pytest.raises(
            WorseError, match=r"loss of model .* is inf before and inf after \(64 ex"
        ):
            change(model, (X, labels))
        assert float(model.get_layer("norm").moving_mean[0]) == 0.0
    nw.recalibrate(model, (X, labels), force=True)
    assert float(model.get_layer("norm").moving_mean[0]) == pytest.approx(X.mean(), rel=1e-5)


def test_of_one_output_of_two_likewise():
    inputs, x = normalised()
    model = keras.Model(inputs, [layers.Identity(name="a")(x), layers.Identity(name="b")(inputs)])
    model.compile(loss=[overflowing, "mse"])
    with pytest.raises(WorseError, match="is inf before and inf after"):
        nw.recalibrate(model, (X, [0 * X, X]))


def test_a_loss_that_becomes_a_finite_number_has_not_risen_and_is_said(caplog):
    model = with_loss("mse")
    model.get_layer("norm").moving_variance.assign([-1.0])
    nw.recalibrate(model, (X, X))
    loss = model.evaluate(X, X, verbose=0)
    said = [one for one in caplog.messages if "loss" in one]
    assert said == [f"The training loss of model {model.name!r} was nan, and is {loss:.4g}."]


def test_weights_that_are_all_0_do_not_switch_the_comparison_off():
    model = with_loss("mse")
    with pytest.raises(DataError, match="are all 0"):
        nw.recalibrate(model, (X, X, np.zeros(64)))
    with pytest.raises(DataError, match="1 NaN or infinite values in the training labels"):
        nw.recalibrate(model, (X, np.where(np.arange(64)[:, None] == 5, np.nan, X)))
    assert float(model.get_layer("norm").moving_mean[0]) == 0.0
