"""How long compiling will take: forecast from what was measured, in a file that may be anything."""

import json
import random
import subprocess
import sys
import threading
import time

import jax
import keras
import numpy as np
import pytest

from normwise import Study
from normwise.errors import StudyIncomplete
from normwise.execution import Compiling
from normwise.execution.compile_times import (
    MOST_PROGRAMS,
    MOST_STAGES,
    CompileTimes,
    Stage,
    expected_seconds,
)
from normwise.execution.forecast import THREADS, Forecast, text_of


def test_a_forecast_is_the_time_of_the_stages_most_like_it():
    # A line of small programs takes 10 ms, one of large programs 2 ms.
    small = [Stage(3, lines, 3 * lines * 0.01) for lines in (800, 900, 1000)]
    large = [Stage(3, lines, 3 * lines * 0.002) for lines in (9000, 9500, 11000)]
    assert expected_seconds([*small, *large], 3, 850) == pytest.approx(25.5)
    assert expected_seconds([*small, *large], 3, 10_000) == pytest.approx(60)
    assert expected_seconds([], 3, 850) is None


def test_one_measurement_that_is_far_off_does_not_count():
    stages = [Stage(2, 100, 2.0), Stage(2, 100, 2.0), Stage(2, 100, 400.0)]
    assert expected_seconds(stages, 2, 100) == pytest.approx(2)


def test_how_many_there_are_side_by_side_counts_where_that_was_measured():
    """On many cores three programs take hardly longer than one."""
    stages = [*[Stage(1, 500, 5.0)] * 3, *[Stage(3, 500, 6.0)] * 3]
    assert expected_seconds(stages, 1, 500) == pytest.approx(5)
    assert expected_seconds(stages, 3, 500) == pytest.approx(6)


@pytest.mark.parametrize(
    "text",
    ["", "[", "[]", "3", "null", "{}", '{"stages": [], "programs": 3}', "\0" * 50, "[" * 100_000,
     '{"stages": [[1, 2]], "programs": []}', '{"stages": [[1, 2, "x"]], "programs": []}',
     '{"stages": [[0, 2, 3]], "programs": []}', '{"stages": [[1, 2, NaN]], "programs": []}',
     '{"stages": [[1, 2, -1]], "programs": []}', '{"stages": [[Infinity, 2, 1]], "programs": []}',
     '{"stages": {"a": 1}, "programs": []}'],
)  # fmt: skip
def test_a_file_that_is_damaged_is_empty_and_is_made_anew(text, tmp_path):
    path = tmp_path / "times.json"
    path.write_text(text)
    times = CompileTimes(path)
    assert (times.stages, times.programs) == ([], [])
    times.add(["a"], Stage(2, 100, 1.5))
    again = CompileTimes(path)
    assert (again.stages, again.programs) == ([Stage(2, 100, 1.5)], ["a"])


def test_bytes_that_are_no_text_are_empty_too(tmp_path):
    path = tmp_path / "times.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert CompileTimes(path).stages == []


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path):
    (tmp_path / "file").write_text("no folder")
    times = CompileTimes(tmp_path / "file" / "times.json")
    times.add(["a"], Stage(1, 100, 1.0))
    assert times.stages == [Stage(1, 100, 1.0)]


def test_the_file_does_not_grow_for_ever(tmp_path):
    path = tmp_path / "times.json"
    names = [str(number) for number in range(MOST_PROGRAMS + 5)]
    stages = [[1, 10, float(number + 1)] for number in range(MOST_STAGES + 5)]
    path.write_text(json.dumps({"stages": stages, "programs": names}))
    CompileTimes(path).add(["new"], Stage(1, 10, 7.0))
    kept = CompileTimes(path)
    assert (len(kept.stages), len(kept.programs)) == (MOST_STAGES, MOST_PROGRAMS)
    assert (kept.stages[-1], kept.programs[-1]) == (Stage(1, 10, 7.0), "new")


WRITE_OFTEN = """
import sys
from pathlib import Path
from normwise.execution.compile_times import CompileTimes, Stage
for each in range(40):
    CompileTimes(Path(sys.argv[1])).add([f"{sys.argv[2]}-{each}"], Stage(int(sys.argv[2]), 10, 1.0))
"""


