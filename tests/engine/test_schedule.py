"""How replicas are laid over devices: the rule, what is tried, and what is remembered."""

import json

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from normwise.engine import (
    Schedule,
    candidates,
    fastest_schedule,
    rule_of_thumb,
    sample,
    training_flops,
)
from normwise.engine import schedule as schedule_module
from normwise.engine.schedule import MOST_ON_A_DEVICE, STEPS


@given(st.integers(1, 500), st.integers(1, 9))
def test_chunks_are_even_and_bounded(replicas, devices):
    rule = rule_of_thumb(replicas, devices)
    assert rule.devices == devices
    assert 1 <= rule.on_a_device <= MOST_ON_A_DEVICE
    # As few chunks as that allows, with fewer places left over than chunks × devices.
    chunks = -(-replicas // (MOST_ON_A_DEVICE * devices))
    assert chunks * rule.width >= replicas
    assert chunks * rule.width - replicas < chunks * devices


@given(st.integers(1, 500), st.integers(1, 9))
def test_alone_is_one_on_a_device(replicas, devices):
    assert rule_of_thumb(replicas, devices, alone=True) == Schedule(devices, 1)


@given(st.integers(1, 64), st.integers(1, MOST_ON_A_DEVICE))
def test_what_is_tried_is_distinct_and_begins_with_the_rule(devices, on_a_device):
    rule = Schedule(devices, on_a_device)
    tried = candidates(rule)
    assert tried[0] == rule
    assert len(set(tried)) == len(tried)
    assert all(each.on_a_device <= on_a_device and each.devices <= devices for each in tried)


@pytest.fixture
def small(make_cohort, rows):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    data = sample(rows("regression"), 8)
    made = []

    def make(schedule):
        made.append(schedule)
        return make_cohort(
            model, data, epochs=1, width=schedule.width, batch_size=8, devices=schedule.devices
        )

    return make, made


TRIED = candidates(Schedule(2, 4))


def test_the_fastest_is_chosen_and_remembered(small, tmp_path, monkeypatch):
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path))
    make, made = small
    best = fastest_schedule(make, TRIED, "a model", 8)
    assert made == TRIED
    [file] = (tmp_path / "schedules").iterdir()
    times = json.loads(file.read_text())
    assert len(times) == len(TRIED)
    assert all(seconds > 0 for seconds in times)
    assert best == TRIED[times.index(min(times))]
    # What was measured counts, here a made-up second place; nothing is measured again.
    file.write_text(json.dumps([3.0, 1.0, 2.0]))
    assert fastest_schedule(make, TRIED, "a model", 8) == TRIED[1]
    assert made == TRIED
    # Another model is measured for itself.
    fastest_schedule(make, TRIED, "another model", 8)
    assert len(made) == 2 * len(TRIED)


def test_what_does_not_fit_memory_is_not_tried_and_not_remembered(small, tmp_path, monkeypatch):
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path))
    make, made = small
    monkeypatch.setattr(schedule_module, "_seconds", lambda cohort, _: 1.0 / cohort.width)
    monkeypatch.setattr(schedule_module, "fits", lambda cohort, _: cohort.width < 8)
    assert fastest_schedule(make, TRIED, "a model") == Schedule(2, 1)
    # There may be more memory next time.
    monkeypatch.setattr(schedule_module, "fits", lambda *_: True)
    assert fastest_schedule(make, TRIED, "a model") == Schedule(2, 4)
    assert len(made) == 2 * len(TRIED)


@pytest.mark.parametrize("text", ["", "[1.0]", "nonsense", "[1, null, 2]", "[NaN, 1, 2]", "7"])
def test_a_spoilt_memory_is_measured_again(text, small, tmp_path, monkeypatch):
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path))
    make, made = small
    monkeypatch.setattr(schedule_module, "_seconds", lambda cohort, _: 1.0 / cohort.width)
    fastest_schedule(make, TRIED, "a model")
    [file] = (tmp_path / "schedules").iterdir()
    file.write_text(text)
    assert fastest_schedule(make, TRIED, "a model") == Schedule(2, 4)
    assert len(made) == 2 * len(TRIED)


def test_a_sample_is_of_whole_batches(rows):
    data = sample(rows("regression"), 32)
    assert (len(data.x_train), len(data.y_train), len(data.x_val)) == (96, 96, 32)
    assert len(sample(rows("regression"), 4).x_train) == 4 * STEPS


def test_operations_are_counted(rows):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(50), layers.Dense(1)])
    # Two operations a weight and example, forward, and twice as many back.
    expected = 6 * 100 * (3 * 50 + 50)
    assert training_flops(model, rows("regression"), 10) == pytest.approx(expected, rel=0.5)
