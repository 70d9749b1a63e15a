"""How long an epoch takes: rounds that go back and forth, and a machine that is not free."""

import itertools
from collections import namedtuple

import keras
import numpy as np
import pytest

from normwise.data import Dataset
from normwise.domain import EpochTimes
from normwise.engine import contention, stopwatch
from normwise.engine.contention import Moment, is_calm
from normwise.engine.stopwatch import FEWEST_ROUNDS, ROUNDS, Lap, epoch_times, in_rounds


def lap_of(busy):
    """Laps of a second, and whether the machine was free, one after the other; and their order."""
    order, busy = [], itertools.chain(busy, [False] * 100)

    def lap(name):
        order.append(name)
        return Lap(1.0, 1.0, calm=not next(busy))

    return lap, order


def test_the_order_turns_round_by_round():
    lap, order = lap_of([])
    in_rounds("abc", lap)
    assert "".join(order) == "abccba" * (ROUNDS // 2)


def test_a_round_in_which_the_machine_was_busy_is_timed_again():
    lap, _ = lap_of([False, True, False, False, True, False])
    found = in_rounds("ab", lap)
    assert all(len(times.wall) == ROUNDS + 2 for times in found.values())
    together = zip(found["a"].calm, found["b"].calm, strict=True)
    assert sum(map(all, together)) == ROUNDS


def test_on_a_machine_that_stays_busy_it_does_not_go_on_for_ever():
    lap, order = lap_of([True] * 100)
    found = in_rounds("ab", lap)
    assert len(order) == 2 * ROUNDS
    assert not any(found["a"].calm)


@pytest.mark.parametrize(
    ("passed", "processors", "free"),
    [
        (Moment(1.0, 1.0, 1.1), 2, True),  # alone, with one thread
        (Moment(1.0, 1.9, 2.0), 2, True),  # alone, with two
        (Moment(1.0, 0.7, 1.0), 2, False),  # its threads waited
        (Moment(1.0, 1.0, 2.0), 2, False),  # another process has the other processor
        (Moment(1.0, 1.0, 3.0), 16, True),  # others have two of many
        (Moment(1.0, 8.0, 16.0), 16, False),  # half of its sixteen threads wait for others
    ],
)  # fmt: skip
def test_processor_time_tells_a_busy_machine(passed, processors, free):
    assert is_calm(passed, processors, on_cpu=True) == free


def test_who_waits_for_another_device_is_not_slowed_down_by_that():
    assert is_calm(Moment(1.0, 0.2, 0.3), 16, on_cpu=False)
    assert not is_calm(Moment(1.0, 0.2, 16.0), 16, on_cpu=False)


def test_who_runs_at_a_low_priority_or_idles_does_not_count(monkeypatch):
    times = namedtuple("times", "user nice system idle steal guest")  # noqa: PYI024
    monkeypatch.setattr(contention.psutil, "cpu_times", lambda: times(10, 100, 2, 1000, 5, 3))
    assert contention.now().machine == 17


def test_the_clocks_go_forward_together():
    before = contention.now()
    while contention.now().since(before).wall < 0.05:
        pass
    passed = contention.now().since(before)
    assert passed.wall < 10
    assert passed.processor > 0
    assert passed.machine >= 0


class Clocks:
    """What passes between two looks at the clock: the epochs of each model, then what comes."""

    def __init__(self):
        self.moment = Moment(0.0, 0.0, 0.0)
        self.batch = Moment(0.0, 0.0, 0.0)

    def now(self):
        return self.moment

    def pass_batch(self):
        self.moment = Moment(*map(sum, zip(self.moment, self.batch, strict=True)))


class Batches(keras.callbacks.Callback):
    """Time passes with each batch alone."""

    def __init__(self, clocks):
        super().__init__()
        self.clocks = clocks

    def on_train_batch_end(self, *_, **__):
        self.clocks.pass_batch()


@pytest.fixture
def clocks(monkeypatch):
    found = Clocks()
    monkeypatch.setattr(stopwatch, "now", found.now)
    fit = keras.Model.fit

    def timed(model, *args, callbacks, **kwargs):
        found.batch = model.batch
        return fit(model, *args, callbacks=[*callbacks, Batches(found)], **kwargs)

    monkeypatch.setattr(keras.Model, "fit", timed)
    return found


def model_of(batch):
    """A model of which a batch takes so much."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.batch = Moment(*batch)
    return model


def data(rows):
    x = np.zeros((rows, 2), np.float32)
    return Dataset("zeros", x, x[:, :1], x[:4], x[:4, :1], "regression")


@pytest.mark.usefixtures("clocks")
def test_some_batches_stand_for_all_of_an_epoch():
    models = {
        "fast": (model_of((0.001, 0.0015, 0.0015)), 2),
        "slow": (model_of((0.004, 0.004, 0.004)), 2),
        "half": (model_of((0.002, 0.001, 0.004)), 4),
    }
    found = epoch_times(models, data(1001))
    assert found["fast"].wall == pytest.approx([0.501] * ROUNDS)
    assert found["fast"].processor == pytest.approx([0.7515] * ROUNDS)
    assert found["slow"].seconds == pytest.approx(4 * 0.501)
    assert found["half"].seconds == pytest.approx(0.502)
    assert not any(found["half"].calm)


@pytest.mark.usefixtures("clocks")
def test_waiting_for_others_makes_no_timed_epoch_shorter(monkeypatch):
    seen = []
    fit = keras.Model.fit
    monkeypatch.setattr(
        keras.Model, "fit", lambda model, x, *args, **kwargs: (seen.append(len(x)), fit(model, x, *args, **kwargs))
    )  # fmt: skip
    for waiting in (0.0, 0.05):
        model = model_of((0.001 + waiting, 0.001, 0.001))
        epoch_times({"one": (model, 2)}, data(1001))
    # As many rows in the rounds of both.
    assert len(set(seen[-ROUNDS:])) == 1
    assert seen[len(seen) // 2 - 1] == seen[-1] > 2 * 20


@pytest.mark.usefixtures("clocks")
def test_where_a_batch_takes_long_one_of_them_is_timed_a_few_times():
    told = []
    models = {"long": (model_of((2.0, 2.0, 2.0)), 2), "longer": (model_of((3.0, 3.0, 3.0)), 2)}
    found = epoch_times(models, data(1001), lambda rough: told.append(rough) or 20.0)
    assert told == [{"long": 2.0 * 501, "longer": 3.0 * 501}]
    assert found["longer"].wall == pytest.approx([3.0 * 501] * FEWEST_ROUNDS)


def test_rounds_end_with_their_time(clocks):
    def lap(_):
        clocks.moment = Moment(clocks.moment.wall + 1.0, 0.0, 0.0)
        return Lap(1.0, 1.0, calm=True)

    assert len(in_rounds("a", lap, seconds=4.5)["a"].wall) == 5


def test_what_is_said_is_of_the_rounds_in_which_the_machine_was_free():
    times = EpochTimes((5.0, 1.0, 7.0, 1.2), (1.0,) * 4, (False, True, False, True))
    assert times.seconds == pytest.approx(1.2**0.5)
    assert EpochTimes((5.0, 7.0), (1.0, 1.0), (False, False)).seconds == pytest.approx(35**0.5)
    assert EpochTimes((5.0,)).seconds == pytest.approx(5.0)
