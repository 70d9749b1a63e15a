"""Guarantee 6: interrupt or kill it at any moment, run it again, and the answer is the same."""

import contextlib
import json
import random
import subprocess
import sys
import time

import numpy as np
import pytest

from normwise import Study
from normwise.engine import Cohort, schedule
from normwise.errors import StudyIncomplete
from normwise.study.event_log import EventLog
from normwise.study.history import History
from normwise.study.recorded_runs import recorded
from normwise.study.store import Store
from tests.study.test_grid import data, model


@pytest.fixture
def trained(monkeypatch):
    """The seeds of each stack as its training begins, and its epoch."""
    seen = []
    begin, resume = Cohort.begin, Cohort.resume

    def begins(self, chunk):
        seen.append((0, tuple(replica.seed for replica in chunk)))
        return begin(self, chunk)

    def resumes(self, chunk, rows, epoch):
        seen.append((epoch, tuple(replica.seed for replica in chunk)))
        return resume(self, chunk, rows, epoch)

    monkeypatch.setattr(Cohort, "begin", begins)
    monkeypatch.setattr(Cohort, "resume", resumes)
    return seen


def interrupt_when(condition):
    def on_progress(progress):
        if condition(progress):
            raise KeyboardInterrupt

    return on_progress


def interrupted(*_, **__):
    raise KeyboardInterrupt


def events(folder):
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "crc32"} for line in lines]


def same_curves(records, others):
    for ours, theirs in zip(records, others, strict=True):
        assert ours.key == theirs.key
        for metric in ("loss", "val_loss"):
            np.testing.assert_allclose(ours.curves[metric], theirs.curves[metric], rtol=1e-6)
        for metric in ("accuracy", "val_accuracy"):
            # An example whose probability is within rounding of a half may flip.
            difference = np.subtract(ours.curves[metric], theirs.curves[metric])
            assert abs(difference).max() < 1.001 / 500


def test_an_interrupted_study_goes_on_to_the_same_answer(
    spec, undisturbed, without_times, trained, tmp_path
):
    folder = tmp_path / "study"
    at_before = interrupt_when(lambda p: p.variant == "before" and p.epoch >= 2)
    with pytest.raises(
        StudyIncomplete, match=r"after 3 of 6 replicas.*study.*incomplete"
    ) as caught:
        Study.from_spec(spec).run(folder, at_before)
    assert caught.value.exit_code == 3
    assert events(folder)[-1] == {"schema": 2, "event": "stopped", "done": 3, "of": 6}
    assert not (folder / "summary.json").exists()
    assert trained == [(0, (0, 1, 2)), (0, (0, 1, 2))]
    trained.clear()
    result = Study.from_spec(spec).run(folder)
    # From where it was interrupted; no winner again, for its weights are kept.
    assert trained == [(2, (0, 1, 2))]
    assert without_times(result.summary()) == without_times(undisturbed.summary())
    assert [record.curves for record in result.records] == [
        record.curves for record in undisturbed.records
    ]
    assert {p.name for p in folder.iterdir()} == {p.name for p in undisturbed.folder.iterdir()}


def test_an_interruption_between_two_chunks_keeps_the_first(
    spec, undisturbed, trained, tmp_path, monkeypatch
):
    monkeypatch.setattr(schedule, "MOST_ON_A_DEVICE", 1)
    folder, study = (
        tmp_path / "study",
        Study.from_spec(spec.model_copy(update={"variants": ("none",)})),
    )
    with pytest.raises(StudyIncomplete, match="after 2 of 3"):
        study.run(folder, interrupt_when(lambda p: p.replicas == 2))
    trained.clear()
    result = study.run(folder)
    assert trained == [(1, (2,))]
    same_curves(result.records, undisturbed.records[:3])


@pytest.mark.parametrize(
    ("stage", "said"),
    [("compiling", "before anything was trained; nothing is lost; run the same command again$"),
     ("reporting", "after 6 of 6 replicas; '.*' keeps what was trained .*; run the same command")],
)  # fmt: skip
def test_an_interruption_at_either_end_is_an_unfinished_study(stage, said, spec, tmp_path):
    # The second time, the journal is full and the results are not written.
    folder = tmp_path / "study"
    with pytest.raises(StudyIncomplete, match=f"^the study was interrupted {said}"):
        Study.from_spec(spec).run(folder, interrupt_when(lambda p: p.stage == stage))
    done = 6 * (stage == "reporting")
    assert events(folder)[-1] == {"schema": 2, "event": "stopped", "done": done, "of": 6}
    assert not (folder / "summary.json").exists()


