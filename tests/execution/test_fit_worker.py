"""Where the stack cannot train, Keras' own ``fit`` does: compared with a ``fit`` written here."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import Dataset
from normwise.domain import Condition, Run, RunKey, Variant, derive_seed, is_with_population
from normwise.errors import ModelError, NotStacked, SpecError
from normwise.execution import Checkpointed, Failed, Finished, Job, Origin, Segment
from normwise.execution.callbacks import Callbacks
from normwise.execution.checkpoint import FolderCheckpoints, MemoryCheckpoints
from normwise.execution.local import LocalExecutor
from normwise.execution.setup import Setup
from normwise.execution.which_engine import Engine, engine_after, engine_for
from normwise.spec import Spec

# Keras' `fit` under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EPOCHS, SIZE = 4, 8
RATES = (0.01, 0.1)
draw = np.random.default_rng(0)
X = draw.normal(size=(60, 4, 3)).astype("float32")
Y = (X.sum(axis=(1, 2)) > 0).astype("float32")[:, None]
DATA = Dataset("rows", X[:40], Y[:40], X[40:], Y[40:], "binary")
SPEC = Spec.make(
    {"model": "m", "data": "arrays", "variants": ("none", "after"), "epochs": EPOCHS, "seeds": 2,
     "learning_rate": RATES, "batch_size": SIZE, "optimizer": "adam"}
)  # fmt: skip


class Counting(layers.Layer):
    """Counts its calls, those of an evaluation, too."""

    def build(self, _):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return inputs * (1 + 1e-2 * self.calls)


def moving():
    """A momentum, statistics that move in evaluation, and dropout to carry along."""
    hidden = [layers.Dense(5, activation="relu"), layers.Dropout(0.2), Counting(name="counting")]
    return keras.Sequential([keras.Input((4, 3)), layers.Flatten(), *hidden, *head()])


def stateful():
    inputs = keras.Input((4, 3), batch_size=SIZE)
    recurrent = layers.LSTM(5, stateful=True)
    return keras.Sequential([inputs, recurrent, layers.Dense(4, activation="relu"), *head()])


def head():
    return [layers.Dense(1, activation="sigmoid")]


def run(variant="none", seed=1, rate=0.1):
    return Run(RunKey(variant, seed, f"{rate}"), Condition(rate, None, SIZE))


def job(*runs, first=0, until=EPOCHS, origins=()):
    return Job(Variant.parse(runs[0].key.variant), SIZE, runs, first, until, tuple(origins))


def by_fit(build, make=None, spec=SPEC):
    callbacks = None if make is None else Callbacks.of(make)
    return Setup.of(spec, build, DATA, engine=Engine("fit", "it was asked", callbacks=callbacks))


def events_of(setup, *jobs, checkpoints=None):
    return [*LocalExecutor(setup, checkpoints or MemoryCheckpoints()).run(jobs)]


def curves_of(events, key):
    found = [event for event in events if isinstance(event, Segment) and event.runs[0].key == key]
    return {
        name: np.concatenate([event.curves[name][0] for event in found]) for name in found[0].curves
    }


def plain_fit(setup, wanted, epochs=EPOCHS, callbacks=(), metrics=("accuracy",)):
    """A ``fit`` of the variant's model, its weights set and its batches cut by hand."""
    model, initial = setup.model(wanted.variant, wanted.condition.batch_size)
    start = initial.state([setup_replica(wanted)])
    variables = (model.trainable_variables, model.non_trainable_variables)
    for part, values in zip(variables, start, strict=True):
        for variable, value in zip(part, values, strict=True):
            variable.assign(value[0])
    adam = keras.optimizers.Adam(wanted.condition.learning_rate)
    model.compile(adam, "binary_crossentropy", metrics=[*metrics])
    # The order of `engine/orders.py`, said again: the ranks of random numbers.
    numbers = np.random.default_rng(derive_seed(wanted.key.seed, "order"))

    def batches():
        while True:
            keys = numbers.integers(2**64, size=40, dtype=np.uint64)
            rows = np.sort(keys & ~np.uint64(63) | np.arange(40, dtype=np.uint64)) & np.uint64(63)
            for first in range(0, 40, SIZE):
                own = rows[first : first + SIZE].astype(int)
                yield X[own], Y[own]

    found = model.fit(
        batches(),
        steps_per_epoch=5,
        epochs=epochs,
        validation_data=(X[40:56], Y[40:56]) if build_is_stateful(model) else (X[40:], Y[40:]),
        validation_batch_size=SIZE,
        callbacks=[*callbacks],
        shuffle=False,
        verbose=0,
    )
    return found.history, model


