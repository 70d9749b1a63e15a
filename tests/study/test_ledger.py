"""What is done and what is missing is read off the events, here and after a restart."""

import json
import math

import numpy as np
import pytest

from normwise.domain import Condition, Run, RunKey, RunRecord
from normwise.errors import StoreError
from normwise.execution import Checkpointed
from normwise.spec import Spec
from normwise.study.event_log import EventLog
from normwise.study.ledger import Ledger
from normwise.study.store import Store
from tests.old_journal import old_line
from tests.study.invented import segment

SPEC = Spec.make({"model": "circles", "data": "circles", "seeds": 2})
RUNS = [Run(RunKey("none", seed, "abc"), Condition(0.1, "he_normal", 16)) for seed in (0, 1)]
NAN, INF = math.nan, math.inf


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "out", SPEC)


def again(store, checkpoints=()):
    """The ledger that a later process reads."""
    return Ledger(EventLog(Store(store.folder, SPEC)), checkpoints)


def test_segments_make_a_record(store):
    ledger = Ledger(EventLog(store))
    ledger.add(segment(RUNS, 0, [[0.5, 0.4], [0.7, 0.6]]))
    ledger.add(segment(RUNS[1:], 2, [[0.3, 0.2]], seconds=4.0))
    for one in (ledger, again(store)):
        assert [one.epochs(run.key) for run in RUNS] == [2, 4]
        assert one.missing(dict.fromkeys(RUNS, 4)) == 1
        assert not one.has(dict.fromkeys(RUNS, 4))
        assert one.has(dict.fromkeys(RUNS, 2))
        record = one.record(RUNS[1], 4, 4)
        assert record.curves["loss"] == tuple(np.float32([0.7, 0.6, 0.3, 0.2]).tolist())
        assert (record.learning_rate, record.initializer, record.batch_size) == (
            0.1, "he_normal", 16,
        )  # fmt: skip
        assert (record.seconds, record.diverged_at, record.stopped_at) == (5.0, None, None)
        assert one.seconds_a_run() == 3.0
    assert ledger.before == {}
    assert again(store).before == {RUNS[0].key: 2, RUNS[1].key: 4}


def test_a_run_counts_as_far_as_is_wanted():
    ledger = Ledger()
    ledger.add(segment(RUNS[:1], 0, [[0.5, 0.4, 0.3, 0.2]]))
    record = ledger.record(RUNS[0], 2, 4)
    np.testing.assert_array_equal(record.curves["loss"], np.float32([0.5, 0.4, NAN, NAN]))
    assert record.stopped_at == 2


@pytest.mark.parametrize("lost", [NAN, INF])
def test_a_run_that_diverges_has_no_values_from_there(store, lost):
    ledger = Ledger(EventLog(store))
    ledger.add(segment(RUNS[:1], 0, [[0.5, lost, 0.3]]))
    for one in (ledger, again(store)):
        record = one.record(RUNS[0], 3, 3)
        assert record.diverged_at == 2
        np.testing.assert_array_equal(record.curves["loss"], [0.5, NAN, NAN])
        assert math.isnan(one.value(RUNS[0].key, "val_loss", 3))
        assert one.value(RUNS[0].key, "val_loss", 1) == 0.5


def test_epochs_that_are_trained_again_replace_what_they_repeat(store):
    ledger = Ledger(EventLog(store))
    ledger.add(segment(RUNS[:1], 0, [[0.5, 0.4]]))
    ledger.add(segment(RUNS[:1], 2, [[0.3, 0.2]]))
    ledger.add(segment(RUNS[:1], 2, [[0.3, 0.1]]))
    for one in (ledger, again(store)):
        assert one.record(RUNS[0], 4, 4).curves["loss"] == tuple(
            np.float32([0.5, 0.4, 0.3, 0.1]).tolist()
        )


