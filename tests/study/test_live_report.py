"""The report of a study that still trains."""

import itertools
import re

import pytest

import normwise as nw
from normwise.errors import StudyIncomplete
from normwise.study import live_report

SETTINGS = {"variants": ["none", "after"], "seeds": 2, "epochs": 40}


class Clock:
    """Each look at it is a second later."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        self.seconds += 1
        return self.seconds


@pytest.fixture
def written(monkeypatch):
    """All pages that a study writes while it trains."""
    pages = []
    monkeypatch.setattr(live_report, "_EVERY", 0.0)
    monkeypatch.setattr(live_report, "_SHARE", 0.0)
    monkeypatch.setattr(live_report, "write_page", lambda page, _folder: pages.append(page))
    return pages


def test_a_page_follows_the_training_and_the_report_takes_its_place(written, tmp_path):
    result = nw.Study("circles", "circles", **SETTINGS).run(out=tmp_path)
    assert len(written) > 1
    assert all(page.is_in_progress for page in written)
    first, last = (
        max(chart.last_epoch for chart in page.charts) for page in (written[0], written[-1])
    )
    assert first <= last == 40
    headlines = [page.answer.headline for page in written]
    assert all(re.fullmatch(r"\d+ of \d+ replicas trained", text) for text in headlines)
    # What it draws is what is there: the curves of runs at their end are those of the answer.
    drawn = written[-1].charts[0]
    final = result.page.charts[0]
    assert [one for one in drawn.curves if one.variant in ("none", "after")] == list(final.curves)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert 'http-equiv="refresh"' not in text


def test_a_study_that_stops_says_that_its_page_goes_on_no_more(written, tmp_path):
    def interrupt(_progress):
        if written:
            raise KeyboardInterrupt

    with pytest.raises(StudyIncomplete):
        nw.Study("circles", "circles", **SETTINGS).run(tmp_path, interrupt)
    assert written[0].is_in_progress
    assert not written[-1].is_in_progress
    assert written[-1].warnings == ("Stopped before its end: run the same command again to go on.",)


def test_a_short_study_writes_none_and_a_slow_page_is_written_more_rarely(monkeypatch, tmp_path):
    written = []
    clock = Clock()
    live = live_report.LiveReport(None, None, tmp_path, clock)
    monkeypatch.setattr(live, "_write", lambda *_, **__: written.append(clock.seconds))
    for _ in range(200):
        live.write_if_due(1, 2)
    # One look a call, and another after each page; each takes a second by this clock.
    assert written[0] == pytest.approx(1 + live_report._EVERY, abs=1)
    gaps = [later - before for before, later in itertools.pairwise(written)]
    assert min(gaps) >= live_report._SHARE
