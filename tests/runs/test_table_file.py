"""Long tables in files of every usual format, as people and tools write them."""

import pandas as pd
import pytest

from normwise.data.formats import TABLE_READERS
from normwise.domain import DATA_FILES, RunKey, RunRecord
from normwise.errors import DataError
from normwise.runs import runs_of
from normwise.runs.table_file import write_csv

WRITERS = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    ".txt": lambda frame, path: frame.to_csv(path, index=False, sep=";", decimal=","),
    ".log": lambda frame, path: frame.to_csv(path, index=False, encoding="utf-16"),
    ".csv.gz": lambda frame, path: frame.to_csv(path, index=False),
    ".parquet": lambda frame, path: frame.to_parquet(path),
    ".feather": lambda frame, path: frame.to_feather(path),
    ".jsonl": lambda frame, path: frame.to_json(
        path, orient="records", lines=True, double_precision=15
    ),
    ".json": lambda frame, path: frame.to_json(path, orient="records", double_precision=15),
    ".xlsx": lambda frame, path: frame.to_excel(path, index=False),
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_is_the_same_runs(curves, read, tmp_path, suffix):
    frame, path = curves(), tmp_path / f"runs{suffix}"
    WRITERS[suffix](frame, path)
    found, wanted = (read(one).frame for one in (path, frame))
    exact = suffix not in (".jsonl", ".json", ".xlsx")  # which keep fifteen digits
    pd.testing.assert_frame_equal(found, wanted, check_exact=exact, rtol=1e-14, check_dtype=False)


def test_every_kind_of_table_is_among_them():
    """A kind that is new to studies is one of judge's, too."""
    assert {*TABLE_READERS} == {kind for kind, one in DATA_FILES.items() if one.has_columns}
    assert {*TABLE_READERS} <= {*WRITERS}


def test_what_is_written_is_read_to_the_last_bit(read, tmp_path):
    values = tuple(0.1 + 1 / (3 + number) for number in range(300))
    lost = (0.5, *(float("nan"),) * 299)
    run = RunRecord(
        RunKey("after:momentum=0.9,scale=false", 4, ""),
        0.1,
        {"val_loss": values, "loss": lost},
        diverged_at=2,
        batch_size=32,
    )
    whole = RunRecord(
        RunKey("none", 4, ""), 0.1, {"val_loss": values, "loss": values}, batch_size=32
    )
    write_csv([run, whole], tmp_path / "runs.csv")
    one, other = runs_of(read(tmp_path / "runs.csv"), "val_loss").records
    assert (one.key.variant, one.diverged_at, one.learning_rate, one.batch_size) == (
        run.key.variant, 2, 0.1, 32
    )  # fmt: skip
    assert one.curves["loss"][0] == 0.5
    assert other.curves == whole.curves


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("runs.pdf", b"%PDF", "'runs.pdf' is no table that can be read; expected FILE.csv"),
        ("runs.parquet", b"none", "cannot read .*runs.parquet"),
        ("runs.json", b"{", "cannot read .*runs.json"),
        ("runs.csv", b"variant,seed,epoch,loss\n", "has a header and no rows"),
        ("runs.csv", b"variant,seed,epoch,loss,loss\nnone,0,1,2,3\n", "has the columns loss more than once"),
        ("runs.csv", b"", "cannot read"),
    ],
    ids=["a kind of no one", "no parquet", "no JSON", "no rows", "a column twice", "nothing"],
)  # fmt: skip
def test_what_cannot_be_read_is_one_message(read, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / name)
