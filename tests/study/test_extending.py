"""More seeds, variants or points, another target: the study that was asked for at once."""

import numpy as np
import pytest

from normwise import Study
from normwise.engine import Cohort
from normwise.errors import StudyIncomplete
from normwise.spec import Spec
from normwise.study import page_of_folder

FIRST = {"variants": ("none",), "seeds": 2, "target": "val_loss<=0.6"}


@pytest.fixture
def trained(monkeypatch):
    """How many replicas each chunk trains."""
    seen = []
    begin = Cohort.begin

    def spy(self, chunk):
        seen.append(len(chunk))
        return begin(self, chunk)

    monkeypatch.setattr(Cohort, "begin", spy)
    return seen


def changed(spec, **changes):
    return Spec.make(spec.model_dump(exclude_none=True) | changes)


def run(spec, folder):
    return Study.from_spec(spec).run(folder)


def same(ours, theirs, without_times):
    """Run by run, and in all that the summary says, up to rounding."""
    assert [one.key for one in ours.records] == [one.key for one in theirs.records]
    for one, other in zip(ours.records, theirs.records, strict=True):
        assert (one.diverged_at, one.stopped_at) == (other.diverged_at, other.stopped_at)
        np.testing.assert_allclose(one.curves["loss"], other.curves["loss"], rtol=1e-6)
        np.testing.assert_allclose(one.curves["val_loss"], other.curves["val_loss"], rtol=1e-6)
    assert flat(without_times(ours.summary())) == flat(without_times(theirs.summary()))
    assert {path.name for path in ours.folder.iterdir()} == {
        path.name for path in theirs.folder.iterdir()
    }


def flat(value, path=""):
    """Each part of a summary by its path; numbers compare up to rounding."""
    if isinstance(value, dict):
        return {k: v for key, part in value.items() for k, v in flat(part, f"{path}/{key}").items()}
    if isinstance(value, list):
        return flat(dict(enumerate(value)), path)
    return {path: pytest.approx(value, rel=1e-5, abs=1e-5) if type(value) is float else value}


def test_more_seeds_variants_and_another_target_are_the_study_asked_for_at_once(
    spec, undisturbed, without_times, trained, tmp_path
):
    run(changed(spec, **FIRST), tmp_path / "out")
    trained.clear()
    extended = run(spec, tmp_path / "out")
    assert (extended.reused, extended.trained) == (2, 4)
    # A seed of `none` and three of `before`; no winner again.
    assert trained == [1, 3]
    same(extended, undisturbed, without_times)
    assert Spec.from_toml(tmp_path / "out" / "spec.toml", {}) == spec
    assert page_of_folder(tmp_path / "out").answer.text == undisturbed.verdict


def test_another_target_alone_trains_no_run(spec, undisturbed, without_times, tmp_path):
    other = changed(spec, target="val_loss<=0.69")
    reached = run(other, tmp_path / "undisturbed")
    run(spec, tmp_path / "out")
    extended = run(other, tmp_path / "out")
    assert (extended.reused, extended.trained) == (6, 0)
    same(extended, reached, without_times)
    assert extended.summary() != undisturbed.summary()
    assert page_of_folder(tmp_path / "out").subject == reached.page.subject
    # The model on disk is the winner by the new target.
    import keras

    ours, theirs = (
        keras.saving.load_model(one.folder / "best.keras", compile=False).get_weights()
        for one in (extended, reached)
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_an_interrupted_extension_goes_on(spec, undisturbed, without_times, tmp_path):
    folder = tmp_path / "out"
    run(changed(spec, **FIRST), folder)

    def interrupt(progress):
        if progress.variant == "before" and progress.epoch >= 2:
            raise KeyboardInterrupt

    with pytest.raises(StudyIncomplete, match="after 3 of 6"):
        Study.from_spec(spec).run(folder, interrupt)
    # The first study's answer is not this one's.
    assert not (folder / "summary.json").exists()
    assert page_of_folder(folder).warnings
    extended = run(spec, folder)
    assert (extended.reused, extended.trained) == (3, 3)
    same(extended, undisturbed, without_times)


def test_a_summary_of_other_settings_does_not_pass_for_the_answer(
    spec, undisturbed, without_times, tmp_path, monkeypatch
):
    folder = tmp_path / "out"
    run(changed(spec, seeds=2), folder)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("normwise.study.answering.write", killed)
        with pytest.raises(StudyIncomplete):
            run(spec, folder)
    # All runs are there, and the model of two seeds.
    extended = run(spec, folder)
    assert extended.trained == 0
    same(extended, undisturbed, without_times)


def test_a_pruned_study_grows_as_if_it_had_been_asked_for_at_once(spec, without_times, tmp_path):
    grown = {"seeds": 6, "learning_rate": (0.001, 0.01, 0.1, 0.5)}
    small = {"prune": True, "seeds": 4, "epochs": 4, "learning_rate": (0.001, 0.01, 0.1)}
    small |= {"variants": ("none", "before")}
    run(changed(spec, **small), tmp_path / "out")
    extended = run(changed(spec, **small | grown), tmp_path / "out")
    at_once = run(changed(spec, **small | grown), tmp_path / "undisturbed")
    same(extended, at_once, without_times)
    assert page_of_folder(tmp_path / "out").answer.text == at_once.verdict