def build_is_stateful(model):
    return any(getattr(layer, "stateful", False) for layer in model.layers)


def setup_replica(wanted):
    from normwise.engine import Replica

    return Replica(wanted.key.seed, wanted.condition.learning_rate)


@pytest.mark.parametrize("build", [moving, stateful])
@pytest.mark.parametrize("variant", ["none", "after"])
def test_runs_train_as_a_plain_fit_does(build, variant):
    setup = by_fit(build)
    runs = [run(variant, seed, rate) for rate in RATES for seed in (0, 1)]
    events = events_of(setup, job(*runs))
    expected, _ = plain_fit(setup, runs[2])  # which does not begin with what those before left
    found = curves_of(events, runs[2].key)
    # With population statistics `fit` evaluates nothing: see tests/engine/test_population.py.
    assert {name for name in found if not is_with_population(name)} == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


def test_events_say_what_happened_in_order(tmp_path):
    runs, checkpoints = [run(seed=0), run(seed=1)], FolderCheckpoints(tmp_path)
    events = events_of(by_fit(moving), job(*runs), checkpoints=checkpoints)
    own = [*[Segment, Checkpointed] * EPOCHS, Finished]
    assert [type(event) for event in events] == own * 2
    assert [event.until for event in events if isinstance(event, Segment)] == [1, 2, 3, 4] * 2
    assert all(len(event.runs) == 1 for event in events if isinstance(event, Segment))
    # Of each run the last state is kept.
    last = [event.name for event in events if isinstance(event, Checkpointed)][EPOCHS - 1 :: EPOCHS]
    assert checkpoints.names() == {*last}


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_run_goes_on_as_it_would_have(is_lost):
    setup, checkpoints, wanted = by_fit(moving), MemoryCheckpoints(), run("after")
    whole = curves_of(events_of(setup, job(wanted)), wanted.key)
    begun = events_of(setup, job(wanted, until=2), checkpoints=checkpoints)
    [state] = [event.name for event in begun if isinstance(event, Checkpointed)]
    # In another process: a model of its own.
    rest = job(wanted, first=2, origins=[Origin("lost" if is_lost else state, 0)])
    after = events_of(by_fit(moving), rest, checkpoints=checkpoints)
    first = 0 if is_lost else 2
    assert min(event.first for event in after if isinstance(event, Segment)) == first
    for name, values in curves_of(after, wanted.key).items():
        np.testing.assert_array_equal(values, whole[name][first:], err_msg=name)


def stopping(**options):
    return lambda: [keras.callbacks.EarlyStopping("val_loss", patience=1, **options)]


SLOW = run(rate=0.1)
LONG = SPEC.model_copy(update={"epochs": 30})


@pytest.mark.parametrize("restore", [False, True])
def test_a_run_that_a_callback_ends_keeps_what_it_ended_with(restore):
    make = stopping(restore_best_weights=restore)
    setup = by_fit(moving, make, LONG)
    events = events_of(setup, job(SLOW, until=30))
    [segment] = [event for event in events if isinstance(event, Segment)]
    found = curves_of(events, SLOW.key)
    expected, _ = plain_fit(setup, SLOW, 30, make())
    ended = len(expected["loss"])
    assert ended < 30
    assert segment.ended_at == (ended,)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name][:ended], values, rtol=1e-5, atol=1e-6)
        assert (found[name][ended:] == found[name][ended]).all()
    assert restore or found["val_loss"][-1] == found["val_loss"][ended - 1]


def plain():
    return keras.Sequential(
        [keras.Input((4, 3)), layers.Flatten(), layers.Dense(3, "tanh"), *head()]
    )


def test_restored_weights_are_evaluated():
    make = stopping(restore_best_weights=True)
    setup, checkpoints = by_fit(plain, make, LONG), MemoryCheckpoints()
    events = events_of(setup, job(SLOW, until=30), checkpoints=checkpoints)
    expected, model = plain_fit(setup, SLOW, 30, make())
    found = curves_of(events, SLOW.key)
    assert len(expected["loss"]) < 30
    # The best epoch's, which is none of the last two.
    assert found["val_loss"][-1] == pytest.approx(min(expected["val_loss"]), rel=1e-6)
    loss, accuracy = model.evaluate(X[:40], Y[:40], verbose=0)
    assert found["loss"][-1] == pytest.approx(loss, rel=1e-6)
    assert found["accuracy"][-1] == pytest.approx(accuracy, rel=1e-6)
    [kept] = checkpoints.names()
    for value, weight in zip(
        checkpoints.load(kept).trainable, model.trainable_variables, strict=True
    ):
        np.testing.assert_allclose(value[0], weight, rtol=1e-5, atol=1e-7)


