"""Columns of long tables as people and tools name them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from normwise.errors import DataError, UnknownNameError
from normwise.runs import ColumnNames


def runs_in(table):
    """Variant, seed and place of each row."""
    return table.frame[["variant", "seed", "place"]].to_numpy().tolist()


@pytest.mark.parametrize(
    "names",
    [
        {"variant": "arm", "seed": "trial", "epoch": "Epoch"},
        {"variant": "model", "seed": "random_state", "epoch": "step"},
        {"variant": "config/norm", "seed": "config/seed", "epoch": "_step"},
        {"variant": "params.variant", "seed": "params.seed", "epoch": "trainer/global_step"},
        {"variant": "Normalization", "seed": "Repeat", "epoch": "iteration"},
        {"variant": "architecture", "seed": "run", "epoch": "epoch"},
        {"variant": "run_name", "seed": "run", "epoch": "epoch"},
    ],
    ids=lambda names: " ".join(names.values()),
)
def test_usual_names_are_recognised(curves, read, names):
    frame = curves()
    assert runs_in(read(frame.rename(columns=names))) == runs_in(read(frame))


def test_any_names_can_be_said(curves, read):
    frame = curves().rename(columns={"variant": "a", "seed": "b", "epoch": "c"})
    table = read(frame, columns=ColumnNames("a", "b", "c"))
    assert runs_in(table) == runs_in(read(curves()))


def test_an_index_counts_as_columns(curves, read):
    frame = curves()
    assert runs_in(read(frame.set_index(["variant", "seed", "epoch"]))) == runs_in(read(frame))


def test_a_runs_name_says_variant_and_seed(curves, read):
    frame = curves()
    frame["Name"] = frame.pop("variant") + "-seed" + frame.pop("seed").astype(str)
    assert runs_in(read(frame)) == runs_in(read(curves()))


def test_seeds_of_text_are_numbered_alike_in_all_variants(curves, read):
    frame = curves()
    frame["seed"] = "try " + frame["seed"].astype(str)
    assert runs_in(read(frame)) == runs_in(read(curves()))


def test_clocks_counters_and_texts_are_no_metrics(curves, read):
    frame = curves().assign(
        _runtime=1.5,
        _timestamp=1.7e9,
        wall_time=2.0,
        Step=7,
        Seed=8,
        iteration=9,
        host="a",
        gpu=True,
    )
    table = read(frame)
    assert list(table.metrics) == ["loss", "val_accuracy"]
    assert any("host" in note and "gpu" in note for note in table.notes)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.astype({"variant": "category", "seed": "category", "epoch": "category"}),
        lambda f: f.astype({"seed": "Int64", "epoch": "Int64", "loss": "Float64"}),
        lambda f: f.astype({"seed": "float64", "epoch": "str", "loss": "str"}),
        lambda f: f.assign(variant=" " + f["variant"] + "\n"),
        pl.from_pandas,
    ],
    ids=["categories", "nullable", "texts", "spaces", "polars"],
)
def test_columns_of_any_type(curves, read, change):
    table = read(change(curves()))
    assert runs_in(table) == runs_in(read(curves()))
    assert table.frame["loss"].tolist() == curves()["loss"].tolist()


def test_rows_without_an_epoch_are_left_out_and_counted(curves, read):
    frame = curves()
    more = pd.concat(
        [
            frame,
            frame[:3].assign(epoch=np.nan),
            frame[:2].assign(epoch=np.nan, loss=np.nan, val_accuracy=np.nan),
        ]
    )
    table = read(more)
    assert runs_in(table) == runs_in(read(frame))
    assert "3 rows with values have no 'epoch' and were left out." in table.notes


def test_a_text_that_says_nan_is_a_number_that_was_lost(curves, read):
    frame = curves()
    loss = frame["loss"].astype(object).where(frame["epoch"] < 28, "nan")
    table = read(frame.assign(loss=loss))
    assert table.frame["loss"].isna().sum() == 3 * 10


@pytest.mark.parametrize("sign", ["%", " %"])
def test_numbers_with_a_percent_sign_are_numbers(curves, read, tmp_path, sign):
    frame = curves()
    percent = [None, *(f"{100 * value:.1f}{sign}" for value in frame["val_accuracy"][1:])]
    frame = frame.assign(
        val_accuracy=percent, variant=frame["variant"].map({"none": "0%", "bn": "5%"})
    )
    frame.to_csv(tmp_path / "runs.csv", index=False)
    melted = frame.melt(["variant", "seed", "epoch"], var_name="metric")
    for table in map(read, (frame, tmp_path / "runs.csv", melted)):
        assert list(table.metrics) == ["loss", "val_accuracy"]
        assert set(table.frame["variant"]) == {"0%", "5%"}
        rows = table.frame.sort_values(["variant", "seed", "place"], ascending=[True, True, True])
        read_in = dict(
            zip(
                zip(rows["variant"], rows["seed"], rows["place"], strict=True),
                rows["val_accuracy"],
                strict=True,
            )
        )
        for (_, row), value in zip(frame[1:].iterrows(), curves()["val_accuracy"][1:], strict=True):
            assert read_in[row["variant"], row["seed"], row["epoch"]] == round(100 * value, 1)
        assert (
            "Numbers with a percent sign are taken as they stand, 85.2% as 85.2: val_accuracy."
            in table.notes
        )


def test_a_percent_sign_behind_some_numbers_alone_leaves_open_what_the_others_are(curves, read):
    frame = curves()
    texts = frame["val_accuracy"].astype(str).where(frame["epoch"] < 9, "85.2%")
    table = read(frame.assign(val_accuracy=texts))
    assert list(table.metrics) == ["loss"]
    assert any("no metrics were left out: val_accuracy" in note for note in table.notes)


def test_a_learning_rate_is_the_first_of_its_schedule(curves, read):
    frame = curves()
    frame["lr"] = 0.1 * 0.9 ** (frame["epoch"] - 1)
    assert read(frame).frame["learning_rate"].unique().tolist() == [0.1]
    grid = pd.concat([frame.assign(lr=0.1), frame.assign(lr=0.01)])
    assert read(grid).frame["learning_rate"].unique().tolist() == [0.1, 0.01]
    assert "learning rate 'lr'" in read(grid).notes[0]


def test_several_learning_rates_with_a_schedule_leave_open_which_rows_are_of_one_run(curves, read):
    frame = curves()
    decay = 0.9 ** (frame["epoch"] - 1)
    grid = pd.concat([frame.assign(lr=rate * decay) for rate in (0.1, 0.01)])
    with pytest.raises(DataError, match="'lr' changes within runs, such as to"):
        read(grid)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="variant"), "no column says the variant; .*--variant-column"),
        (lambda f: f.drop(columns="epoch"), "no column says the epoch; .*--epoch-column"),
        (lambda f: f[["variant", "seed", "epoch"]], "no column holds a metric"),
        (lambda f: pd.concat([f, f[["loss"]]], axis=1), "the columns loss more than once"),
        (lambda f: f.assign(norm=1, model=f["seed"] % 2).drop(columns="variant").assign(
            norm=f["variant"]), "several columns could say the variant: norm, model"),
        (lambda f: f.assign(trial=f["seed"] % 2, fold=f["seed"]).drop(columns="seed"),
         "several columns could say the seed: trial, fold; .*--seed-column trial"),
        (lambda f: f.assign(variant=f["variant"].where(f["seed"] > 0)), "no value in 60 of 300 rows"),
        (lambda f: f.assign(seed=f["seed"].where(f["seed"] > 0)), "seed is missing in 60 of 300 rows"),
        (lambda f: f.assign(epoch="first"), "column 'epoch' holds 'first'"),
        (lambda f: f.assign(epoch=f["epoch"] - 2), "column 'epoch' holds -1"),
        (lambda f: f.assign(loss=np.nan, val_accuracy=np.nan), "loss, val_accuracy have no values"),
    ],
)  # fmt: skip
def test_what_is_missing_or_ambiguous_is_one_message(curves, read, change, message):
    with pytest.raises(DataError, match=message):
        read(change(curves()))


def test_a_wide_table_is_told_apart(curves, read):
    wide = curves().pivot_table(index="epoch", columns=["variant", "seed"], values="val_accuracy")
    wide.columns = [f"{variant}-{seed} - val_accuracy" for variant, seed in wide.columns]
    expected = r"wide.*such as '[^']+ - val_accuracy'; expected a long one.*pandas\.melt"
    with pytest.raises(DataError, match=expected):  # one column's name, be there thousands
        read(wide.reset_index())


def test_a_column_that_is_not_there_offers_those_that_are(curves, read):
    with pytest.raises(
        UnknownNameError, match="unknown column 'arm'; expected one of variant, seed"
    ):
        read(curves(), columns=ColumnNames(variant="arm"))


def test_a_random_search_is_no_grid(curves, read):
    """Each seed with a rate of its own: nothing could be chosen on one half of the seeds."""
    frame = curves()
    table = read(frame.assign(lr=0.1 / (1 + frame["seed"])))
    assert table.frame["learning_rate"].isna().all()
    assert any("they are no grid" in note for note in table.notes)
    by_variant = read(frame.assign(lr=frame["variant"].map({"none": 0.1, "bn": 0.5})))
    assert {*by_variant.frame["learning_rate"]} == {0.1, 0.5}
