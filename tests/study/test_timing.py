"""What epochs take, in a study's journal."""

import json

import pytest

from normwise.domain import EpochTimes, ProgramKey
from normwise.errors import StoreError
from normwise.spec import Spec
from normwise.study.history import History
from normwise.study.store import Store

TIMES = {
    ProgramKey("none", 32): EpochTimes((0.1, 0.2, 0.3), (0.1, 0.1, 0.2), (True, False, True)),
    ProgramKey("after", None, 3): EpochTimes((0.5,), (0.4,), (True,)),
}


@pytest.fixture
def history(tmp_path):
    store = Store(tmp_path, Spec(data="circles"))
    store.begin()
    return History(store)


def test_the_journal_keeps_the_rounds(history, tmp_path):
    history.add_times("a", TIMES)
    assert history.times("a") == TIMES
    assert history.times("b") == {}
    [first, _] = map(json.loads, (tmp_path / "journal.jsonl").read_text().splitlines())
    # As older releases read it.
    assert first["seconds_per_epoch"] == pytest.approx(0.03**0.5)


def test_a_journal_with_a_single_figure_reads(history, tmp_path):
    line = {"event": "timed", "fingerprint": "a", "variant": "none", "batch_size": 32}
    text = json.dumps({**line, "seconds_per_epoch": 0.25}) + "\n"
    (tmp_path / "journal.jsonl").write_text(text)
    assert history.times("a") == {ProgramKey("none", 32): EpochTimes((0.25,))}


def test_rounds_that_do_not_read_are_an_error(history, tmp_path):
    line = {"event": "timed", "fingerprint": "a", "variant": "none", "batch_size": 32}
    text = json.dumps({**line, "seconds_per_epoch": 0.25, "rounds": {"wall": "long"}}) + "\n"
    (tmp_path / "journal.jsonl").write_text(text)
    with pytest.raises(StoreError, match="line 1"):
        history.times("a")
