"""The notebooks of the docs: executed, and as small and as whole as they are stored."""

import importlib.util
import re

import pytest

from tests.examples import ROOT

FOLDER = ROOT / "docs" / "notebooks"
SPEC = importlib.util.spec_from_file_location("make_notebooks", FOLDER / "make.py")
make = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(make)
MOST = 400_000  # bytes of a notebook


def outputs_of(notebook):
    return [one for cell in notebook.cells for one in cell.get("outputs", [])]


def held(notebook):
    """What a notebook's table says of each claim: its number to the answer."""
    shown = "".join(one.get("data", {}).get("text/html", "") for one in outputs_of(notebook))
    return dict(re.findall(r"<td>(\d)\. [^<]*</td>\s*<td>(yes|no|undecided|not asked)</td>", shown))


def claims(notebook):
    """The numbers of what its first cell says that its source claims."""
    return re.findall(r"^(\d)\. ", notebook.cells[0].source, re.MULTILINE)


@pytest.mark.parametrize("name", make.NAMES)
def test_what_is_stored_is_of_this_code_whole_and_small(name):
    notebook = make.read(name)
    assert notebook.metadata["normwise"]["code"] == make.code_of(notebook), "make notebooks"
    assert (FOLDER / f"{name}.ipynb").stat().st_size < MOST
    assert {"error"} & {one["output_type"] for one in outputs_of(notebook)} == set()
    pictures = "".join(one.get("data", {}).get("text/html", "") for one in outputs_of(notebook))
    assert "<svg " in pictures
    assert "<script" not in pictures
    assert set(claims(notebook)) <= set(held(notebook))


@pytest.mark.parametrize("name", make.NAMES)
def test_an_undecided_verdict_is_no_yes(name):
    notebook = make.read(name)
    printed = "".join(one["text"] for one in outputs_of(notebook) if "text" in one)
    assert not ("Undecided: " in printed and held(notebook)["1"] == "yes")


@pytest.mark.needs_data
@pytest.mark.parametrize("name", make.NAMES)
def test_a_notebook_executes_and_what_held_holds(name, tmp_path):
    """Up to fifty seconds: a whole study with a look inside, as its page shows it."""
    stored = held(make.read(name))
    assert held(make.executed(make.read(name), tmp_path)) == stored


def test_another_code_is_told_apart():
    notebook = make.read(make.NAMES[0])
    before = make.code_of(notebook)
    notebook.cells[0].source += " And more."
    assert make.code_of(notebook) == before
    next(cell for cell in notebook.cells if cell.cell_type == "code").source += "\n1 + 1"
    assert make.code_of(notebook) != before
