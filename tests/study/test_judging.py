"""Verdicts on runs that something else trained: those of a study on its own curves, and others."""

import json
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import normwise as nw
from normwise.errors import DataError, ModelError, SpecError, StoreError, UnknownNameError
from normwise.study.judging import judge


def curves(seeds=range(5), epochs=30, **arrivals):
    """A long table: each variant's first epoch at 0.8, seed by seed."""
    return pd.DataFrame(
        {"variant": name, "seed": seed, "epoch": epoch, "val_accuracy": 0.5 + 0.3 * (epoch >= at)}
        for name, found in arrivals.items()
        for seed, at in zip(seeds, found, strict=True)
        for epoch in range(1, epochs + 1)
    )


SLOW, FAST = [24, 25, 27, 25, 26], [15, 16, 17, 16, 17]


def comparable(summary):
    """What a study's summary says, without what its curves do not."""

    def strip(value, left_out):
        if isinstance(value, dict):
            return {
                key: strip(part, left_out) for key, part in value.items() if key not in left_out
            }
        return [strip(part, left_out) for part in value] if isinstance(value, list) else value

    left_out = {
        "seconds_per_epoch",
        "seconds_ratio",
        "epoch_seconds",
        "epoch_seconds_ratio",
        "momentum",
        "steps",
        "steps_needed",
        "environment",
        "study",
        "solo_check",
        "verdict",
    }
    return strip(summary, left_out)


@pytest.fixture(scope="module")
def grid():
    """Two learning rates, of which every second seed chooses one."""
    rates = {"learning_rate": "0.003:0.03:2"}
    return nw.Study(
        "circles", "circles", variants=["none", "after"], seeds=4, epochs=3,
        target="val_accuracy>=0.5", **rates,
    ).run()  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "tensorboard", "mlflow"])
def test_a_study_exported_and_judged_is_that_study(undisturbed, grid, tmp_path, kind):
    """Variants, ratios, intervals, outcomes and recommendation, to the last bit."""
    again = judge(undisturbed.export(kind, tmp_path), target=str(undisturbed.answer.target))
    assert comparable(again.summary()) == comparable(undisturbed.summary())
    again = judge(grid.export(kind, tmp_path / "grid"), target=str(grid.answer.target))
    assert comparable(again.summary()) == comparable(grid.summary())
    assert "Where it works" in [section.title for section in again.page.sections]


def test_it_is_the_analysis_of_a_study():
    slow, fast = SLOW * 2, FAST * 2
    found = judge(curves(range(10), none=slow, after=fast), target="val_accuracy>=0.8")
    direct = nw.analysis.compare(fast, slow, horizon=30)
    [one] = found.answer.comparisons
    assert (one.outcome, one.epochs_ratio.value, one.epochs_ratio.low) == (
        "helps", direct.ratio, direct.low
    )  # fmt: skip
    assert found.verdict.startswith(
        "Normalisation helps here: `after` reaches val_accuracy>=0.8 in 16"
    )
    assert found.summary()["recommended"] == "after"
    assert (
        found.curves["val_accuracy"].tolist()
        == curves(range(10), none=slow, after=fast)["val_accuracy"].tolist()
    )


def test_seconds_and_the_solo_check_are_left_out():
    found = judge(curves(none=SLOW, after=FAST))
    assert [section.title for section in found.page.sections] == [
        "Curves", "Variants", "Runs", "Arrivals", "How they end", "Mean epochs to the target",
        "Settings", "Environment",
    ]  # fmt: skip
    said = found.summary()
    assert said["solo_check"] is None
    assert {one["seconds_per_epoch"] for one in said["variants"]} == {None}
    assert {one["learning_rate"] for one in said["variants"]} == {None}
    assert "seconds" not in found.verdict
    with pytest.raises(ModelError, match="no best model of runs that something else trained"):
        found.best_model()


def test_other_seeds_are_compared_as_samples_and_that_is_said():
    frame = pd.concat([curves(none=SLOW), curves(range(10, 15), after=FAST)])
    found = judge(frame, target="val_accuracy>=0.8")
    [one] = found.answer.comparisons
    direct = nw.analysis.compare(FAST, SLOW, horizon=30, paired=False)
    assert (one.epochs_ratio.low, one.epochs_ratio.high) == (direct.low, direct.high)
    assert (
        "Seeds shared with none, which has 5: after 0 of 5. These are compared unpaired, as two "
        "samples, which takes more seeds than pairs do."
    ) in found.page.notes


