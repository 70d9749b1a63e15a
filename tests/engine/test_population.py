"""Metrics with population statistics against NumPy in float64 and Keras' own layers."""

import jax
import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import Dataset
from normwise.engine import (
    Cohort,
    Fit,
    InitialValues,
    Replica,
    StreamedCohort,
    lower,
    make_program,
    make_streamed_program,
    population,
    population_of,
    replica_mesh,
    sample_error_of,
)
from normwise.layers import BatchNormalization

DRAW = np.random.default_rng(11)
N, HELD, BATCH, EPOCHS = 90, 40, 16, 2
X = DRAW.normal(1.5, 2, size=(N + HELD, 4)).astype("float32")
Y = (X.sum(axis=1, keepdims=True) > 6).astype("float32")


def dataset(x=X, y=Y, cut=N):
    return Dataset("rows", x[:cut], y[:cut], x[cut:], y[cut:], "binary")


def network(*norms, behind=()):
    hidden = [
        layer for norm in norms for layer in (layers.Dense(6, activation="tanh"), *behind, norm)
    ]
    return keras.Sequential([keras.Input((4,)), *hidden, layers.Dense(1, activation="sigmoid")])


def two():
    return network(layers.BatchNormalization(), layers.BatchNormalization(epsilon=0.1))


def compiled(model):
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy"])
    return model


def cohort_of(build, data, *, width=2, asked=True, window=None):
    model = compiled(lower(build()))
    known = population_of(model, data, BATCH) if asked else None
    shared = (InitialValues(model), data, EPOCHS, width, replica_mesh(min(width, 2)))
    if window:
        program = make_streamed_program(model, data, BATCH, known)
        return StreamedCohort(program, *shared, window)
    return Cohort(make_program(model, data, BATCH, known), *shared)


def trained(build, data, **how):
    """The last of the chunk's replicas: its curves, and what it holds in the end."""
    cohort = cohort_of(build, data, **how)
    seeds = [Replica(seed) for seed in range(cohort.width)]
    [chunk] = cohort.run(cohort.compile(cohort.lower()), seeds)
    state = [np.asarray(value[-1]) for value in (*chunk.trainable, *chunk.non_trainable)]
    return {name: values[-1] for name, values in chunk.curves.items()}, state


def holding(model, state):
    """The user's own model with what a replica holds."""
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    for variable, value in zip(variables, state, strict=True):
        variable.assign(value)
    return model


def values_of(model):
    parts = model.trainable_variables, model.non_trainable_variables
    return [[variable.value for variable in part] for part in parts]


def evaluated(model, data):
    return model.evaluate(data.x_val, data.y_val, verbose=0, return_dict=True)


def assert_with_population(curves, metrics, rel=1e-5):
    last = {name: float(curves[f"population_val_{name}"][-1]) for name in metrics}
    assert last == pytest.approx(metrics, rel=rel)


def test_statistics_are_those_of_the_whole_part_layer_by_layer():
    """In float64 and NumPy alone: two layers of normalisation, the second sees the first's."""
    data = dataset()
    curves, state = trained(two, data)
    w1, b1, g1, o1, w2, b2, g2, o2, w3, b3 = (value.astype(float) for value in state[:10])

    def normalised(x, seen, gamma, beta, epsilon):
        return gamma * (x - seen.mean(axis=0)) / np.sqrt(seen.var(axis=0) + epsilon) + beta

    first_seen, first = np.tanh(data.x_train @ w1 + b1), np.tanh(data.x_val @ w1 + b1)
    seen = normalised(first_seen, first_seen, g1, o1, 1e-3)
    held = normalised(first, first_seen, g1, o1, 1e-3)
    second_seen, second = np.tanh(seen @ w2 + b2), np.tanh(held @ w2 + b2)
    p = 1 / (1 + np.exp(-(normalised(second, second_seen, g2, o2, 0.1) @ w3 + b3)))
    loss = -np.mean(data.y_val * np.log(p) + (1 - data.y_val) * np.log(1 - p))
    accuracy = np.mean((p > 0.5) == data.y_val)
    assert_with_population(curves, {"loss": loss, "accuracy": accuracy})
    # And the moving ones do lag.
    assert abs(curves["val_loss"][-1] - loss) > 0.01


