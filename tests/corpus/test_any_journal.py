"""A study's folder with any damage: refused, or read; never another error, nothing changed."""

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normwise.domain import RunRecord
from normwise.errors import StoreError, UsageError
from normwise.study import page_of_folder
from normwise.study.event_log import EventLog
from normwise.study.history import History
from normwise.study.ledger import Ledger
from normwise.study.store import Store
from tests.corpus.folders import SPEC, finished

# The folder is put back before each example.
ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)


@pytest.fixture(params=[False, True], ids=["segments", "runs"])
def folder(request, tmp_path):
    finished(tmp_path / "out" / "journal.jsonl", old=request.param)
    return tmp_path / "out"


@pytest.fixture
def journal(folder):
    return (folder / "journal.jsonl").read_bytes()


def read(folder, journal):
    """The records of a journal, or ``None`` where it is refused and left as it was."""
    path = folder / "journal.jsonl"
    path.write_bytes(journal)
    store = Store(folder, SPEC)
    records = None
    with contextlib.suppress(StoreError):
        history = History(store)
        history.fingerprint()
        history.times("f")
        history.notes("f")
        ledger = Ledger(EventLog(store))
        records = [ledger.record(run, ledger.epochs(run.key), 2) for run in ledger.runs]
    assert path.read_bytes() == journal
    return records


@ONE_FOLDER
@given(data=st.data())
def test_a_journal_that_ends_anywhere_holds_what_was_whole(folder, journal, data):
    end = data.draw(st.integers(0, len(journal)))
    records = read(folder, journal[:end])
    assert len(records) == journal[:end].count(b"}\n") - (end > journal.index(b"\n"))


@ONE_FOLDER
@given(data=st.data(), noise=st.binary(max_size=40))
def test_any_bytes_anywhere_are_refused_or_read(folder, journal, data, noise):
    start = data.draw(st.integers(0, len(journal)))
    end = data.draw(st.integers(start, min(len(journal), start + 40)))
    records = read(folder, journal[:start] + noise + journal[end:])
    for record in records or ():
        assert isinstance(record, RunRecord)
        hash(record.key)
        assert record.epochs >= 1


@ONE_FOLDER
@given(noise=st.binary())
def test_what_is_appended_is_dropped_up_to_the_last_line(folder, journal, noise):
    records = read(folder, journal + noise)
    if b"\n" not in noise:
        assert len(records) == 6
    elif records is not None:
        assert len(records) >= 6


def places(value, path=()):
    """The way to every part of a JSON value."""
    yield path
    parts = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, part in parts:
        yield from places(part, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    first, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[first] = replaced(value[first], rest, new)
    return copy


@ONE_FOLDER
@given(data=st.data(), new=VALUES)
def test_any_value_in_a_run_is_refused_or_drawn(folder, journal, data, new):
    *others, last = journal.splitlines(keepends=True)
    run = json.loads(last)
    changed = replaced(run, data.draw(st.sampled_from(list(places(run)))), new)
    read(folder, b"".join(others) + json.dumps(changed).encode() + b"\n")
    with contextlib.suppress(UsageError):
        page_of_folder(folder)


@ONE_FOLDER
@given(data=st.data(), new=VALUES)
def test_any_value_in_a_summary_is_refused_or_drawn(folder, data, new):
    path = folder / "summary.json"
    whole = path.read_text()
    summary = json.loads(whole)
    changed = json.dumps(replaced(summary, data.draw(st.sampled_from(list(places(summary)))), new))
    path.write_text(changed)
    with contextlib.suppress(UsageError):
        page_of_folder(folder)
    path.write_text(whole)
