"""A journal, an array file or a checkpoint that is not as it was written: named, never believed."""

import re
import shutil

import numpy as np
import pytest

from normwise.domain import Condition, Run, RunKey
from normwise.engine import State
from normwise.errors import StoreError
from normwise.execution import Checkpointed
from normwise.execution.checkpoint import FolderCheckpoints
from normwise.spec import Spec
from normwise.study.event_log import EventLog
from normwise.study.history import History
from normwise.study.ledger import Ledger
from normwise.study.store import Store, held
from tests.study.invented import segment

SPEC = Spec.make({"model": "circles", "data": "circles", "seeds": 2})
RUNS = [Run(RunKey("none", seed, "abc"), Condition(0.1, "he_normal", 16)) for seed in (0, 1)]


@pytest.fixture
def folder(tmp_path):
    """Two starts, of the same shapes: lines 2 and 4 of the journal have arrays."""
    for first, loss in ((0, [[0.5, 0.4], [0.7, 0.6]]), (2, [[0.3, 0.2], [0.5, 0.4]])):
        store = Store(tmp_path / "out", SPEC)
        History(store).started("f", ["Said of the data."])
        Ledger(EventLog(store)).add(segment(RUNS, first, loss))
    return tmp_path / "out"


def read(folder):
    store = Store(folder, SPEC)
    ledger, history = Ledger(EventLog(store)), History(store)
    return [ledger.record(run, 4, 4) for run in ledger.runs], history.notes("f")


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda text: text.replace(b'"seed": 1', b'"seed": 3', 1), 2),
        (lambda text: text.replace(b'"first": 2', b'"first": 1', 1), 4),
        (lambda text: text.replace(b'"seconds": 2.0', b'"seconds": 3.0', 1), 2),
        (lambda text: text.replace(b"Said of", b"Sold of", 1), 1),
        (lambda text: text.replace(b'"schema": 2', b'"schema": 3', 1), 1),
        (lambda text: text.replace(b"}\n{", b"}{", 1), 1),
        (lambda text: text[:150] + bytes(200) + text[350:], 2),
        (lambda text: text[:-100] + bytes(99) + b"\n", 4),
        (lambda text: text.replace(b"\n", b"\n\n", 1), 2),
    ],
    ids=["seed", "epoch", "number", "word", "later", "joined", "page", "end", "empty"],
)
def test_the_line_of_a_journal_that_was_changed_is_named(folder, damage, line):
    journal = folder / "journal.jsonl"
    text = journal.read_bytes()
    assert text.count(b"\n") == 4
    journal.write_bytes(damage(text))
    assert journal.read_bytes() != text
    message = rf"line {line} of '.*journal\.jsonl' is .*; expected .*; move the folder away"
    with pytest.raises(StoreError, match=message):
        read(folder)


def test_no_flipped_bit_changes_what_is_read(folder):
    journal, whole = folder / "journal.jsonl", read(folder)
    text = journal.read_bytes()
    refused = 0
    for place in range(0, len(text) - 1, 3):
        flipped = bytearray(text)
        flipped[place] ^= 1 << place % 7
        journal.write_bytes(flipped)
        try:
            assert read(folder) == whole, place
        except StoreError:
            refused += 1
    assert refused > 0.9 * len(text) / 3  # all but a bit of the checksum's own name


def test_lines_that_end_as_on_windows_read(folder):
    journal, whole = folder / "journal.jsonl", read(folder)
    journal.write_bytes(journal.read_bytes().replace(b"\n", b"\r\n"))
    assert read(folder) == whole


def cut(path):
    path.write_bytes(path.read_bytes()[:-5])


