"""Replicas on data that are read in windows train as Keras' own ``fit`` does in the same order."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import Dataset
from normwise.engine import (
    Fit,
    InitialValues,
    Replica,
    StreamedCohort,
    largest_relative_difference,
    lower,
    make_streamed_program,
    replica_mesh,
    streamed,
)
from normwise.models.compiled import cloned_metrics

DRAW = np.random.default_rng(3)
N, HELD, BATCH, WINDOW, EPOCHS = 106, 50, 16, 32, 2
X = DRAW.normal(size=(N + HELD, 3)).astype("float32")
LABELS = (X.sum(axis=1, keepdims=True) > 0).astype("float32")
# Two whole windows, which compile half of what ends with a smaller one does.
WHOLE = 64
WEIGHTS = DRAW.uniform(0.5, 2, WHOLE).astype("float32")


def dataset(x=X, y=LABELS, weights=(None, None), task="binary", cut=N):
    def part(rows):
        return [keras.tree.map_structure(lambda a: a[rows], one) for one in (x, y)]

    return Dataset("rows", *part(slice(cut)), *part(slice(N, N + cut)), task, weights=weights)


def network():
    inputs = keras.Input((3,))
    hidden = layers.Dropout(0.2)(layers.Dense(5, activation="relu")(inputs))
    return keras.Model(
        inputs, layers.Dense(1, activation="sigmoid")(layers.BatchNormalization()(hidden))
    )


def two_ends():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    both = layers.Dense(4, activation="relu")(layers.concatenate([a, b]))
    ends = {
        "kind": layers.Dense(1, activation="sigmoid", name="kind"),
        "size": layers.Dense(1, name="size"),
    }
    return keras.Model({"a": a, "b": b}, {name: end(both) for name, end in ends.items()})


def compiling(**given):
    def compile_model(model):
        own = {
            "loss": "binary_crossentropy",
            "metrics": ["accuracy", keras.metrics.Recall(name="recall")],
            **given,
        }
        model.compile(
            keras.optimizers.Adam(0.02), **own | {"metrics": cloned_metrics(own["metrics"])}
        )
        return model

    return compile_model


def cohort_of(compile_model, build, data, *, width=2, devices=2, window=WINDOW, epochs=EPOCHS):
    lowered = compile_model(lower(build()))
    program = make_streamed_program(lowered, data, BATCH)
    mesh = replica_mesh(devices)
    return StreamedCohort(program, InitialValues(lowered), data, epochs, width, mesh, window)


def curves_of(cohort, *seeds):
    [chunk] = cohort.run(cohort.compile(cohort.lower()), [Replica(seed) for seed in seeds])
    return {name: values[-1].tolist() for name, values in chunk.curves.items()}


def by_fit(compile_model, build, data, seed, window=WINDOW):
    model = compile_model(build())
    fit = Fit(model, InitialValues(model), data, BATCH, window)
    return fit.train(Replica(seed), fit.begin(Replica(seed)), range(EPOCHS)).curves


KINDS = {
    "rows": (network, dataset(), compiling()),
    "weights": (network, dataset(weights=(WEIGHTS, None), cut=WHOLE), compiling(weighted_metrics=["accuracy"])),
    "dictionaries": (
        two_ends,
        dataset({"a": X, "b": X[::-1]}, {"kind": LABELS, "size": X[:, :1]}, task="own", cut=WHOLE),
        compiling(loss={"kind": "binary_crossentropy", "size": "mse"}, metrics={"kind": ["accuracy"]}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_windows_are_trained_as_fit_does_it(kind):
    build, data, compile_model = KINDS[kind]
    ours = curves_of(cohort_of(compile_model, build, data), 5, 1)
    keras_own = by_fit(compile_model, build, data, 1)
    assert set(ours) == set(keras_own)
    assert largest_relative_difference(keras_own, ours) < 2e-5


@pytest.fixture(scope="module")
def alone():
    return curves_of(cohort_of(compiling(), network, dataset(), width=1, devices=1), 1)


@pytest.mark.parametrize(("width", "devices"), [(2, 2), (3, 1)])
def test_a_replica_is_the_same_alone_and_in_any_stack(alone, width, devices):
    cohort = cohort_of(compiling(), network, dataset(), width=width, devices=devices)
    assert largest_relative_difference(alone, curves_of(cohort, 5, 1)) < 2e-6


def test_a_window_as_large_as_the_data_or_larger_is_one(alone):
    one = curves_of(cohort_of(compiling(), network, dataset(), window=112), 1)
    assert one != alone
    keras_own = by_fit(compiling(), network, dataset(), 1, window=112)
    assert largest_relative_difference(keras_own, one) < 2e-5


def test_a_stack_goes_on_where_it_was(alone):
    cohort = cohort_of(compiling(), network, dataset(), width=1, devices=1)
    compiled = cohort.compile(cohort.lower())
    stack = cohort.begin([Replica(1)])
    [first] = cohort.advance(compiled, cohort.data(), stack, 1)
    resumed = cohort.resume([Replica(1)], stack.rows(), 1)
    [second] = cohort.advance(compiled, cohort.data(), resumed, 2)
    assert {name: [first[name].item(), second[name].item()] for name in first} == alone


def test_a_replica_that_diverges_leaves_its_neighbours_alone(alone):
    cohort = cohort_of(compiling(), network, dataset(), epochs=3)
    stack = cohort.begin([Replica(5, learning_rate=np.inf), Replica(1)])
    pieces = list(cohort.advance(cohort.compile(cohort.lower()), None, stack, EPOCHS))
    losses = np.concatenate([piece["loss"] for piece in pieces], axis=1)
    assert np.isfinite(losses).all(axis=1).tolist() == [False, True]
    np.testing.assert_allclose(losses[1], alone["loss"], rtol=2e-6)
    assert stack.rows().alive.tolist() == [False, True]


def test_fit_reads_windows_too_and_loads_nothing_whole(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", X)
    lying = np.load(tmp_path / "x.npy", mmap_mode="r")
    data = Dataset("rows", lying[:N], LABELS[:N], lying[N:], LABELS[N:], "binary")
    read, kept = [], np.take

    def watched(array, index, **how):
        read.append(len(index))
        return kept(array, index, **how)

    model = compiling()(network())
    fit = Fit(model, InitialValues(model), data, BATCH, window=WINDOW)
    monkeypatch.setattr(np, "take", watched)
    fitted = fit.train(Replica(1), fit.begin(Replica(1)), range(EPOCHS))
    assert max(read) <= BATCH
    assert (
        largest_relative_difference(by_fit(compiling(), network, dataset(), 1), fitted.curves) == 0
    )


def test_the_next_window_is_read_while_one_is_used():
    made = []
    items = streamed._one_ahead(made.append(n) or n for n in range(5))
    assert next(items) == 0
    assert next(items) == 1
    items.close()  # waits for what is being made
    assert made[:3] == [0, 1, 2]
    assert len(made) <= 4


def test_what_cannot_be_read_is_said():
    def broken():
        yield 1
        raise OSError("the disk is gone")

    items = streamed._one_ahead(broken())
    assert next(items) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)


def test_memory_is_counted_in_windows():
    few, many = (
        cohort_of(compiling(), network, dataset(), window=window).bytes_ahead for window in (32, 96)
    )
    # Four windows, each of 3 inputs, a label and two orders of 4 bytes a row.
    assert many - few == 4 * (96 - 32) * 4 * (3 + 1 + 2)
    all_rows = cohort_of(compiling(), network, dataset(), window=10**9).bytes_ahead
    assert all_rows == 4 * N * 4 * (3 + 1 + 2)
