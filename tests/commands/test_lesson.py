"""`normwise lesson`: writes the page, at once or of runs that it trains."""

import gzip
import json

import pytest

from normwise import lesson
from normwise.commands import lesson as command

RECORDED = {"made": "up"}


@pytest.fixture
def made(monkeypatch):
    """What is handed to the page, in place of ten minutes of training."""
    pages = []

    def write(recording, path):
        pages.append(recording)
        path.write_text("page")
        return path

    monkeypatch.setattr(lesson, "write_lesson", write)
    monkeypatch.setattr(lesson, "record", lambda tell: (tell(0, 1, "a run"), RECORDED)[1])
    return pages


def test_the_page_of_the_shipped_recording_is_written_at_once(run_command, tmp_path):
    code, out, error = run_command("lesson")
    assert (code, out, error) == (0, "Written: lesson.html\n", "")
    assert "<title>Batch normalisation, seen from inside</title>" in (
        tmp_path / "lesson.html"
    ).read_text("utf-8")


def test_what_is_trained_for_a_page_is_kept_beside_it(run_command, tmp_path, made):
    code, out, _ = run_command("lesson", "--record", "-o", "mine.html")
    assert (code, out) == (0, "Written: mine.html, mine.json.gz\n")
    assert made == [RECORDED]
    assert json.loads(gzip.decompress((tmp_path / "mine.json.gz").read_bytes())) == RECORDED


def test_what_no_browser_opens_is_refused_before_anything_trains(run_command, tmp_path, made):
    code, out, error = run_command("lesson", "--record", "-o", "mine.md")
    assert (code, out) == (2, "")
    assert error == (
        "normwise: --out is 'mine.md'; expected a file that a browser opens; try --out mine.html\n"
    )
    assert made == []
    assert list(tmp_path.iterdir()) == []


def test_the_help_says_how_long_it_takes(run_command):
    code, out, _ = run_command("lesson", "--help")
    assert code == 0
    assert "some ten minutes" in " ".join(out.replace("│", " ").split())
    assert command.EXAMPLES.strip()
