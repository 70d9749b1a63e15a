"""`normwise list`: what there is, what it needs, how long it takes."""

import io

import pytest
from rich.console import Console

from normwise.commands.list import print_list
from normwise.data import BUILT_IN as DATA
from normwise.domain import DATA_FILES
from normwise.report.formatting import roughly
from normwise.spec import Spec
from normwise.studies import BUILT_IN, study_file


@pytest.fixture
def listed(monkeypatch, tmp_path):
    """The list at some columns, with a data folder that holds these files."""

    def call(*files, width=80):
        for name in files:
            (tmp_path / name).touch()
        monkeypatch.setenv("NORMWISE_DATA", str(tmp_path))
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
        console = Console(file=io.StringIO(), width=width)
        print_list(console)
        return console.file.getvalue()

    return call


def words(text):
    return " ".join(text.split())


def test_every_study_and_data_set_is_listed_within_80_columns(listed):
    text = listed()
    assert max(map(len, text.splitlines())) <= 80
    starts = {line.split()[0] for line in text.splitlines() if line[:2].strip()}
    assert {*BUILT_IN, *DATA} <= starts | {
        line.split()[0] for line in text.splitlines() if line.split()
    }


@pytest.mark.parametrize("width", [20, 34, 50, 60, 79, 80, 120])
def test_names_and_paths_are_whole_at_any_width(listed, width):
    text = listed(width=width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    known = [
        *[word for name in BUILT_IN for word in (name, *Spec.from_toml(study_file(name), {}).variants)],
        *DATA, *[kind.example for kind in DATA_FILES.values()],
        "Churn_Modelling.csv", "fashion_mnist.npz", "NORMWISE_DATA",
    ]  # fmt: skip
    # Behind its indent, a word that a line has room for is not broken.
    seen = {word.rstrip(",") for word in text.replace("(", " ").replace(")", " ").split()}
    assert {word for word in known if len(word) < width - 2} <= seen


def test_a_narrow_list_says_what_its_figures_are(listed):
    assert "circles-extensions, runs 5 × 30, time" in listed(width=50)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_study_says_what_it_asks_and_how_many_runs_it_takes(listed, name):
    spec = Spec.from_toml(study_file(name), {})
    lines = [line for line in listed().splitlines() if line.split()[:1] == [name]]
    assert f"{len(spec.variants)} × {spec.seeds}" in lines[0]
    assert spec.question.split()[0] in lines[0]
    assert spec.question.endswith("?")


def test_a_file_that_is_here_is_said_to_be(listed):
    assert "mnist.npz (not found" in words(listed())
    text = words(listed("mnist.npz", "Churn_Modelling.csv"))
    assert "mnist.npz (found in NORMWISE_DATA)" in text
    assert "Churn_Modelling.csv (found in NORMWISE_DATA)" in text
    assert "fashion_mnist.npz (not found: --data, NORMWISE_DATA, or Keras downloads it)" in text


def test_what_keras_downloaded_before_counts(listed, tmp_path):
    folder = tmp_path / "keras" / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte.gz").touch()
    assert "fashion_mnist.npz (found in Keras' cache)" in words(listed())


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.1, "5 s"), (52, "55 s"), (56.9, "60 s"), (57, "1 min"), (61, "2 min")]
)
def test_a_time_has_no_more_digits_than_an_estimate(seconds, text):
    assert roughly(seconds) == text
