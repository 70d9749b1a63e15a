"""How long a study takes here, from what it took elsewhere."""

import json
import os

import pytest

from normwise.files import cache_folder
from normwise.studies import BUILT_IN, estimate


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "speed"


def test_every_study_has_a_measured_time():
    assert set(estimate.REFERENCE_SECONDS) == set(BUILT_IN)
    assert all(seconds > 0 for seconds in estimate.REFERENCE_SECONDS.values())


def test_a_machine_of_twice_the_speed_takes_half_the_time(monkeypatch):
    monkeypatch.setattr(estimate, "_cores", lambda: estimate.REFERENCE_CORES)
    monkeypatch.setattr(estimate, "machine_speed", lambda: 2 * estimate.REFERENCE_SPEED)
    expected = estimate.REFERENCE_SECONDS["circles"] / 2
    assert estimate.estimated_seconds("circles") == pytest.approx(expected)


def test_more_cores_take_less_time(monkeypatch):
    monkeypatch.setattr(estimate, "machine_speed", lambda: estimate.REFERENCE_SPEED)
    monkeypatch.setattr(estimate, "_cores", lambda: 8)
    expected = estimate.REFERENCE_SECONDS["churn"] * estimate.REFERENCE_CORES / 8
    assert estimate.estimated_seconds("churn") == pytest.approx(expected)


def test_the_speed_is_measured_once(cache, monkeypatch):
    speed = estimate.machine_speed()
    assert 1e7 < speed < 1e12
    [file] = cache.iterdir()
    assert json.loads(file.read_text()) == [speed]
    monkeypatch.setattr(estimate, "_measure", lambda: pytest.fail("measured again"))
    assert estimate.machine_speed() == speed


@pytest.mark.parametrize("content", ["", "rubbish", "3", "{}", "[1.0, 2.0]", "[null]", "[NaN]"])
def test_what_cannot_be_read_is_measured_again(cache, content, monkeypatch):
    estimate.machine_speed()
    [file] = cache.iterdir()
    file.write_text(content)
    monkeypatch.setattr(estimate, "_measure", lambda: 5.0)
    assert estimate.machine_speed() == 5.0
    assert json.loads(file.read_text()) == [5.0]


def test_another_machine_is_measured_for_itself(monkeypatch):
    estimate.machine_speed()
    monkeypatch.setattr("platform.node", lambda: "another")
    monkeypatch.setattr(estimate, "_measure", lambda: 5.0)
    assert estimate.machine_speed() == 5.0


def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch):
    monkeypatch.setenv("NORMWISE_CACHE", os.devnull)
    assert cache_folder().name == "null"
    assert estimate.machine_speed() > 0
