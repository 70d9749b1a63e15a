"""Where memory does not suffice beside the training: one message, and what is trained stays."""

import json
import os
import sys

import jax
import keras
import numpy as np
import pytest

from normwise import Study
from normwise.errors import DrawingError, ModelError, StudyIncomplete
from normwise.report import DrawingProcess

SETTINGS = {"variants": ["none"], "seeds": 2, "epochs": 2, "batch_size": 8}
EXHAUSTED = "RESOURCE_EXHAUSTED: Out of memory allocating 61440000772 bytes."


def model():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])


def data():
    return np.random.default_rng(0).normal(size=(24, 2)), np.arange(24) % 2


def exhausted(*_, **__):
    raise jax.errors.JaxRuntimeError(EXHAUSTED)


# JAX allocates later than it is asked to, and raises where the first value is looked at.
@pytest.mark.parametrize("where", ["study.as_dataset", "case.Setup.of", "case._environment"])
def test_what_does_not_fit_is_one_message(where, tmp_path, monkeypatch):
    monkeypatch.setattr(f"normwise.study.{where}", exhausted)
    with pytest.raises(ModelError, match=r"not suffice .*RESOURCE_EXHAUSTED.*; expected .*; try"):
        Study(model, data(), **SETTINGS).run(tmp_path / "study")
    assert list(tmp_path.iterdir()) == []


def test_memory_that_ends_behind_the_training_costs_no_run(tmp_path, monkeypatch):
    with monkeypatch.context() as scarce:
        scarce.setattr("normwise.study.answering.verify", exhausted)
        with pytest.raises(StudyIncomplete, match=r"ran out of memory .* after 2 of 2 replicas"):
            Study(model, data(), **SETTINGS).run(tmp_path)
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["event"] == "stopped"
    assert Study(model, data(), **SETTINGS).run(tmp_path).reused == 2


@pytest.fixture
def aborting(monkeypatch, tmp_path, pictures):  # noqa: ARG001
    """The JavaScript engine ends by a signal, as it does in little memory; nothing is cached."""
    (tmp_path / "vl_convert.py").write_text("import os\nos.abort()\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("aborting")
def test_charts_that_cannot_be_drawn_cost_no_answer(tmp_path, caplog):
    result = Study(model, data(), **SETTINGS).run(tmp_path / "study")
    assert json.loads((tmp_path / "study" / "summary.json").read_text()) == result.summary()
    for name in ("curves.png", "report.html"):
        assert not (tmp_path / "study" / name).exists()
        [said] = [one.message for one in caplog.records if one.message.startswith(name)]
        assert "could not be drawn" in said
        assert "try a larger 'ulimit -v'" in said


@pytest.mark.usefixtures("pictures")
def test_a_drawing_process_that_was_killed_is_followed_by_another():
    with DrawingProcess() as drawing:
        drawing._process.kill()
        chart = {"data": {"values": [{}]}, "mark": "point"}
        assert drawing.draw(chart).startswith(b"\x89PNG")


@pytest.mark.usefixtures("aborting")
def test_a_picture_that_two_processes_cannot_draw_is_an_error():
    with DrawingProcess() as drawing, pytest.raises(DrawingError, match="engine ended with -6"):
        drawing.draw({})
