"""The options of a study two by two: none changes what another one trains, counts or reports."""

import contextlib
import itertools
import math

import numpy as np
import pytest

from normwise.domain import Target
from normwise.study import Study, page_of_folder
from tests.study.test_ablating import two_layers
from tests.study.test_grid import data

BASE = {
    "variants": ("none", "after"), "seeds": 4, "epochs": 8, "batch_size": 8,
    "learning_rate": 0.3,
}  # fmt: skip
OPTIONS = {
    "grid": {"learning_rate": (0.3, 3.0)},
    "prune": {"prune": True},
    "ablate": {"ablate": True},
    "until_decided": {"until_decided": True, "max_seeds": 8},
    "patience": {"patience": 2},
    "price": {"price": 2.0},
    "target": {"target": "val_accuracy>=0.95"},
}
# These two are no settings: of one run, and of what happens to it.
ASIDE = ("budget", "interrupted")
# What the study may leave layers out of, and with which of the two it has then; the second is
# trained where the statistics of the first lag.
BY_LAYERS = {
    "after": ("after", "after:only=1", "after:only=2"),
    "after:momentum=auto": (
        "after:momentum=auto", "after:momentum=auto,only=1", "after:momentum=auto,only=2",
    ),
}  # fmt: skip
ROWS = [
    "grid prune ablate patience price target interrupted",
    "grid until_decided budget ablate patience price target interrupted",
    "",
    "grid prune",
    "until_decided budget",
    "until_decided ablate price",
    "grid ablate patience target",
    "patience price interrupted",
    "target interrupted",
]


def allowed(on):
    """Whether a study takes these options together: refusals are tested where they belong."""
    alone = {"prune", "until_decided"} <= on or {"prune", "budget"} <= on
    return not alone


@pytest.mark.parametrize("pair", list(itertools.combinations([*OPTIONS, *ASIDE], 2)), ids="+".join)
def test_every_pair_of_options_is_in_a_row_with_and_without_each(pair):
    seen = {tuple(option in row.split() for option in pair) for row in ROWS}
    forced = {("prune", "grid"), ("budget", "until_decided")}  # the first needs the second
    wanted = set(itertools.product([True, False], repeat=2))
    if not allowed(set(pair)):
        wanted.discard((True, True))
    if pair in forced:
        wanted.discard((True, False))
    if pair[::-1] in forced:
        wanted.discard((False, True))
    assert wanted <= seen


@pytest.fixture(scope="module")
def everything():
    """Curves of all replicas that any row trains, by variant, rate and seed: no option at all."""
    settings = BASE | OPTIONS["grid"] | {"seeds": 8}
    own = ("none", *BY_LAYERS["after"], *BY_LAYERS["after:momentum=auto"])
    found = Study(two_layers(), data(), **{**settings, "variants": own}).run()
    return {(r.key.variant, r.learning_rate, r.key.seed): r.curves for r in found.records}


def run(row, folder):
    """The study with these options, run to its end; and what running it anew takes."""
    on = row.split()
    settings = BASE.copy()
    for option in on:
        settings |= OPTIONS.get(option, {})
    arguments = {"budget": 600.0} if "budget" in on else {}

    class Stop(Exception):  # noqa: N818
        pass

    def until(share):
        def stop(progress):
            if progress.stage == "training" and progress.share >= share:
                raise Stop

        return stop

    def study(on_progress=lambda _: None):
        return Study(two_layers(), data(), **settings).run(folder, on_progress, **arguments)

    for share in (0.3, 0.8) if "interrupted" in on else ():
        with contextlib.suppress(Stop):
            study(until(share))
    return study


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row or "none of them")
def test_no_option_changes_what_another_trains_counts_or_reports(row, everything, tmp_path):
    """The first takes fifteen seconds: it waits for `everything`, and has all options at once."""
    study = run(row, tmp_path / "study")
    result, on = study(), row.split()
    summary = result.answer
    for record in result.records:
        reference = everything[record.key.variant, record.learning_rate, record.key.seed]
        done = record.stopped_at or record.epochs
        assert (record.stopped_at is None) or "prune" in on
        for metric, curve in record.curves.items():
            np.testing.assert_allclose(curve[:done], reference[metric][:done], rtol=1e-4, atol=1e-6)
    assert all((one.early_stopping is not None) is ("patience" in on) for one in summary.variants)
    assert all((one.cost is not None) is ("price" in on) for one in summary.variants)
    assert (summary.ablation is not None) is ("ablate" in on)
    if "ablate" in on:
        check_ablation(summary, everything)
    drawn = page_of_folder(tmp_path / "study")
    assert drawn.answer.text == result.page.answer.text
    assert drawn.notes == result.page.notes
    before = result.summary()
    assert study().summary() == before


def check_ablation(summary, everything):
    """Each subset's restricted mean, by hand, of replicas that all went to their end."""
    [standing] = [one for one in summary.variants if one.name == summary.ablation.variant]
    assert [step.variant for step in summary.ablation.tried] == [*BY_LAYERS[standing.name], "none"]
    for step in summary.ablation.tried:
        curves = [
            everything[step.variant, standing.learning_rate, seed][summary.target.metric]
            for seed in range(BASE["seeds"])
        ]
        epochs = [arrival(curve, summary.target) for curve in curves]
        assert step.restricted_mean.value == pytest.approx(np.mean(np.minimum(epochs, 8)))
        assert step.restricted_mean.censored == sum(map(math.isinf, epochs))
        assert step.final.n == BASE["seeds"]


def arrival(curve, target: Target):
    met = np.asarray(curve) >= target.value
    return 1 + int(np.argmax(met)) if met.any() else math.inf


def test_the_ablation_meets_replicas_that_halving_stopped(everything, tmp_path):
    """Or the rows above would not see them counted as never arriving."""
    result = run("grid prune ablate target", tmp_path / "study")()
    [after] = [one for one in result.answer.variants if one.name == "after"]
    late = [
        record.key
        for record in result.records
        if record.stopped_at is not None and record.learning_rate == after.learning_rate
        for curves in [everything[record.key.variant, record.learning_rate, record.key.seed]]
        if record.stopped_at < arrival(curves["val_accuracy"], result.answer.target) <= 8
    ]
    assert late