def test_what_two_processes_write_at_once_stays_whole(tmp_path):
    path = tmp_path / "times.json"
    CompileTimes(path).add(["first"], None)
    command = [sys.executable, "-c", WRITE_OFTEN, str(path)]
    writing = [subprocess.Popen([*command, number]) for number in ("1", "2")]
    while any(one.poll() is None for one in writing):
        assert "first" in json.loads(path.read_text())["programs"]
    assert [one.returncode for one in writing] == [0, 0]
    assert len(CompileTimes(path).stages) >= 40
    assert [one.name for one in tmp_path.iterdir()] == ["times.json"]


class Traced:
    """As JAX's, as far as it is looked at."""

    def __init__(self, text):
        self._text = text

    def as_text(self):
        return self._text


def compiled(times, *texts, from_cache=False):
    """What is said of programs with these texts, the last of which may come from JAX's cache."""
    with Forecast(len(texts), times) as forecast:
        said = [event for text in texts for event in forecast.traced(text_of(Traced(text)))]
        if from_cache:
            name = "/jax/compilation_cache/cache_hits"
            thread = threading.Thread(
                target=jax.monitoring.record_event, args=(name,), name=f"{THREADS}_0"
            )
            thread.start()
            thread.join()
        forecast.ready()
    return said


@pytest.fixture
def times(tmp_path, monkeypatch):
    monkeypatch.setattr("normwise.execution.forecast.keeps_programs", lambda: True)
    return CompileTimes(tmp_path / "times.json")


def test_what_was_never_compiled_here_has_a_number_and_no_time(times):
    assert compiled(times, "a\nb", "c") == []
    [stage] = times.stages
    assert stage[:2] == (2, 2)
    assert 0 < stage.seconds < 5


def test_what_was_measured_is_forecast(times):
    times.add([], Stage(2, 100, 30.0))
    assert compiled(times, "\n" * 49, "\n" * 80) == [Compiling(2, pytest.approx(15))]


def test_programs_that_jax_keeps_compiled_say_nothing_and_are_not_measured(times):
    compiled(times, "a", "b")
    count = len(times.stages)
    assert compiled(times, "a", "b") == []
    assert len(times.stages) == count


def test_of_several_the_new_ones_count(times):
    compiled(times, "a", "b")
    times.stages = [Stage(1, 10, 20.0)]
    assert compiled(times, "a", "c\nd") == [Compiling(2, pytest.approx(4))]


def test_what_came_from_jaxs_cache_unexpectedly_is_not_measured(times):
    """As after an update, when there are compiled programs and no measurements yet."""
    compiled(times, "a", "b", from_cache=True)
    assert times.stages == []
    assert compiled(times, "a", "b") == []
    assert len(times.programs) == 2


def test_where_jax_keeps_nothing_each_time_is_forecast(times, monkeypatch):
    monkeypatch.setattr("normwise.execution.forecast.keeps_programs", lambda: False)
    compiled(times, "a")
    assert len(compiled(times, "a")) == 1


def test_several_traced_programs_may_come_together(times):
    with Forecast(1, times) as forecast:
        assert [*forecast.traced(text_of(({4: Traced("a\nb")}, {}, None)))] == []
        forecast.ready()
    assert times.stages[0].lines == 2


def test_a_study_tells_how_many_programs_it_compiles_and_how_long_that_takes(monkeypatch, tmp_path):
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path))
    network = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(1)]
    )

    def told():
        """What is said while compiling, each with what it took from then on."""
        said = []

        def hear(progress):
            said.append((time.perf_counter(), progress))
            if progress.stage == "training":
                raise KeyboardInterrupt

        # Of a size that no earlier test has left compiled.
        rows = random.SystemRandom().randint(100, 10_000)
        x = np.random.default_rng(0).normal(size=(rows, 2)).astype("float32")
        study = Study(network, (x, x[:, :1]), variants=["none", "after"], seeds=2, epochs=1)
        with pytest.raises(StudyIncomplete):
            study.run(on_progress=hear)
        end, _ = said[-1]
        return [(one, end - at) for at, one in said if one.stage == "compiling"]

    first, second = told(), told()
    assert [one.programs for one, _ in first] == [0, 2]
    assert [one.seconds for one, _ in first] == [None, None]
    assert [one.programs for one, _ in second] == [0, 2, 2]
    forecast, took = second[-1]
    assert took / 5 < forecast.seconds < 5 * took
