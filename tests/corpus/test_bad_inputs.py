"""A corpus of mistakes: each is one message, exit code 2, no traceback, nothing half-written."""

import os
import shlex
import subprocess
import sys

import pytest

from tests.corpus import archives, command_line, folders, models, pictures, runs, specs, tables

KINDS = (command_line, specs, tables, archives, models, pictures, folders, runs)
CASES = [
    pytest.param(case, id=f"{kind.__name__.rpartition('.')[2]}: {case.name}")
    for kind in KINDS
    for case in kind.CASES
]
# What a user's own process adds: warnings, logging and threads at the exit.
IN_A_PROCESS = [kind.CASES[-1] for kind in KINDS]

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def contents(folder):
    return {
        str(path.relative_to(folder)): path.is_file() and path.read_bytes()
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts
    }


def check(case, code, out, error):
    assert (code, out) == (2, ""), error
    assert "Traceback" not in error
    message = error
    if error.startswith("normwise: "):
        assert error.count("\n") == 1, "more than one message"
    else:  # Typer's own box
        assert error.startswith("Usage: normwise")
        message = " ".join(error.replace("│", " ").split())
    assert case.says in message


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_one_message(case, run_command, tmp_path):
    case.make(tmp_path)
    before = contents(tmp_path)
    code, out, error = run_command(*shlex.split(case.command))
    assert contents(tmp_path) == before
    check(case, code, out, error)


@pytest.mark.parametrize("case", IN_A_PROCESS, ids=lambda case: case.name)
def test_a_process_says_no_more(case, tmp_path):
    case.make(tmp_path)
    before = contents(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "normwise", *shlex.split(case.command)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert contents(tmp_path) == before
    check(case, done.returncode, done.stdout, done.stderr)


def test_there_are_enough():
    assert len(CASES) >= 80
    names = [case.values[0].name for case in CASES]
    assert len(set(names)) > 0.9 * len(names)
