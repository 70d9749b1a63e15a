"""The script's cache: read when whole, made again when not, never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from normwise.report import vega_script


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """How often the script was assembled."""
    calls: list[str] = []

    def assemble() -> str:
        calls.append("made")
        return "script" + vega_script._MARK

    monkeypatch.setattr(vega_script, "_assemble", assemble)
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path))
    return calls


def test_it_is_made_once(made: list[str]) -> None:
    assert vega_script.vega_javascript() == vega_script.vega_javascript()
    assert made == ["made"]


def test_a_torn_file_is_made_again(made: list[str], tmp_path: Path) -> None:
    vega_script.vega_javascript()
    (path,) = tmp_path.rglob("*.js")
    path.write_text("scri")
    assert vega_script.vega_javascript().startswith("script")
    assert made == ["made", "made"]


def test_a_cache_that_cannot_be_written(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path / "file"))
    assert vega_script.vega_javascript().startswith("script")
    assert made == ["made"]