def test_an_interruption_in_the_first_run_says_that_its_epochs_are_kept(
    spec, tmp_path, monkeypatch
):
    folder = tmp_path / "study"
    said = "before the first of 6 replicas was done; '.*study' keeps what was trained"
    with pytest.raises(StudyIncomplete, match=said):
        Study.from_spec(spec).run(folder, interrupt_when(lambda p: p.stage == "training"))
    # Nothing that is kept is lost where the next one is interrupted before it goes on.
    said = (
        "before it went on; '.*study' keeps what was trained .* run the same command again to go on"
    )
    monkeypatch.setattr("normwise.study.training.drive", interrupted)
    with pytest.raises(StudyIncomplete, match=said):
        Study.from_spec(spec).run(folder)


def test_an_interruption_while_writing_is_one_too(spec, tmp_path, monkeypatch):
    monkeypatch.setattr("normwise.study.answering.write", interrupted)
    with pytest.raises(StudyIncomplete, match="after 6 of 6"):
        Study.from_spec(spec).run(tmp_path / "study")


def test_without_a_folder_an_interruption_says_how_to_keep_results(spec):
    with pytest.raises(StudyIncomplete, match=r"kept nothing.*out='FOLDER'"):
        Study.from_spec(spec).run(None, interrupt_when(lambda p: p.stage == "training"))


def test_a_finished_study_is_not_trained_again(spec, undisturbed, monkeypatch):
    def fail(*_, **__):
        raise AssertionError("nothing is to be trained")

    monkeypatch.setattr(Cohort, "chunks", fail)
    monkeypatch.setattr(Cohort, "lower", fail)
    monkeypatch.setattr("normwise.engine.Fit.train", fail)
    monkeypatch.setattr(EventLog, "write", fail)
    folder = undisturbed.folder
    kept = ("summary.json", "best.keras", "curves.parquet", "spec.toml")
    before = {name: (folder / name).read_bytes() for name in kept}
    again = Study.from_spec(spec).run(folder)
    assert again.summary() == undisturbed.summary()
    assert again.records == undisturbed.records
    assert {name: (folder / name).read_bytes() for name in kept} == before


def test_a_killed_study_goes_on_to_the_same_curves(spec, undisturbed, tmp_path):
    """Ten seconds: each process that is killed has to start, and to import JAX."""
    folder, luck = tmp_path / "study", random.SystemRandom()
    command = [sys.executable, "-m", "normwise", "study", "circles", "--json", "--out", str(folder)]
    for name in spec.variants:
        command += ["--variant", name]
    command += ["--seeds", str(spec.seeds), "--epochs", str(spec.epochs)]

    def killed_after(condition, delay):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                while not condition() and process.poll() is None:
                    time.sleep(0.01)
                process.wait(delay)
            process.kill()

    moments = luck.uniform(0, 6), luck.uniform(0, 1)
    killed_after(lambda: True, moments[0])
    killed_after((folder / "journal.jsonl").exists, moments[1])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"killed after {moments} s: {done.stderr}"
    store = Store(folder, spec)
    _, records = recorded(store, spec, History(store).fingerprint(), None, None)
    assert len({record.key.digest for record in records}) == len(records) == 6, moments
    records.sort(key=lambda record: (record.key.variant != "none", record.key.seed))
    same_curves(records, undisturbed.records)
    assert json.loads((folder / "summary.json").read_text()) == json.loads(done.stdout)


def perturb(path, event):
    """Epoch 3 of the validation loss by 4%, and epoch 2 of the loss by 2%, in one segment's file."""
    changes = {("val_loss", 2): 1.04, ("loss", 1): 0.98}
    with path.open("r+b") as file:
        file.seek(event["arrays"]["at"])
        curves = {name: np.load(file) for name in event["arrays"]["metrics"]}
        for (name, epoch), factor in changes.items():
            if event["first"] <= epoch < event["until"]:
                curves[name][:, epoch - event["first"]] *= factor
        file.seek(event["arrays"]["at"])
        for values in curves.values():
            np.save(file, values)


def test_the_solo_check_sees_what_differs_between_journal_and_fit(tmp_path):
    """Curves perturbed by hand, so that a record compared with itself would show."""
    settings = {"variants": ("none", "after"), "seeds": 2, "epochs": 3, "learning_rate": 0.1}

    def run():
        return Study(model(), data(), **settings).run(tmp_path / "study")

    before = run().answer.solo_check
    assert before.max_relative_difference < 1e-5
    folder = tmp_path / "study"
    lines = events(folder)
    for event in lines:
        if event["event"] == "segment":
            perturb(folder / "segments" / event["arrays"]["file"], event)
            del event["arrays"]["crc32"]
    (folder / "journal.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (tmp_path / "study" / "summary.json").unlink()
    after = run().answer.solo_check
    # Of what `fit` gives: |1 − 1.04| for the validation loss, and less for the training loss.
    assert after.max_relative_difference == pytest.approx(0.04, rel=1e-3)
    assert after.first_epoch_difference == pytest.approx(before.first_epoch_difference)