def test_what_the_seeds_allow_is_said_once_for_all_variants():
    others = curves(range(10, 15), before=FAST, after=FAST)
    mostly = curves(range(1, 6), input=SLOW, ghost=SLOW)
    notes = judge(pd.concat([curves(none=SLOW), others, mostly])).page.notes
    told = [note for note in notes if "eeds" in note and "read from" not in note]
    assert told[:2] == [
        "Seeds shared with none, which has 5: before 0 of 5, after 0 of 5. These are compared "
        "unpaired, as two samples, which takes more seeds than pairs do.",
        "Pairs are made of the seeds that a variant and none both have; seeds left out of the "
        "ratio: input 2, ghost 2.",
    ]
    assert not any("unpaired" in note for note in told[2:])


def test_one_seed_decides_nothing_and_says_what_would():
    found = judge(curves([7], none=[24], after=[15]), target="val_accuracy>=0.8")
    [one] = found.answer.comparisons
    assert (one.outcome, one.epochs_ratio.low, one.epochs_ratio.high) == ("undecided", 0, math.inf)
    assert "about 5 seeds would decide it" in found.verdict
    assert any("fewer than 3 seeds (none 1, after 1)" in note for note in found.page.notes)


def test_a_divergence_is_an_outcome():
    frame = curves(none=SLOW, after=FAST).assign(loss=1.0)
    frame.loc[
        (frame["variant"] == "none") & (frame["seed"] == 2) & (frame["epoch"] > 9), "loss"
    ] = np.nan
    found = judge(frame, target="val_accuracy>=0.8").answer.variants[0].epochs_to_target
    assert (found.reached, found.censored, found.diverged) == (4, 0, 1)


def test_early_stopping_is_censoring_at_the_end_of_the_run():
    frame = curves(none=SLOW, after=FAST)
    stopped = (frame["variant"] == "none") & (frame["seed"] == 2) & (frame["epoch"] > 20)
    found = judge(frame[~stopped], target="val_accuracy>=0.8")
    direct = nw.analysis.compare(FAST, [24, 25, math.inf, 25, 26], horizon=30)
    assert found.answer.comparisons[0].epochs_ratio.low == direct.low
    assert any("end before epoch 30" in note for note in found.page.notes)
    cut = judge(frame[~stopped], target="val_accuracy>=0.8", horizon=20).answer
    assert cut.variants[0].epochs_to_target.reached == 0


def test_a_default_target_is_what_the_baseline_reaches_where_all_are_compared():
    frame = curves(plain=SLOW, bn=FAST).assign(
        val_accuracy=lambda f: f["val_accuracy"] + f["epoch"] / 1e3
    )
    short = frame[(frame["variant"] == "plain") | (frame["epoch"] <= 20)]
    assert judge(short, baseline="plain").answer.target.value == pytest.approx(0.52)


@pytest.mark.parametrize(
    ("metric", "mode", "relation", "said"),
    [
        ("val/loss", "auto", "<=", False), ("val_acc", "auto", ">=", False),
        ("wobble", "auto", "<=", True), ("wobble", "max", ">=", False),
    ],
)  # fmt: skip
def test_which_way_is_better_is_told_by_name_option_or_training(metric, mode, relation, said):
    frame = curves(none=SLOW, after=FAST).rename(columns={"val_accuracy": metric})
    frame[metric] = 1 - frame[metric]
    found = judge(frame, mode=mode)
    assert found.answer.target.relation == relation
    assert (
        any("does not say whether more of it is better" in note for note in found.page.notes)
        == said
    )


def test_a_target_is_typed_as_its_log_has_it():
    frame = curves(none=SLOW, after=FAST).rename(columns={"val_accuracy": "val/accuracy"})
    assert judge(frame, target="val/accuracy>=0.8").answer.target.metric == "val_accuracy"
    assert judge(frame, metric="val/accuracy").answer.target.metric == "val_accuracy"


