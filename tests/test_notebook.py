"""Normwise in a notebook: executed by a kernel, its outputs as a notebook's file keeps them."""

import html
import re

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = {
    "study": "import normwise as nw\nstudy = nw.Study('circles', variants=['none', 'after'], seeds=3, epochs=4)\nstudy",
    "run": "result = study.run()",
    "result": "result",
    "excerpt": "result.section('Variants')",
    "no section": "result.section('Variant')",
    "refused": "nw.Study('circels')",
    "model": """import keras, numpy as np
keras.utils.set_random_seed(0)
model = keras.Sequential([
    keras.Input((2,)), keras.layers.Dense(4, name="first"),
    keras.layers.BatchNormalization(name="norm"), keras.layers.ReLU(), keras.layers.Dense(1),
], name="small")
model.compile("sgd", "mse")
x = np.random.default_rng(0).normal(3, 2, (60, 2)).astype("float32")
data = (x, x[:, :1] - 3)""",
    "check": "nw.check(model)",
    "gap": "nw.gap(model, data)",
    "leakage": "nw.leakage(model, x)",
    "fix": "nw.fix(model)",
    "certificate": """from normwise.models.certificate import certify
from normwise.models.folding import folding_of
certify(model, folding_of(model), x)""",
}
SHOWN = {
    "study": "Before or after the activation?",
    "check": "1 finding: 1 note",
    "gap": "A gap of ",
    "leakage": "No prediction depends on its neighbours in the batch",
    "fix": "1 finding mended, 0 left",
    "certificate": "1 of 1 batch normalisations folded; predictions are the same",
}


@pytest.fixture(scope="module")
def outputs():
    """Each cell's outputs, of one notebook that a kernel has executed from its first to its last."""
    cells = [nbformat.v4.new_code_cell(code) for code in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3", allow_errors=True).execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def data_of(outputs, name):
    [one] = outputs[name]
    assert "data" in one, one
    return one["data"]


def headline_of(shown):
    [found] = re.findall(r"<h1[^>]*>(.*?)</h1>", shown)
    return html.unescape(re.sub(r"</?code>|<wbr>", "", found))


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_handed_back_shows_itself_and_is_a_line_in_plain_text(outputs, name):
    data = data_of(outputs, name)
    assert headline_of(data["text/html"]).startswith(SHOWN[name])
    assert len(data["text/plain"]) < 200
    assert "<script" not in data["text/html"]


def test_a_result_is_its_report(outputs):
    data = data_of(outputs, "result")
    shown = data["text/html"]
    assert data["text/plain"].replace("`", "") == f"<Result of 'circles': {headline_of(shown)}>"
    assert shown.count("<svg ") >= 3
    assert "<table>" in shown
    assert "<details>" in shown
    assert len(shown.encode()) < 600_000


def test_what_stays_of_a_runs_progress_is_a_line(outputs):
    data = data_of(outputs, "run")
    assert re.fullmatch(r"6 replicas, [\d.]+ (ms|s|min)", data["text/plain"])
    assert data["text/plain"] in data["text/html"]
    assert "<progress" not in data["text/html"]


def test_an_unknown_study_is_refused_with_the_names_of_all(outputs):
    [error] = outputs["refused"]
    assert error["ename"] == "UnknownNameError"
    assert "unknown study 'circels'; expected one of circles, circles-extensions" in error["evalue"]


def test_a_section_alone_is_shown_and_one_that_is_not_there_is_refused(outputs):
    data = data_of(outputs, "excerpt")
    assert data["text/plain"] == "<Excerpt of 'circles': Variants>"
    assert "<table>" in data["text/html"]
    assert "<h1" not in data["text/html"]
    [error] = outputs["no section"]
    assert error["ename"] == "UnknownNameError"
    assert error["evalue"].startswith("unknown section 'Variant'; expected one of Curves")
    assert "did you mean 'Variants'?" in error["evalue"]
