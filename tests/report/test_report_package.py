"""Examples in docstrings, public names, and what an import costs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

from normwise import report

MODULES = [
    info.name
    for info in pkgutil.walk_packages(report.__path__, "normwise.report.")
    if not info.ispkg
]
HEAVY = ("altair", "vl_convert", "jinja2", "rich", "pandas", "keras", "jax")


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_public_names() -> None:
    assert report.__all__ == [
        "DataPreview",
        "DrawingProcess",
        "Excerpt",
        "InputScale",
        "Page",
        "Section",
        "Shown",
        "altair_chart",
        "certificate_page",
        "diagnosis_page",
        "findings_page",
        "findings_section",
        "inside_page",
        "judged_page",
        "leakage_page",
        "live_page",
        "print_page",
        "question_page",
        "study_page",
        "write_html",
        "write_png",
    ]


def test_the_import_is_light() -> None:
    code = f"import sys, normwise.report; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