def test_the_metric_that_most_would_look_at():
    frame = curves(none=SLOW, after=FAST).rename(columns={"val_accuracy": "val_acc"})
    frame = frame.assign(loss=1.0, val_loss=2.0, acc=0.5)
    assert judge(frame).answer.target.metric == "val_acc"
    assert judge(frame.drop(columns="val_acc")).answer.target.metric == "val_loss"
    assert judge(frame.drop(columns=["val_acc", "val_loss"])).answer.target.metric == "acc"


def test_any_baseline_can_be_named_and_comes_first():
    frame = curves(bn=FAST, plain=SLOW, ln=SLOW)
    found = judge(frame, baseline="plain")
    assert [one.name for one in found.answer.variants] == ["plain", "bn", "ln"]
    assert "`bn` helps here compared with `plain`" in found.verdict
    with pytest.raises(
        DataError, match=r"none of the variants 'bn', 'plain', 'ln' is .*--baseline 'plain'"
    ):
        judge(frame)
    with pytest.raises(UnknownNameError, match=r"unknown variant 'plan'; .*did you mean 'plain'"):
        judge(frame, baseline="plan")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"margin": 1}, SpecError, "margin is 1; expected a ratio above 1"),
        ({"end_margin": -0.1}, SpecError, "end_margin is -0.1; expected a finite number from 0"),
        ({"end_margin": math.inf}, SpecError, "end_margin is inf; .* try --end-margin 0.01"),
        ({"horizon": 0}, SpecError, "horizon is 0; expected epochs from 1"),
        ({"horizon": 99}, SpecError, "ends at epoch 30"),
        ({"mode": "up"}, UnknownNameError, "unknown mode 'up'"),
        ({"colour": "x"}, UnknownNameError, "unknown option 'colour'"),
        ({"target": "soon"}, SpecError, "does not parse"),
        ({"target": "val_acc>=0.5"}, UnknownNameError, "unknown metric 'val_acc'"),
        (
            {"target": "val_accuracy>=0.5", "metric": "loss"},
            UnknownNameError,
            "unknown metric 'loss'",
        ),
    ],
)
def test_what_means_nothing_is_one_message(options, error, message):
    with pytest.raises(error, match=message):
        judge(curves(none=SLOW, after=FAST), **options)


def test_the_files_are_a_study_s(tmp_path):
    found = judge(curves(none=SLOW, after=FAST), out=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "curves.parquet", "curves.png", "report.html", "summary.json"
    ]  # fmt: skip
    assert found.folder == tmp_path / "out"
    assert json.loads((found.folder / "summary.json").read_text("utf-8")) == found.summary()
    again = judge(found.folder / "curves.parquet")
    assert comparable(again.summary()) == comparable(found.summary())
    html = (found.folder / "report.html").read_text("utf-8")
    assert "Solo check" not in html
    assert "read from a data frame" in html


def test_a_study_is_never_written_over(undisturbed):
    before = (undisturbed.folder / "summary.json").read_bytes()
    with pytest.raises(StoreError, match="holds a study; expected one of its own"):
        judge(curves(none=SLOW, after=FAST), out=undisturbed.folder)
    assert (undisturbed.folder / "summary.json").read_bytes() == before
    with pytest.raises(DataError, match=r"holds a study of normwise's; .*normwise report"):
        judge(undisturbed.folder)


def test_an_export_needs_a_folder_and_a_kind(undisturbed, tmp_path):
    with pytest.raises(UnknownNameError, match="unknown export 'wandb'; expected one of csv"):
        undisturbed.export("wandb", tmp_path)
    with pytest.raises(SpecError, match="without a folder"):
        judge(curves(none=SLOW, after=FAST)).export("csv")


def test_neither_jax_nor_keras_is_loaded(tmp_path):
    curves(none=SLOW, after=FAST).to_csv(tmp_path / "runs.csv", index=False)
    code = (
        "import sys, normwise as nw; "
        f"nw.judge({str(tmp_path / 'runs.csv')!r}, out={str(tmp_path / 'out')!r}); "
        "print(sorted({'jax', 'keras', 'torch', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
