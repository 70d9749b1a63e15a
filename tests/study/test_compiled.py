"""Given settings win, then the compiled model's, then the defaults."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from normwise import Study
from normwise.data.circles import circles
from normwise.errors import ModelError, UnknownNameError
from normwise.models.compiled import compiled_of
from normwise.models.compiling import Recipe
from normwise.models.training_optimizer import learning_rate_of
from normwise.spec import Spec
from normwise.study.inputs import arrived, as_dataset

SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.25, 10, 0.9)


def network():
    return keras.Sequential(
        [keras.Input((2,)), layers.Dense(4, activation="relu"), layers.Dense(1, "sigmoid")]
    )


def compiled(**changes):
    model = network()
    settings = {
        "optimizer": keras.optimizers.Adam(SCHEDULE, beta_1=0.8, clipnorm=2.0),
        "loss": keras.losses.BinaryCrossentropy(label_smoothing=0.1),
        "loss_weights": 0.5,
        "metrics": [keras.metrics.AUC(name="auc")],
        "weighted_metrics": ["mae"],
    }
    model.compile(**settings | changes)
    return model


def recipe(model, weights=None, **given):
    spec = Spec.make({"model": "m", "data": "d", **given})
    return Recipe(spec, replace(circles(), weights=(weights, None)), compiled_of(model))


def test_nothing_given_and_nothing_compiled_is_the_default():
    plain = network()
    model = recipe(plain).compile(network())
    assert type(model.optimizer) is keras.optimizers.SGD
    assert learning_rate_of(model) == 0.01
    assert recipe(plain).fingerprint == ""
    assert recipe(plain).metrics(network()) == ["val_accuracy", "val_loss", "accuracy", "loss"]


def test_metrics_without_a_name_are_the_same_in_each_model_of_a_process():
    def names():
        model = network()
        weighted = [keras.metrics.AUC(curve="PR")]
        model.compile("sgd", "mse", metrics=[keras.metrics.AUC()], weighted_metrics=weighted)
        return recipe(model).metrics(network())

    assert names() == names()
    assert {"val_auc", "val_auc_1"} < set(names())


def test_what_the_model_was_compiled_with_counts():
    user = compiled()
    ours = recipe(user)
    model = ours.compile(network())
    assert model.optimizer is not user.optimizer
    wanted, got = user.optimizer.get_config(), model.optimizer.get_config()
    assert got == wanted
    assert learning_rate_of(model) == 0.25
    assert model.loss.get_config() == user.loss.get_config()
    assert model._compile_loss._user_loss_weights == 0.5
    names = ["accuracy", "auc", "mae", "loss"]
    assert ours.metrics(model) == [f"val_{name}" for name in names] + names
    assert model.metrics[1].metrics[1] is not user.metrics[1].metrics
    assert ours.settings(model) == {
        "optimizer": "Adam clipnorm=2, beta_1=0.8 (the model's own)",
        "learning_rate": "0.25, then ExponentialDecay (the model's own)",
        "loss": "binary_crossentropy (the model's own)",
    }


def test_what_is_given_wins_each_for_itself():
    model = recipe(compiled(), learning_rate=0.5).compile(network())
    assert type(model.optimizer) is keras.optimizers.Adam
    assert (model.optimizer.beta_1, learning_rate_of(model)) == (0.8, 0.5)
    model = recipe(compiled(), optimizer="sgd:momentum=0.9").compile(network())
    assert model.optimizer.momentum == 0.9
    assert model.optimizer._learning_rate is SCHEDULE
    given = recipe(compiled(), loss="mean_squared_error")
    model = given.compile(network())
    assert model._compile_loss._user_loss_weights is None
    assert isinstance(model.loss, keras.losses.MeanSquaredError) or callable(model.loss)
    assert "loss" not in given.settings(model)


def test_other_parts_and_other_weights_are_another_study():
    ones = np.ones(500, "float32")
    found = [
        recipe(compiled()),
        recipe(compiled(loss="mse")),
        recipe(compiled(loss_weights=0.25)),
        recipe(compiled(metrics=["accuracy"])),
        recipe(compiled(optimizer=keras.optimizers.Adam(SCHEDULE, beta_1=0.7))),
        recipe(compiled(), ones),
        recipe(compiled(), 2 * ones),
        recipe(network(), ones),
    ]
    assert len({item.fingerprint for item in found}) == len(found)
    # Keras counts up the names of optimisers and metrics; they are the same study.
    assert recipe(compiled()).fingerprint == found[0].fingerprint


def test_logits_are_judged_at_zero():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    recipe(model).compile(model)
    x, y = circles().x_val, circles().y_val
    scores = model.evaluate(x, y, verbose=0, return_dict=True)
    assert scores["accuracy"] == pytest.approx(np.mean((np.array(model(x)) > 0) == y), abs=1e-6)


def test_sample_weights_follow_their_examples_through_the_split():
    x = np.arange(50.0)[:, None]
    y = np.arange(50) % 2
    spec = Spec.make({"model": "m", "data": "d"})
    dataset = as_dataset(arrived((x, y)), spec, x[:, 0])
    np.testing.assert_array_equal(dataset.weights[0], dataset.x_train[:, 0])
    both = as_dataset(arrived(((x, y), (x[:4], y[:4], [1, 2, 3, 4]))), spec, x[:, 0])
    np.testing.assert_array_equal(both.weights[0], x[:, 0])
    np.testing.assert_array_equal(both.weights[1], [1, 2, 3, 4])


def test_a_compiled_file_is_studied_as_it_was_compiled(tmp_path):
    compiled().save(tmp_path / "mine.keras")
    settings = {"variants": ["none"], "seeds": 2, "epochs": 2, "target": "val_auc>=0.1"}
    weight = {"class_weight": {1: 3.0}}
    study = Study(str(tmp_path / "mine.keras"), "circles", **settings, **weight)
    result = study.run(tmp_path / "out")
    assert result.answer.solo_check.first_epoch_difference < 1e-5
    record = result.records[0]
    assert record.learning_rate == 0.25
    assert {"auc", "val_auc", "mae", "val_mae", "accuracy", "loss"} <= set(record.curves)
    # The higher value of the target's metric is the better one.
    best = max(record.curves["val_auc"][-1] for record in result.records)
    scores = result.best_model().evaluate(
        circles().x_val, circles().y_val, verbose=0, return_dict=True
    )
    assert scores["auc"] == pytest.approx(best, abs=1e-5)
    with pytest.raises(UnknownNameError, match=r"target metric 'val_acu'.* mean 'val_auc'"):
        Study(str(tmp_path / "mine.keras"), "circles", target="val_acu>=1").run()


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """Without a configuration, which only saving needs."""

    def __init__(self, steps):
        self.steps = steps

    def __call__(self, step):
        return 0.5 ** (keras.ops.cast(step, "float32") / self.steps)


def flat_network():
    """Of one start: its weights are no draws."""
    dense = layers.Dense(1, "sigmoid", kernel_initializer=keras.initializers.Constant(0.25))
    model = keras.Sequential([keras.Input((2,)), dense])
    model.compile(keras.optimizers.SGD(Halving(2), momentum=0.5), "binary_crossentropy")
    return model


def test_a_schedule_without_a_configuration_trains_as_in_fit(tmp_path, caplog):
    data = circles()
    train, val = (data.x_train, data.y_train), (data.x_val, data.y_val)
    options = {"variants": ["none"], "seeds": 1, "epochs": 4, "batch_size": len(data.x_train)}
    ours = Study(flat_network, (train, val), **options).run(tmp_path)
    theirs = flat_network().fit(
        *train, validation_data=val, epochs=4, batch_size=len(data.x_train), verbose=0
    )
    losses = ours.curves.sort_values("epoch")["val_loss"]
    np.testing.assert_allclose(losses[-4:], theirs.history["val_loss"], rtol=1e-6)
    assert "1, then Halving (the model's own)" in str(ours.page.section("Environment").facts)
    assert "best.keras is written uncompiled: what the model was compiled with" in caplog.text
    best, file = ours.best_model(), keras.saving.load_model(tmp_path / "best.keras")
    assert best.compiled
    assert not file.compiled
    np.testing.assert_array_equal(file(val[0]), best(val[0]))


class Boosted(keras.optimizers.SGD):
    def __init__(self, learning_rate=0.1, boost=1.0, **options):
        super().__init__(learning_rate, **options)
        self._boost = boost

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(self._boost * gradient, variable, learning_rate)


class Within(keras.metrics.MeanMetricWrapper):
    def __init__(self, limit=0.5, name="within", **options):
        super().__init__(lambda y, p: keras.ops.abs(y - p) < limit, name, **options)
        self.limit = limit

    def get_config(self):
        return {"name": self.name}


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"optimizer": Boosted(boost=5.0)}, "boost=5.0 of Boosted"),
        ({"metrics": [Within(0.2)]}, "limit=0.2 of Within"),
    ],
)
def test_what_forgets_an_argument_is_refused(changes, lost):
    with pytest.raises(ModelError, match=rf"\({lost} is not in it\); expected get_config"):
        recipe(compiled(**changes)).compile(network())


def test_metrics_in_the_place_of_the_losses_weights_are_named():
    model = network()
    model.compile("sgd", "mse", ["mae"])
    with pytest.raises(ModelError, match=r"with loss_weights \['mae'\]; .*metrics=\['mae'\]"):
        compiled_of(model)


def test_what_is_as_by_default_may_be_left_out():
    changes = {"optimizer": Boosted(0.2), "metrics": [Within()]}
    assert recipe(compiled(**changes)).compile(network()).optimizer.learning_rate == 0.2


def test_an_accuracy_that_counts_weights_is_the_models_accuracy():
    user = compiled(metrics=[], weighted_metrics=["accuracy"])
    model = recipe(user).compile(network())
    x, y = circles().x_train[:8], circles().y_train[:8]
    wanted, got = (
        one.evaluate(x, y, sample_weight=np.arange(8), return_dict=True, verbose=0)
        for one in (user, model)
    )
    assert wanted.keys() == got.keys() == {"loss", "accuracy"}
