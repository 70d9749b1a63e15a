"""The command line, run in this process; and pictures, which few tests draw."""

import sys

import pytest


@pytest.fixture(autouse=True, scope="session")
def _no_pictures():
    """Spare each study the process that draws its picture."""
    from tests.drawing import drawn

    with drawn(really=False):
        yield


@pytest.fixture
def pictures():
    """Let pictures be drawn."""
    from tests.drawing import drawn

    with drawn(really=True):
        yield


@pytest.fixture
def run_command(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder; the exit code, standard output and standard error."""
    from normwise import commands

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["normwise", *arguments])
        code = 0
        try:
            commands.main()
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr()

    return call
