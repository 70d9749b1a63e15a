"""Studies that Keras' own ``fit`` trains, from the first line to the report."""

import json
import logging

import keras
import numpy as np
import pytest
from keras import layers

from normwise import Study
from normwise.errors import StudyIncomplete
from normwise.study.pages import page_of_folder
from tests.execution.test_fit_worker import moving, plain

draw = np.random.default_rng(0)
X = draw.normal(size=(60, 4, 3)).astype("float32")
DATA = (X, (X.sum(axis=(1, 2)) > 0).astype(int))
SMALL = {"variants": ["none", "after"], "seeds": 2, "epochs": 4, "batch_size": 8}


def curves(result):
    return {record.key.variant + str(record.key.seed): record.curves for record in result.records}


class _Messages(logging.Handler):
    def __init__(self):
        super().__init__()
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())


@pytest.fixture(scope="module")
def messages():
    """What is said while the study below runs."""
    return _Messages()


@pytest.fixture(scope="module")
def moved(messages, tmp_path_factory):
    """A study that the stack refuses when it compiles, in a folder."""
    folder = tmp_path_factory.mktemp("fit") / "out"
    logging.getLogger("normwise").addHandler(messages)
    result = Study(moving, DATA, **SMALL).run(folder)
    logging.getLogger("normwise").removeHandler(messages)
    return result, folder


def test_the_reason_and_the_time_are_said_first_and_in_the_report(moved, messages):
    (result, folder), reason = moved, "layer 'counting' of model"
    first = messages.said[0]
    assert first.startswith(f"Keras' own fit trains each run alone: {reason}")
    assert first.endswith("One after another, 4 runs take about a second.")
    body = json.loads((folder / "summary.json").read_text())
    assert body["solo_check"] is None
    assert body["environment"]["engine"] == "fit"
    assert body["environment"]["engine_reason"].startswith(reason)
    assert all(variant["seconds_per_epoch"] > 0 for variant in body["variants"])
    for page in (result.page, page_of_folder(folder)):
        assert page.section("Settings").facts["engine"] == "fit"
        assert page.section("Solo check").text[0].startswith("Nothing to check: Keras' own fit")
        wanted = f"Keras' own fit trained each run alone: {reason}"
        assert any(note.startswith(wanted) for note in page.notes)


def test_the_same_command_again_trains_nothing_and_tries_no_stack(moved, monkeypatch):
    result, folder = moved
    before = (folder / "journal.jsonl").read_bytes()
    monkeypatch.setattr("normwise.execution.programs.Programs.prepare", None)
    again = Study(moving, DATA, **SMALL).run(folder)
    assert (again.trained, again.unchanged) == (0, True)
    assert curves(again) == curves(result)
    assert (folder / "journal.jsonl").read_bytes() == before
    assert json.loads((folder / "summary.json").read_text()) == again.summary()


def test_the_best_model_is_the_trained_one(moved):
    result, _ = moved
    model = result.best_model()
    final = result.answer.variants[[v.name for v in result.answer.variants].index(result.answer.recommended)].final  # fmt: skip
    assert set(final) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert int(next(v for v in model.variables if v.name == "calls")) > 0


def test_an_interrupted_study_goes_on_to_the_same_end(moved, tmp_path):
    def interrupt(progress):
        if progress.stage == "training" and progress.variant == "after" and progress.epoch == 2:
            raise KeyboardInterrupt

    study = Study(moving, DATA, **SMALL)
    with pytest.raises(StudyIncomplete, match="interrupted after 2 of 4 replicas"):
        study.run(tmp_path / "out", interrupt)
    result = study.run(tmp_path / "out")
    assert curves(result) == curves(moved[0])
    assert result.verdict == moved[0].verdict


def test_a_folder_holds_runs_of_both_engines_apart(tmp_path):
    alone = {**SMALL, "variants": ["none"]}
    stacked = Study(plain, DATA, **alone).run(tmp_path / "out")
    by_fit = Study(plain, DATA, **alone, engine="fit").run(tmp_path / "out")
    assert (by_fit.reused, by_fit.trained) == (0, 2)
    for name, own in curves(stacked).items():
        np.testing.assert_allclose(own["loss"], curves(by_fit)[name]["loss"], rtol=1e-5)
    again = Study(plain, DATA, **alone).run(tmp_path / "out")
    assert (again.reused, curves(again)) == (2, curves(stacked))


