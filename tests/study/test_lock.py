"""One study at a time in a folder: the second one says who holds it, and touches nothing."""

import contextlib
import errno
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from normwise.errors import StoreError
from normwise.study import lock
from normwise.study.lock import locked
from tests.corpus.folders import finished

HOLDER = """
import os, sys, time
from pathlib import Path
from normwise.study.lock import locked
with locked(Path(sys.argv[1])):
    begun, begins = os.pipe()
    if "fork" in sys.argv and os.fork() == 0:
        os.write(begins, b"x")
        sys.stdout.close()
        os.close(1), os.close(2)
        time.sleep(5)
        os._exit(0)  # it would wait for ever for the byte that it wrote itself
    if "fork" in sys.argv:
        os.read(begun, 1)  # on a busy machine the child may come late to let go of what it got
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def holder(folder, *how):
    """Another process that holds the folder until the block ends, or it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), *how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert int(process.stdout.readline()) == process.pid
        yield process
        process.stdin.close()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_second_process_says_who_holds_the_folder(tmp_path):
    with holder(tmp_path / "out") as process:
        (tmp_path / "out" / "journal.jsonl").write_bytes(b'{"event": "half a li')
        before = contents(tmp_path / "out")
        said = (
            rf"folder '.*out' is in use \(process {process.pid} on {platform.node()}, since "
            r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d\); expected one study at a time in a "
            r"folder; wait until .*, or try another --out"
        )
        with pytest.raises(StoreError, match=said) as caught, locked(tmp_path / "out"):
            pytest.fail("it is not free")
        assert caught.value.exit_code == 2
        assert contents(tmp_path / "out") == before
    with locked(tmp_path / "out"):
        pass
    assert sorted(contents(tmp_path / "out")) == ["journal.jsonl"]


@pytest.mark.parametrize("how", ["alone", "fork"])
def test_a_lock_dies_with_its_process(tmp_path, how):
    with holder(tmp_path / "out", how) as process:
        process.kill()
        process.wait()
        assert (tmp_path / "out" / ".lock").exists()
        with locked(tmp_path / "out"):
            assert str(os.getpid()).encode() in contents(tmp_path / "out")[".lock"]
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]  # it was there when this one came


def test_two_threads_of_one_process_do_not_share_a_folder(tmp_path):
    said = []

    def other():
        try:
            with locked(tmp_path):
                said.append("free")
        except StoreError as error:
            said.append(str(error))

    with locked(tmp_path):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        with locked(tmp_path / "another"):
            pass
    assert len(said) == 1
    assert f"(this process {os.getpid()} on" in said[0]
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("left", [b"", b"rubbish", b'{"process": 1, "host": "elsewhere"}'])
def test_a_file_that_was_left_or_copied_locks_nothing(tmp_path, left):
    (tmp_path / ".lock").write_bytes(left)
    with locked(tmp_path):
        assert contents(tmp_path)[".lock"].startswith(b'{"process": %d, ' % os.getpid())
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch, caplog):
    def unknown(_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_lock_by_system", unknown)
    with locked(tmp_path):
        pass
    assert "without locks (No locks available)" in caplog.text


def test_another_fault_of_the_file_system_is_not_taken_for_a_lock(tmp_path, monkeypatch):
    def broken(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(lock, "_lock_by_system", broken)
    with pytest.raises(StoreError, match="Input/output error"), locked(tmp_path):
        pytest.fail("nothing is held")


def test_who_gets_the_lock_of_a_file_that_is_gone_tries_again(tmp_path, monkeypatch):
    system, removed = lock._lock_by_system, []

    def first_gone(descriptor):
        system(descriptor)
        if not removed:
            removed.append(descriptor)
            (tmp_path / "out" / ".lock").unlink()
            (tmp_path / "out").rmdir()

    monkeypatch.setattr(lock, "_lock_by_system", first_gone)
    with locked(tmp_path / "out"):
        monkeypatch.undo()
        with pytest.raises(StoreError, match="in use"), locked(tmp_path / "out"):
            pytest.fail("it is held")


def test_the_study_command_says_so_at_once(tmp_path, run_command):
    with holder(tmp_path / "out") as process:
        code, out, error = run_command("study", "circles", "--out", "out")
    assert (code, out) == (2, "")
    assert error.startswith(f"normwise: folder 'out' is in use (process {process.pid} on ")
    assert error.count("\n") == 1


def test_the_report_of_a_running_study_needs_no_lock(tmp_path, run_command):
    finished(Path(tmp_path) / "out" / "journal.jsonl")
    with holder(tmp_path / "out"):
        with (tmp_path / "out" / "journal.jsonl").open("ab") as file:
            file.write(b'{"schema": 2, "event": "segm')
        before = contents(tmp_path / "out")
        code, out, _ = run_command("report", "out")
        after = contents(tmp_path / "out")
    assert code == 0
    assert "val_accuracy" in out
    assert {name: after[name] for name in before} == before
