"""What no page may hold: paths of the machine that wrote it, and imports in an order that fails."""

import json
import re

import pytest

from tests.test_links import PAGES, ROOT

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
IMPORT = re.compile(r"^\s*(?:import|from) (keras|normwise)\b", re.MULTILINE)


def programs(page):
    """What a reader types at once: a block of Python, or a notebook from its first cell to its last."""
    text = page.read_text("utf-8")
    if page.suffix != ".ipynb":
        return BLOCK.findall(text)
    cells = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
    return ["\n".join("".join(cell["source"]) for cell in cells)]


def is_in_the_wrong_order(program):
    """Whether Keras is imported first: it then loads its own default, TensorFlow, which need not be there."""
    imported = IMPORT.findall(program)
    return "normwise" in imported and imported[0] == "keras"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_has_no_path_of_the_machine_that_wrote_it(page):
    assert re.findall(r"/(?:tmp|home|work|root)/\S{,60}", page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_normwise_is_imported_before_keras(page):
    assert [text for text in programs(page) if is_in_the_wrong_order(text)] == []


@pytest.mark.parametrize(
    ("program", "wrong"),
    [
        ("import normwise as nw\nimport keras", False),
        ("import keras\n\nimport normwise as nw", True),
        ("from keras import layers\nfrom normwise.data import find_dataset", True),
        ("import numpy as np\nimport normwise as nw\nfrom keras import layers", False),
        ("import keras", False),
    ],
)
def test_an_order_that_fails_is_told_apart(program, wrong):
    assert is_in_the_wrong_order(program) == wrong
