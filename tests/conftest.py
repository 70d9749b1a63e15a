"""The command line, run in this process; pictures, which few tests draw; and a browser."""

import os
import shutil
import sys

import pytest


@pytest.fixture(autouse=True, scope="session")
def _no_pictures():
    """Spare each study the process that draws its picture."""
    from tests.drawing import drawn

    with drawn(really=False):
        yield


@pytest.fixture(autouse=True, scope="session")
def _time_for_checks():
    """A solo check checks whole runs here, however busy the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("normwise.study.allowance.Allowance.for_whole_run", lambda _: 600.0)
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


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        assert not os.environ.get("NORMWISE_REQUIRE_BROWSER"), "chromium is not installed"
        pytest.skip("needs chromium")
    with playwright.sync_playwright() as started:
        # Who tests may be root, in a machine of its own.
        found = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()