class Looking(keras.Model):
    """A step that looks at values, as code may that was written without tracing in mind."""

    seen = 0

    def train_step(self, state, data):
        logs, state = super().train_step(state, data)
        Looking.seen += float(logs["loss"]) > 0
        return logs, state


def test_a_step_that_cannot_be_traced_runs_as_python_code(caplog):
    def model(kind):
        inputs = keras.Input((4, 3))
        outputs = layers.Dense(1, "sigmoid")(layers.Dense(3, "tanh")(layers.Flatten()(inputs)))
        return kind(inputs, outputs)

    def built(kind=Looking):
        found = model(kind)
        found.compile("adam", "binary_crossentropy")
        return found

    alone = {**SMALL, "variants": ["none"], "epochs": 2}
    result = Study(built, DATA, **alone).run()
    assert "cannot be compiled for training (ConcretizationTypeError" in caplog.messages[0]
    # Each of 6 batches, in 2 runs of 2 epochs; and those that are timed.
    assert Looking.seen >= 24
    expected = Study(lambda: built(keras.Model), DATA, **alone, engine="fit").run()
    for name, own in curves(result).items():
        for metric in ("loss", "val_loss"):
            np.testing.assert_allclose(own[metric], curves(expected)[name][metric], rtol=1e-5)


@pytest.mark.usefixtures("wrong_dense")
def test_what_the_stack_trains_wrongly_is_trained_by_fit_and_the_verdict_stands(caplog, tmp_path):
    result = Study(plain, DATA, **SMALL).run(tmp_path / "out")
    assert "the solo check found that the stacked engine trains 'none' and 'after' other" in caplog.text  # fmt: skip
    assert result.answer.solo_check is None
    assert not result.verdict.startswith("No verdict")
    assert (tmp_path / "out" / "best.keras").exists()
    expected = Study(plain, DATA, **SMALL, engine="fit").run()
    assert curves(result) == curves(expected)
    again = Study(plain, DATA, **SMALL).run(tmp_path / "out")
    assert again.unchanged


def stop_early():
    return [keras.callbacks.EarlyStopping("loss", patience=0, mode="max")]


def test_runs_that_stopped_early_are_told_and_remembered(tmp_path):
    study = Study(plain, DATA, **SMALL, callbacks=stop_early)
    result = study.run(tmp_path / "out")
    assert [record.ended_at for record in result.records] == [2] * 4
    said = "none: 2 of 2 runs, after 2 epochs (median); after: 2 of 2 runs, after 2 epochs (median)"
    for page in (result.page, page_of_folder(tmp_path / "out")):
        assert said in page.section("Ended early").text[0]
    assert study.run(tmp_path / "out").trained == 0


def test_runs_that_no_callback_ended_are_not_told():
    alone = {**SMALL, "variants": ["none"]}
    result = Study(plain, DATA, **alone, callbacks=list).run()
    assert {record.ended_at for record in result.records} == {None}
    with pytest.raises(LookupError):
        result.page.section("Ended early")


def test_a_callback_that_raises_leaves_the_study_incomplete():
    def raising(variant):
        return [keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: 1 / (variant != "after"))]

    with pytest.raises(StudyIncomplete, match="'after', seeds 0, 1, after 0 epochs: ZeroDivision"):
        Study(plain, DATA, **SMALL, callbacks=raising).run()


def test_the_command_line_says_which_engine(run_command, caplog):
    command = ("study", "circles", "--variant", "none", "--seeds", "2", "--epochs", "2")
    code, out, error = run_command(*command, "--engine", "fit", "--out", "out", "--verbose")
    assert code == 0
    assert "fit trains each run alone: it was asked for. One after another, 2 runs" in caplog.text
    assert "Nothing to check: Keras' own fit trained every run itself." in " ".join(out.split())
    code, _, error = run_command(*command, "--engine", "fast")
    assert (code, "expected 'auto', 'stacked' or 'fit'" in error) == (2, True)