def flip(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def swap(path):
    other = path.with_name("0001.npy")
    path.rename(path.with_name("x"))
    other.rename(path)
    path.with_name("x").rename(other)


@pytest.mark.parametrize(
    ("damage", "file", "line"),
    [
        (cut, "0002", 4),
        (flip, "0002", 4),
        (lambda path: path.unlink(), "0002", 4),
        (lambda path: path.write_bytes(bytes(path.stat().st_size)), "0002", 4),
        (swap, "0001", 2),
        (lambda path: shutil.copy(path.with_name("0001.npy"), path), "0002", 4),
    ],
    ids=["short", "flipped", "gone", "zeros", "swapped", "another"],
)
def test_curves_that_were_changed_are_named_with_their_line(folder, damage, file, line):
    damage(folder / "segments" / "0002.npy")
    message = rf"curves at byte 0 of '.*{file}\.npy' .* expected what line {line} of journal\.jsonl"
    with pytest.raises(StoreError, match=message):
        read(folder)


def test_arrays_without_a_line_do_not_count(folder):
    """A kill came between the two."""
    whole = read(folder)
    with (folder / "segments" / "0002.npy").open("ab") as file:
        np.save(file, np.zeros((2, 2), np.float32))
        file.write(b"\x93NUM")
    np.save(folder / "segments" / "0003.npy", np.zeros(3))
    assert read(folder) == whole
    store = Store(folder, SPEC)
    Ledger(EventLog(store)).add(segment(RUNS, 4, [[0.1], [0.1]]))
    assert sorted(path.name for path in (folder / "segments").iterdir()) == [
        f"000{number}.npy" for number in (1, 2, 3, 4)
    ]
    again, _ = read(folder)
    assert [record.curves for record in again] == [record.curves for record in whole[0]]


def state(value):
    weights = [np.full((2, 3), value, np.float32), np.zeros((2, 0))]
    return State(weights, [], [np.arange(2)], np.ones(2, bool))


@pytest.mark.parametrize("damage", ["flipped", "swapped"])
def test_a_state_that_was_changed_is_none(tmp_path, damage, caplog):
    checkpoints = FolderCheckpoints(tmp_path)
    checkpoints.save("a", state(1))
    checkpoints.save("b", state(2))
    path = tmp_path / "a.safetensors"
    if damage == "flipped":
        flip(path)
    else:
        shutil.copy(tmp_path / "b.safetensors", path)
    assert checkpoints.load("a") is None
    assert re.search(r"a\.safetensors is damaged: the runs .* begin again", caplog.text)
    assert checkpoints.load("b").trainable[0].tolist() == state(2).trainable[0].tolist()


def test_halves_of_processes_that_are_gone_are_tidied(folder):
    (folder / "checkpoints").mkdir()
    gone = [".spec.4194305.toml", "checkpoints/.a-1.4194305.safetensors", ".best.4194305.keras"]
    stay = [".report.1.html", ".notes.4194305.txt", ".2024.05.md", "checkpoints/a-1.safetensors"]
    for name in (*gone, *stay):
        (folder / name).touch()
    read(folder)
    assert all((folder / name).exists() for name in gone)  # who reads changes nothing
    with held(folder, SPEC):
        assert not any((folder / name).exists() for name in gone)
        assert all((folder / name).exists() for name in stay)


@pytest.mark.parametrize("content", [b"", b"\0" * 500, 0.7])
def test_a_run_goes_on_from_the_state_before_one_that_a_failing_machine_lost(tmp_path, content):
    """Of states that are not synced the newest may have a name and no content."""
    checkpoints, ledger = FolderCheckpoints(tmp_path), Ledger(log := Listed())
    for epoch in (1, 2):
        ledger.add(segment(RUNS, epoch - 1, [[0.5], [0.4]]))
        checkpoints.save(f"x-{epoch}", state(epoch))
        ledger.add(Checkpointed(tuple(run.key for run in RUNS), epoch, f"x-{epoch}"))
    path = tmp_path / "x-2.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(content * len(whole))] if isinstance(content, float) else content)
    epoch, origin = Ledger(log, checkpoints.names()).origin(RUNS[0].key)
    assert (epoch, origin.checkpoint) == (1, "x-1")


class Listed(list):
    """A log in memory."""

    write = list.append

    def read(self):
        return list(self)
