"""A study's folder that was copied, moved, linked or robbed of its checkpoints is the study's still."""

import json
import shutil

import numpy as np
import pytest

from normwise import Study
from normwise.errors import StudyIncomplete
from tests.corpus.folders import finished
from tests.study.killed_at_writes import left, study


def interrupt(progress):
    if progress.variant == "before" and progress.epoch >= 2:
        raise KeyboardInterrupt


def test_a_copy_from_another_machine_goes_on_without_its_checkpoints(
    spec, undisturbed, without_times, tmp_path
):
    here, copy = tmp_path / "study", tmp_path / "elsewhere" / "copy"
    with pytest.raises(StudyIncomplete):
        Study.from_spec(spec).run(here, interrupt)
    shutil.copytree(here, copy)
    shutil.rmtree(here)
    shutil.rmtree(copy / "checkpoints")
    (copy / ".lock").write_text('{"process": 1, "host": "elsewhere", "since": "2099-01-01"}')
    for path in copy.rglob("*.*"):
        assert str(here).encode() not in path.read_bytes(), path
    again = Study.from_spec(spec).run(copy)
    assert without_times(again.summary()) == without_times(undisturbed.summary())
    assert [run.curves for run in again.records] == [run.curves for run in undisturbed.records]
    assert json.loads((copy / "summary.json").read_text()) == again.summary()
    weights = zip(again.best_model().weights, undisturbed.best_model().weights, strict=True)
    for ours, theirs in weights:
        np.testing.assert_array_equal(ours, theirs)


def test_a_link_to_a_folder_is_that_folder(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    study(tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert left(tmp_path / "out") == left(tmp_path / "disk")
    before = left(tmp_path / "disk")
    (tmp_path / "disk").rename(tmp_path / "moved")
    study(tmp_path / "moved")  # all of it is there
    assert left(tmp_path / "moved") == before


def test_a_folder_that_may_only_be_read_still_has_a_report(tmp_path, run_command):
    finished(tmp_path / "out" / "journal.jsonl")
    (tmp_path / "out" / "report.html").mkdir()  # root may write anywhere but over a folder
    code, out, error = run_command("report", "out")
    assert code == 2
    assert "val_accuracy" in out
    assert error.startswith("normwise: cannot write 'out/report.html' (")
    assert error.count("\n") == 1