class Warming(keras.callbacks.Callback):
    """Doubles the learning rate after each epoch, and says so in the logs."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 2 * float(self.model.optimizer.learning_rate)
        logs["rate"] = epoch


def test_callbacks_act_as_in_a_plain_fit_and_are_new_in_each_run():
    made = []

    def make(variant, seed):
        made.append((variant, seed))
        return [Warming(), keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.1, patience=1)]

    setup = by_fit(plain, make)
    runs = [run(seed=0, rate=0.01), run(seed=1, rate=0.01)]
    events = events_of(setup, job(*runs))
    assert made[-2:] == [("none", 0), ("none", 1)]
    for one in runs:
        expected, _ = plain_fit(setup, one, callbacks=make("none", 0))
        found = curves_of(events, one.key)
        assert set(expected) - set(found) == {"rate", "learning_rate"}
        for name, values in found.items():
            np.testing.assert_allclose(values, expected[name], rtol=1e-5, atol=1e-6)
        assert abs(found["loss"][-1] - curves_of(events_of(by_fit(plain), job(one)), one.key)["loss"][-1]) > 1e-4  # fmt: skip


class Scaled(layers.Layer):
    scale = 1.0

    def call(self, inputs):
        return self.scale * inputs


def scaled():
    hidden = [layers.Dense(3, "tanh"), Scaled(name="scaled")]
    return keras.Sequential([keras.Input((4, 3)), layers.Flatten(), *hidden, *head()])


class Scaling(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):  # noqa: ARG002 (as Keras calls it)
        self.model.get_layer("scaled").scale = 3.0


def test_what_a_callback_does_to_the_model_stays_in_its_run():
    runs = [run(seed=0), run(seed=1)]
    events = events_of(by_fit(scaled, lambda seed: [] if seed else [Scaling()]), job(*runs))
    plain_events = events_of(by_fit(scaled), job(*runs))
    same = [
        curves_of(events, one.key)["loss"] == curves_of(plain_events, one.key)["loss"]
        for one in runs
    ]
    assert [one.any() for one in same] == [False, True]
    assert same[1].all()


def test_a_run_with_callbacks_begins_again_rather_than_going_on_wrongly(tmp_path):
    setup, wanted = by_fit(plain, stopping(), LONG), SLOW
    checkpoints = FolderCheckpoints(tmp_path)
    whole = curves_of(events_of(setup, job(wanted, until=30)), wanted.key)
    begun = events_of(setup, job(wanted, until=3), checkpoints=checkpoints)
    assert not checkpoints.names()
    assert [type(event) for event in begun] == [Segment, Finished]
    for name, values in curves_of(begun, wanted.key).items():
        np.testing.assert_array_equal(values, whole[name][:3])


class Raising(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002 (as Keras calls it)
        if epoch == 1:
            raise ValueError("no luck")


def test_a_callback_that_raises_fails_its_run_alone():
    def make(seed):
        return [Raising()] if seed == 0 else []

    runs = [run(seed=0), run(seed=1)]
    failed, *others = events_of(by_fit(plain, make), job(*runs))
    assert failed == Failed((runs[0].key,), 0, "ValueError: no luck")
    assert [type(event) for event in others] == [Segment, Checkpointed, Finished]


def test_a_run_that_would_not_begin_at_its_first_epoch_is_refused(tmp_path):
    def make():
        return [keras.callbacks.BackupAndRestore(tmp_path), Raising()]

    setup = by_fit(plain, make)
    [failed] = events_of(setup, job(run()))
    assert "no luck" in failed.why
    with pytest.raises(ModelError, match="lets a run begin at epoch 3, as BackupAndRestore"):
        events_of(setup, job(run()))


def test_a_run_that_diverges_is_lost_from_there_on():
    numbers = Dataset("numbers", X[:40], X[:40, 0, :1], X[40:], X[40:, 0, :1], "regression")
    model = keras.Sequential([keras.Input((4, 3)), layers.Flatten(), layers.Dense(1)])
    spec = SPEC.model_copy(update={"optimizer": "sgd", "variants": ("none",)})
    wanted = run(rate=1e15)
    setup = Setup.of(spec, model, numbers, engine=Engine("fit"))
    events = events_of(setup, job(wanted))
    assert not np.isfinite(curves_of(events, wanted.key)["loss"][1:]).any()
    assert [event.ended_at for event in events if isinstance(event, Segment)] == [(None,)] * EPOCHS
    assert isinstance(events[-1], Finished)


def test_which_engine_trains_and_why():
    assert engine_for(SPEC).name == "stacked"
    asked = engine_for(SPEC.model_copy(update={"engine": "fit"}))
    assert (asked.name, asked.why, asked.identity) == ("fit", "it was asked for", "fit")
    found = engine_after(NotStacked("layer 'a' is odd; expected another; try b", needs_values=True))
    assert (found.why, found.eager, found.identity) == ("layer 'a' is odd", True, "fit")
    makes = [engine_for(SPEC, Callbacks.of(make)) for make in (stopping(), list)]
    assert len({one.identity for one in [*makes, asked]}) == 3
    stacked = SPEC.model_copy(update={"engine": "stacked"})
    with pytest.raises(SpecError, match=r"callbacks were given with the engine 'stacked'.*leave"):
        engine_for(stacked, Callbacks.of(stopping()))


def test_runs_by_fit_are_other_runs_than_those_of_the_stack():
    stacked = Setup.of(SPEC, plain, DATA)
    assert by_fit(plain).fingerprint == f"{stacked.fingerprint}-fit"
    assert by_fit(plain, stopping()).fingerprint != by_fit(plain, stopping(mode="max")).fingerprint


def patience(number, seed):  # noqa: ARG001 (as a study calls it)
    return [keras.callbacks.EarlyStopping(patience=number)]


def test_callbacks_are_told_apart_by_what_makes_them():
    def of(number):
        return lambda: [keras.callbacks.EarlyStopping(patience=number)]

    makes = [of(1), of(2), list, partial(patience, 1), partial(patience, 2)]
    makes += [patience_of(1), patience_of(2), patience_of(1).made, patience_of(2).made]
    known = [Callbacks.of(make).identity for make in makes]
    assert len(set(known)) == len(known)
    assert Callbacks.of(of(1)).identity == known[0]
    # A line around it, with other settings of the study, says nothing.
    written = (Callbacks.of(lambda: [Warming()]), 1), (Callbacks.of(lambda: [Warming()]), 22)
    assert written[0][0].identity == written[1][0].identity


class patience_of:  # noqa: N801 (it is called like a function)
    def __init__(self, number):
        self.number = number

    def __call__(self):
        return self.made()

    def made(self):
        return [keras.callbacks.EarlyStopping(patience=self.number)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            [keras.callbacks.EarlyStopping()],
            r"a list of keras.callbacks.EarlyStopping, and a callback carries state .*; "
            r"try callbacks=lambda: \[keras.callbacks.EarlyStopping\(…\)\]",
        ),
        (keras.callbacks.EarlyStopping(), "of type EarlyStopping, .*expected a function"),
        ([], "a list of nothing"),
        (3, "of type int"),
        (lambda model: [model], "needs 'model'; expected no other arguments than 'variant'"),
    ],
    ids=["list", "one", "none", "number", "argument"],
)
def test_what_makes_no_callbacks_is_refused(given, message):
    with pytest.raises(SpecError, match=message):
        Callbacks.of(given)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: 3, "returned of type int; expected a list of keras.callbacks.Callback"),
        (lambda: [1], "returned a list of int"),
        (lambda: 1 / 0, "failed .ZeroDivisionError"),
    ],
)
def test_a_function_that_makes_none_is_refused_before_anything_trains(make, message):
    with pytest.raises(SpecError, match=message):
        by_fit(plain, make)


@pytest.mark.parametrize(
    ("size", "data", "message"),
    [
        (16, DATA, "takes batches of 8, and the batch size is 16.*try --batch-size 8"),
        (8, Dataset("few", X[:40], Y[:40], X[40:45], Y[40:45], "binary"), "has 5 examples"),
    ],
)
def test_batches_that_a_stateful_layer_cannot_have_are_refused(size, data, message):
    spec = SPEC.model_copy(update={"batch_size": (size,)})
    with pytest.raises(ModelError, match=message):
        Setup.of(spec, stateful, data, engine=Engine("fit"))


@pytest.mark.parametrize(
    ("train", "said"),
    [
        (40, "in each epoch the last 4 examples are left out of validation"),
        (
            39,
            "in each epoch the last 7 examples are left out of training, and the last 5 of "
            "validation",
        ),
        (44, "in each epoch the last 4 examples are left out of training"),
        (None, None),
    ],
)
def test_what_whole_batches_leave_out_is_said(train, said):
    train_until, until = (40, 56) if train is None else (train, 60)
    data = Dataset(
        "rows",
        X[:train_until],
        Y[:train_until],
        X[train_until:until],
        Y[train_until:until],
        "binary",
    )
    setup = Setup.of(SPEC, stateful, data, engine=Engine("fit", "it was asked"))
    batches = setup.settings.get("batches")
    assert batches == (said and f"a stateful layer takes whole batches of {SIZE}: {said}")
