"""From rows to runs: what is missing, doubled, lost or shorter."""

import math

import numpy as np
import pandas as pd
import pytest

from normwise.errors import DataError, SpecError
from normwise.runs import runs_of

NAN = math.nan


@pytest.fixture
def records(read):
    def make(frame, metric="val_accuracy", **options):
        return runs_of(read(frame), metric, **options)

    return make


def of(frame, variant, seed):
    return (frame["variant"] == variant) & (frame["seed"] == seed)


def test_every_value_arrives(curves, records):
    frame = curves()
    found = records(frame.sample(frac=1, random_state=1))  # in any order
    assert (len(found.records), found.horizon, found.notes) == (10, 30, ())
    for record in found.records:
        own = frame[of(frame, record.key.variant, record.key.seed)]
        assert record.curves["val_accuracy"] == tuple(own["val_accuracy"])
        assert record.curves["loss"] == tuple(own["loss"])
        assert (record.learning_rate, record.diverged_at) == (None, None)


def test_doubled_rows_are_refused(curves, records):
    frame = curves()
    with pytest.raises(DataError, match=r"'bn', seed 2, has 2 rows for epoch 1 \(30 such places"):
        records(pd.concat([frame, frame[of(frame, "bn", 2)]]))


def test_runs_that_nothing_tells_apart_need_a_seed_and_not_fewer_rows(curves, records):
    with pytest.raises(DataError, match=r"no column says the seed.*has 5 rows.*try --seed-column"):
        records(curves().drop(columns="seed"))


def test_rows_that_add_to_one_another_are_one_epoch(curves, records):
    """Lightning logs training and validation in rows of their own, and steps in between."""
    frame = curves()
    keys = frame[["variant", "seed", "epoch"]]
    steps = pd.concat(keys.assign(step=50 * keys["epoch"] - at, loss=9.0) for at in (30, 20, 10))
    ends = keys.assign(step=50 * keys["epoch"])
    apart = pd.concat(
        [steps, ends.assign(loss=frame["loss"]), ends.assign(val_accuracy=frame["val_accuracy"])]
    )
    assert records(apart).records == records(frame).records


def test_what_is_logged_more_often_counts_where_the_metric_is(curves, records):
    frame = curves()
    seldom = frame.assign(val_accuracy=frame["val_accuracy"].where(frame["epoch"] % 5 == 0))
    found = records(seldom)
    assert found.horizon == 6
    assert found.notes == (
        "An epoch here is 5 of what 'epoch' counts: that is how often the target's metric was logged.",
    )
    first = found.records[0]
    assert first.curves["loss"] == tuple(frame["loss"][:30][frame["epoch"][:30] % 5 == 0])


def test_a_gap_is_said_and_costs_nothing_else(curves, records):
    frame = curves()
    found = records(frame[~(of(frame, "bn", 2) & frame["epoch"].isin([4, 5, 6, 9]))])
    [note] = found.notes
    assert note == (
        "'bn', seed 2, has no val_accuracy in epochs 4 to 6, 9: what a run reaches in a gap counts "
        "at the next epoch that is there."
    )
    [run] = (one for one in found.records if (one.key.variant, one.key.seed) == ("bn", 2))
    assert np.flatnonzero(np.isnan(run.curves["val_accuracy"])).tolist() == [3, 4, 5, 8]
    assert run.epochs == 30


@pytest.mark.parametrize("lost", [NAN, math.inf])
@pytest.mark.parametrize("written", [30, 7], ids=["to the end", "and stopped"])
def test_a_loss_that_is_lost_is_a_divergence(curves, records, lost, written):
    frame = curves()
    diverged = of(frame, "none", 1) & (frame["epoch"] >= 6)
    frame.loc[diverged, "loss"] = lost
    found = records(frame[~(diverged & (frame["epoch"] > written))])
    [run] = (one for one in found.records if one.diverged_at)
    assert (run.key.variant, run.key.seed, run.diverged_at) == ("none", 1, 6)
    assert np.isnan(run.curves["val_accuracy"][5:]).all()
    assert found.horizon == 30


def test_divergences_end_no_comparison(curves, records):
    """Where every run of a variant is lost in epoch 6, the other is still followed to its end."""
    frame = curves()
    lost = frame["variant"] == "none"
    frame.loc[lost & (frame["epoch"] == 6), "loss"] = NAN
    found = records(frame[~lost | (frame["epoch"] <= 6)])
    assert found.horizon == 30
    assert [one.diverged_at for one in found.records] == [6] * 5 + [None] * 5


def test_a_metric_that_is_lost_is_a_divergence_where_there_is_no_loss(curves, records):
    frame = curves().drop(columns="loss")
    frame.loc[of(frame, "bn", 0) & (frame["epoch"] > 10), "val_accuracy"] = NAN
    [run] = (one for one in records(frame).records if one.diverged_at)
    assert (run.key.variant, run.diverged_at) == ("bn", 11)


def test_a_run_that_was_lost_from_the_first_epoch_has_diverged(curves, records):
    frame = curves()
    frame.loc[of(frame, "none", 3), ["loss", "val_accuracy"]] = NAN
    [run] = (one for one in records(frame).records if one.diverged_at)
    assert (run.key.seed, run.diverged_at) == (3, 1)


def test_a_run_that_ends_early_is_said(curves, records):
    frame = curves()
    found = records(frame[~(of(frame, "none", 1) & (frame["epoch"] > 12))])
    assert found.horizon == 30
    [note] = found.notes
    assert note.startswith(
        "1 of 10 runs end before epoch 30, 'none', seed 1, after 12: as after early"
    )
    assert note.endswith("--horizon 12.")


def test_a_variant_that_was_given_less_limits_all(curves, records):
    frame = curves()
    found = records(frame[(frame["variant"] == "bn") | (frame["epoch"] <= 20)])
    assert found.horizon == 20
    assert found.notes == ("All are compared up to epoch 20, where one variant ends.",)


def test_a_horizon_cuts_everything_behind_it(curves, records):
    frame = curves()
    frame.loc[of(frame, "none", 1) & (frame["epoch"] >= 20), "loss"] = NAN
    found = records(frame, horizon=12)
    assert {one.epochs for one in found.records} == {12}
    assert not any(one.diverged_at for one in found.records)
    with pytest.raises(
        SpecError, match="ends at epoch 30; expected at most that; try --horizon 30"
    ):
        records(frame, horizon=31)


def test_a_run_without_the_metric_is_refused(curves, records):
    frame = curves()
    frame.loc[of(frame, "bn", 4), "val_accuracy"] = NAN
    with pytest.raises(DataError, match="the run of 'bn', seed 4, has no value of val_accuracy"):
        records(frame)


def test_points_of_a_grid_are_runs_of_their_own(curves, records):
    frame = pd.concat([curves().assign(lr=rate, batch_size=32) for rate in (0.1, 0.01)])
    found = records(frame).records
    assert len(found) == 20
    assert {(one.learning_rate, one.batch_size) for one in found} == {(0.1, 32), (0.01, 32)}
