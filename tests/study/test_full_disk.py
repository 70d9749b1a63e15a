"""A disk that fills up ends a study with one message; with room again, it goes on to the same end."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from normwise import Study
from normwise.errors import StoreError, StudyIncomplete
from tests.study.killed_at_writes import left, study

FULL = OSError(28, "No space left on device")


@pytest.fixture
def full_from(monkeypatch):
    """Let the system refuse what is written, from so many writes on."""

    def fill(number):
        calls = itertools.count()

        def refusing(function):
            def call(*arguments):
                if next(calls) >= number:
                    raise FULL
                return function(*arguments)

            return call

        monkeypatch.setattr(os, "fsync", refusing(os.fsync))
        monkeypatch.setattr(Path, "replace", refusing(Path.replace))

    return fill


def test_a_study_goes_on_after_any_write_that_a_disk_refused(tmp_path, full_from, monkeypatch):
    study(tmp_path / "whole")
    whole = left(tmp_path / "whole")
    for number in itertools.count():
        folder = tmp_path / str(number)
        full_from(number)
        try:
            study(folder)
            break  # it has no more writes than that
        except StoreError as error:
            said = str(error)
        finally:
            monkeypatch.undo()
        assert "No space left on device" in said
        assert not folder.exists() or not list(folder.rglob(".*"))
        study(folder)
        again = left(folder)
        assert (again["results"], again["files"]) == (whole["results"], whole["files"]), number
        assert again["twice"] <= 1
    assert number > 30


def test_what_a_disk_refuses_while_training_is_an_unfinished_study(
    spec, undisturbed, without_times, full_from, monkeypatch, tmp_path
):
    def fill(progress):
        if progress.variant == "before":
            full_from(0)

    said = (
        r"the study cannot write '.*' \(No space left on device\) after 3 of 6 replicas; "
        r"'.*study' keeps what was trained and is marked incomplete; expected room .* run the same command"
    )
    with pytest.raises(StudyIncomplete, match=said) as caught:
        Study.from_spec(spec).run(tmp_path / "study", fill)
    assert caught.value.exit_code == 3
    monkeypatch.undo()
    again = Study.from_spec(spec).run(tmp_path / "study")
    assert without_times(again.summary()) == without_times(undisturbed.summary())
    assert again.records[0].curves == undisturbed.records[0].curves


# A process may write files of so many bytes, no larger ones: the same refusals as of a full disk.
WRITERS = """
import json, resource, sys
from pathlib import Path
import keras, numpy as np
from normwise.domain import RunKey, RunRecord
from normwise.engine import State
from normwise.errors import StoreError
from normwise.execution.checkpoint import FolderCheckpoints
from normwise.files import append_synced, replacing
from normwise.models.io import save_model
from normwise.study.curves import write_curves

folder = Path(sys.argv[1])
curves = {"loss": tuple(np.random.default_rng(0).normal(size=5000).tolist())}
record = RunRecord(RunKey("none", 0, "x"), 0.1, curves)
state = State([np.zeros((2, 5000))], [], [], np.ones(2, bool))
model = keras.Sequential([keras.Input((50,)), keras.layers.Dense(50)])
model.compile("sgd", "mse")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
append_synced(folder / "journal.jsonl", b"x" * 700)
said = {}
for name, write in {
    "journal.jsonl": lambda: append_synced(folder / "journal.jsonl", b"y" * 700),
    "a.safetensors": lambda: FolderCheckpoints(folder).save("a", state),
    "curves.parquet": lambda: write_curves([record], folder / "curves.parquet"),
    "best.keras": lambda: save_model(model, folder / "best.keras"),
}.items():
    try:
        write()
    except StoreError as error:
        said[name] = str(error)
print(json.dumps([said, {path.name: path.stat().st_size for path in folder.iterdir()}]))
"""


def test_every_writer_says_what_it_could_not_write_and_leaves_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WRITERS, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said, files = json.loads(done.stdout)
    assert set(said) == {"journal.jsonl", "a.safetensors", "curves.parquet", "best.keras"}
    for name, message in said.items():
        assert f"{name}' (" in message
        assert "File too large" in message
    assert files == {"journal.jsonl": 700}  # without a half of what did not fit