def test_a_run_goes_on_from_its_newest_checkpoint_that_is_there(store):
    ledger = Ledger(EventLog(store))
    keys = tuple(run.key for run in RUNS)
    for epoch, name in ((2, "a"), (4, "b"), (6, "c")):
        ledger.add(segment(RUNS, epoch - 2, [[0.5, 0.4]] * 2))
        ledger.add(Checkpointed(keys, epoch, name))
    found = {
        checkpoints: [again(store, checkpoints).origin(key) for key in keys]
        for checkpoints in (("a", "b", "c"), ("b",), ())
    }
    assert [(epoch, one.checkpoint, one.row) for epoch, one in found["a", "b", "c"]] == [
        (6, "c", 0), (6, "c", 1),
    ]  # fmt: skip
    assert [(epoch, one.checkpoint) for epoch, one in found[("b",)]] == [(4, "b")] * 2
    assert found[()] == [(0, None)] * 2


def test_a_folder_from_before_reads(store):
    curves = {"loss": (0.5, 0.4, NAN, NAN), "val_loss": (0.6, 0.5, NAN, NAN)}
    whole = {"loss": (0.5, 0.4, 0.3, 0.2), "val_loss": (0.6, 0.5, 0.4, 0.3)}
    stopped = RunRecord(RUNS[0].key, 0.1, curves, None, 1.5, "he_normal", 16, stopped_at=2)
    ended = RunRecord(RUNS[1].key, 0.1, whole, None, 1.5, "he_normal", 16)
    store.begin()
    journal = store.folder / "journal.jsonl"
    journal.write_text("".join(map(old_line, (stopped, ended))), "utf-8")
    ledger = again(store)
    np.testing.assert_equal(ledger.record(RUNS[0], 2, 4), stopped)
    assert ledger.record(RUNS[1], 4, 4) == ended
    # Left out layers later trained the first one to its end.
    longer = RunRecord(RUNS[0].key, 0.1, whole, None, 1.5, "he_normal", 16)
    journal.write_text("".join(map(old_line, (longer, stopped))), "utf-8")
    assert again(store).epochs(RUNS[0].key) == 4


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "segments" / "0001.npy").unlink(),
        lambda folder: (folder / "segments" / "0001.npy").write_bytes(b"nothing of the kind"),
        lambda folder: np.save(folder / "segments" / "0001.npy", np.zeros((7, 7))),
    ],
    ids=["gone", "other", "shape"],
)
def test_curves_that_do_not_read_are_named(store, spoil):
    Ledger(EventLog(store)).add(segment(RUNS, 0, [[0.5], [0.4]]))
    spoil(store.folder)
    with pytest.raises(StoreError, match=r"curves at byte 0 of .*0001\.npy.*run the study again"):
        again(store)


@pytest.mark.parametrize(
    "change",
    [
        {"first": 2, "until": 1}, {"runs": [{"seed": -1, "setting": "a"}]}, {"arrays": None},
        {"schema": 3}, {"batch_size": None, "runs": None},
    ],
)  # fmt: skip
def test_a_line_that_says_what_cannot_be_is_named(store, change):
    Ledger(EventLog(store)).add(segment(RUNS, 0, [[0.5], [0.4]]))
    journal = store.folder / "journal.jsonl"
    line = json.loads(journal.read_text())
    del line["crc32"]
    journal.write_text(json.dumps(line | change) + "\n")
    with pytest.raises(StoreError, match=r"line 1 of .*expected one event in JSON a line"):
        again(store)


def test_each_start_writes_curves_into_a_file_of_its_own(store):
    Ledger(EventLog(store)).add(segment(RUNS, 0, [[0.5], [0.4]]))
    again(store).add(segment(RUNS, 1, [[0.3], [0.2]]))
    assert sorted(path.name for path in (store.folder / "segments").iterdir()) == [
        "0001.npy", "0002.npy",
    ]  # fmt: skip
    assert again(store).record(RUNS[0], 2, 2).curves["loss"] == tuple(
        np.float32([0.5, 0.3]).tolist()
    )
