"""A kind of file that data come in is a line of its own and a reader, and nothing else."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from normwise.commands.list import print_list
from normwise.data import Given, TableOptions, find_dataset, find_given, from_arrays
from normwise.data.formats import READERS, Reader
from normwise.domain import DATA_FILES, data_files
from normwise.domain.data_file import DataFile
from normwise.errors import DataError, ModelError, UnknownNameError
from normwise.models.io import load_model

ROWS = np.arange(40.0).reshape(20, 2)


def split(path, table):
    labels = np.arange(20) % 2 if table.target_column == "y" else np.arange(20) % 3
    return from_arrays(np.loadtxt(path, dtype="float32"), labels, name=path.name, task=table.task)


@pytest.fixture
def rows(monkeypatch, tmp_path):
    """A new format: these two edits."""
    kind = DataFile(".rows", "numbers in it", has_columns=True)
    monkeypatch.setitem(DATA_FILES, ".rows", kind)
    reader = Reader(split, lambda path, _: Given(np.loadtxt(path)))
    monkeypatch.setitem(READERS, ".rows", reader)
    monkeypatch.chdir(tmp_path)
    np.savetxt("t.rows", ROWS)
    return "t.rows"


def test_every_kind_of_file_has_a_reader():
    assert READERS.keys() == DATA_FILES.keys()
    assert all(suffix == kind.suffix for suffix, kind in DATA_FILES.items())


def test_a_study_reads_it_with_its_columns(rows):
    binary, three = find_dataset(rows, "y"), find_dataset(rows, "z", "classes")
    assert (binary.task, three.task) == ("binary", "classes")
    assert (binary.name, len(binary.x_train) + len(binary.x_val)) == (rows, 20)
    with pytest.raises(DataError, match=r"there is no file 'u\.rows'"):
        find_dataset("u.rows", "y")


def test_a_finished_model_gets_it_as_its_reader_says(rows):
    np.testing.assert_array_equal(find_given(rows, TableOptions("y")).x, ROWS)


def test_messages_and_the_list_name_it(rows, monkeypatch):
    assert data_files().startswith("FILE.csv, ")
    assert data_files().endswith(" or .rows")
    with pytest.raises(UnknownNameError, match=r"FILE\.rows"):
        find_dataset("t.row")
    with pytest.raises(DataError, match=r"name a FILE\.csv, .* or \.rows$"):
        find_dataset("circles", "y")
    with pytest.raises(ModelError, match=r"is a file of data; .*; try MODEL\.keras --data t\.rows"):
        load_model(rows)
    monkeypatch.delenv("NORMWISE_DATA", raising=False)
    console = Console(file=io.StringIO(), width=80)
    print_list(console)
    assert "FILE.rows      numbers in it" in console.file.getvalue()


def test_a_name_in_capitals_is_the_same_kind(rows):
    Path(rows).rename("T.ROWS")
    assert len(find_given("T.ROWS").x) == 20