def with_statistics_of_keras(model, x):
    """Statistics of ``x`` as one batch, set by Keras' own layers with momentum 0."""
    norms = [one for one in model.layers if isinstance(one, keras.layers.BatchNormalization)]
    kept = [(one, one.momentum) for one in norms]
    for norm in norms:
        norm.momentum = 0.0
    model(x, training=True)
    for norm, momentum in kept:
        norm.momentum = momentum
    return model


def of_pictures():
    return keras.Sequential(
        [
            keras.Input((5, 5, 1)),
            layers.Conv2D(3, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(4, 2),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def of_sequences():
    return keras.Sequential(
        [
            keras.Input((6, 2)),
            layers.Masking(0.0),
            layers.Dense(3),
            layers.BatchNormalization(),
            layers.LSTM(3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def sequences():
    x = DRAW.normal(size=(N + HELD, 6, 2)).astype("float32")
    x[np.arange(6) >= DRAW.integers(2, 7, N + HELD)[:, None]] = 0
    return x


OF_KERAS = {
    "dense": (two, X),
    "pictures": (of_pictures, DRAW.normal(size=(N + HELD, 5, 5, 1)).astype("float32")),
    "masked": (of_sequences, sequences()),
    "beside frozen": (
        lambda: network(layers.BatchNormalization(trainable=False), layers.BatchNormalization()),
        X,
    ),
}


@pytest.mark.parametrize("kind", OF_KERAS)
def test_statistics_are_those_that_keras_takes_of_one_batch(kind):
    build, x = OF_KERAS[kind]
    data = dataset(x)
    curves, state = trained(build, data)
    model = with_statistics_of_keras(holding(compiled(build()), state), data.x_train)
    assert_with_population(curves, evaluated(model, data))


OPTIONS = {
    "renorm": {"renorm": True, "renorm_clipping": {"rmax": 1.5, "dmax": 0.5}},
    "ghost batches": {"virtual_batch_size": 4},
    "averages": {"momentum": None},
    "no momentum": {"momentum": 0.0},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_statistics_are_of_the_whole_whatever_a_layer_trains_with(options):
    data = dataset()
    curves, state = trained(lambda: network(BatchNormalization(**options)), data)
    # In Keras' plain layer, which has some of these variables only.
    model = holding(compiled(network(BatchNormalization(**options))), state)
    plain = compiled(network(layers.BatchNormalization()))
    for layer, own in zip(plain.layers, model.layers, strict=True):
        layer.set_weights([np.array(one.value) for one in own.weights[: len(layer.weights)]])
    assert_with_population(curves, evaluated(with_statistics_of_keras(plain, data.x_train), data))


def test_dropout_in_front_acts_as_in_training():
    """Dropped shares are seen by the statistics: the second moment of what is kept is larger."""
    data = dataset()

    def build():
        return network(layers.BatchNormalization(), behind=[layers.Dropout(0.5)])

    model = compiled(lower(build()))
    known = population_of(model, data, BATCH)
    values = values_of(model)
    found = known.statistics(*values, jax.numpy.tile(data.x_train, (200, 1)))
    by_name = dict(zip([one.name for one in model.non_trainable_variables], found, strict=True))
    hidden = np.asarray(model.layers[0](data.x_train), float)
    np.testing.assert_allclose(by_name["moving_mean"], hidden.mean(axis=0), atol=0.02)
    variance = 2 * (hidden**2).mean(axis=0) - hidden.mean(axis=0) ** 2
    np.testing.assert_allclose(by_name["moving_variance"], variance, rtol=0.05)
    # Streams are as they were: the training draws what it would have drawn.
    assert by_name["seed_generator_state"] is values[1][0]


def of_dropout():
    return network(BatchNormalization(), behind=[layers.Dropout(0.3, seed=3)])


def deep():
    return network(*(layers.BatchNormalization() for _ in range(3)))


@pytest.mark.parametrize("kind", ["deep", "masked"])
def test_in_several_batches_statistics_are_the_same(kind, monkeypatch):
    build, x = {"deep": (deep, X), "masked": OF_KERAS["masked"]}[kind]
    data = dataset(x)
    whole, state = trained(build, data)
    monkeypatch.setattr(population, "MOST_BYTES", 1)
    parts, same = trained(build, data)
    assert set(whole) == set(parts)
    for name, values in whole.items():
        np.testing.assert_allclose(parts[name], values, rtol=1e-5, err_msg=name)
    assert all(map(np.array_equal, state, same))


def calling_twice():
    norm, inputs = layers.BatchNormalization(), keras.Input((4,))
    both = layers.add([norm(inputs), norm(2 * inputs + 1)])
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(both))


def test_a_layer_that_is_called_twice_has_the_statistics_of_both_calls():
    data = dataset()
    model = compiled(lower(calling_twice()))
    known = population_of(model, data, BATCH)
    mean, variance = known.statistics(*values_of(model), data.x_train)
    seen = np.concatenate([data.x_train, 2 * data.x_train + 1]).astype(float)
    np.testing.assert_allclose(mean, seen.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(variance, seen.var(axis=0), rtol=1e-5)


def test_a_sample_is_of_at_least_so_many_examples_and_the_same_everywhere(monkeypatch):
    monkeypatch.setattr(population, "FEWEST", 60)
    data = dataset()
    curves, state = trained(two, data)
    numbers = population.rows_of_population(N)
    assert len(set(numbers.tolist())) == 60
    model = with_statistics_of_keras(holding(compiled(two()), state), data.x_train[numbers])
    assert_with_population(curves, evaluated(model, data))


def trained_alone(build, data, window=None):
    """What trains one replica, and its state in the end."""
    model = compiled(build())
    fit = Fit(model, InitialValues(model), data, BATCH, window)
    return fit, fit.train(Replica(1), fit.begin(Replica(1)), range(EPOCHS)).state


@pytest.mark.parametrize(
    ("most", "window", "passes"), [(2**28, None, 1), (1, None, 2), (2**28, 32, 2)]
)
def test_what_a_sample_misses_is_what_keras_makes_of_it_and_of_the_whole(
    most, window, passes, monkeypatch
):
    monkeypatch.setattr(population, "FEWEST", 60)
    monkeypatch.setattr(population, "MOST_BYTES", most)
    data = dataset()
    fit, state = trained_alone(two, data, window)
    error = sample_error_of(fit)
    assert error.whole.passes == passes
    own, whole = error.metrics(state)
    values = [value[0] for value in (*state.trainable, *state.non_trainable)]
    found = [
        evaluated(with_statistics_of_keras(holding(compiled(two()), values), x), data)
        for x in (data.x_train[population.rows_of_population(N)], data.x_train)
    ]
    for ours, theirs in zip((own, whole), found, strict=True):
        assert ours == pytest.approx({f"val_{one}": theirs[one] for one in theirs}, rel=1e-5)
    assert own["val_loss"] != pytest.approx(whole["val_loss"], rel=1e-4)


def test_a_sample_that_is_all_misses_nothing(monkeypatch):
    fit, _ = trained_alone(two, dataset())
    assert sample_error_of(fit) is None
    monkeypatch.setattr(population, "FEWEST", 60)
    without, _ = trained_alone(WITHOUT["no normalisation"], dataset())
    assert sample_error_of(without) is None


def test_training_is_the_same_bit_for_bit():
    data = dataset()
    plain, state = trained(of_dropout, data, asked=False)
    curves, same = trained(of_dropout, data)
    assert set(curves) - set(plain) == {"population_val_loss", "population_val_accuracy"}
    for name, values in plain.items():
        np.testing.assert_array_equal(curves[name], values, err_msg=name)
    assert all(map(np.array_equal, state, same))


def by_fit(build, data, *, asked=True, eagerly=False, window=None):
    """Curves of the same replica, and what it holds in the end."""
    model = compiled(build())
    model.run_eagerly = eagerly
    fit = Fit(model, InitialValues(model), data, BATCH, window, population=asked)
    fitted = fit.train(Replica(1), fit.begin(Replica(1)), range(EPOCHS))
    return fitted.curves, jax.tree.leaves(fitted.state)


@pytest.mark.parametrize("window", [None, 32], ids=["in memory", "streamed"])
def test_fit_gives_the_same(window, monkeypatch):
    monkeypatch.setattr(population, "FEWEST", 60)
    data = dataset()
    curves, _ = trained(of_dropout, data, window=window)
    alone, _ = by_fit(of_dropout, data, window=window)
    assert set(alone) == set(curves)
    for name, values in curves.items():
        np.testing.assert_allclose(alone[name], values, rtol=2e-5, err_msg=name)


@pytest.mark.parametrize("eagerly", [False, True])
def test_fit_goes_on_as_if_nothing_had_been_asked(eagerly):
    data = dataset(X[:40], Y[:40], cut=32)
    plain, state = by_fit(of_dropout, data, asked=False, eagerly=eagerly)
    curves, same = by_fit(of_dropout, data, eagerly=eagerly)
    assert "population_val_loss" in curves
    assert {name: curves[name] for name in plain} == plain
    assert all(map(np.array_equal, state, same))


class Ends(keras.callbacks.Callback):
    """Ends after the first epoch, with other weights."""

    def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002 (Keras' own)
        assert not any("population" in name for name in logs)
        self.model.layers[0].kernel.assign(0.5 * self.model.layers[0].kernel)
        self.model.stop_training = True


def test_a_run_that_a_callback_ends_keeps_the_metrics_of_its_weights():
    data = dataset()
    model = compiled(two())
    fit = Fit(model, InitialValues(model), data, BATCH, population=True)
    curves = fit.train(Replica(1), fit.begin(Replica(1)), range(3), [Ends()]).curves
    assert curves["population_val_loss"][1] == curves["population_val_loss"][2]
    assert curves["population_val_loss"][0] != curves["population_val_loss"][1]
    metrics = evaluated(with_statistics_of_keras(model, data.x_train), data)
    assert curves["population_val_loss"][-1] == pytest.approx(metrics["loss"], rel=1e-5)


WITHOUT = {
    "no normalisation": lambda: network(layers.Dropout(0.1)),
    "layer": lambda: network(layers.LayerNormalization()),
    "frozen": lambda: network(layers.BatchNormalization(trainable=False)),
    "fixed": lambda: network(layers.Normalization(mean=1.0, variance=2.0)),
}


@pytest.mark.parametrize("kind", WITHOUT)
def test_where_nothing_can_lag_nothing_is_taken(kind):
    data, model = dataset(), compiled(lower(WITHOUT[kind]()))
    assert population_of(model, data, BATCH) is None


class KeptInInference(keras.Model):
    """Its normalisation never trains, though nothing is frozen."""

    def __init__(self):
        super().__init__()
        self.norm, self.last = layers.BatchNormalization(), layers.Dense(1, activation="sigmoid")

    def call(self, inputs, training=None):  # noqa: ARG002 (Keras' own)
        return self.last(self.norm(inputs, training=False))


def test_a_layer_that_is_called_in_inference_mode_cannot_lag():
    model = KeptInInference()
    model(X[:2])
    assert population_of(compiled(model), dataset(), BATCH) is None


def test_one_program_does_it(compilations):
    cohort = cohort_of(two, dataset())
    program = cohort.compile(cohort.lower())
    data, stack = cohort.data(), cohort.begin([Replica(0), Replica(1)])
    before = len(compilations.names)
    assert list(cohort.advance(program, data, stack, EPOCHS))
    assert [name for name in compilations.names[before:] if "segment" in name] == []


def test_a_replica_that_diverged_gets_no_metric_that_could_be_taken_for_one():
    cohort = cohort_of(two, dataset())
    [chunk] = cohort.run(
        cohort.compile(cohort.lower()), [Replica(1, learning_rate=np.inf), Replica(1)]
    )
    alone, _ = trained(two, dataset())
    assert not np.isfinite(chunk.curves["loss"][0]).any()
    np.testing.assert_array_equal(
        chunk.curves["population_val_loss"][1], alone["population_val_loss"]
    )
