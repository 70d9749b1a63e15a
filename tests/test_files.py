import sys
from pathlib import Path

import platformdirs
import pytest

from normwise.errors import StoreError
from normwise.files import cache_folder, is_file, replacing


class Stop(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("stop", [Stop, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_beside(tmp_path, stop):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write():
        with replacing(path) as beside:
            beside.write_text("half of the n")
            raise stop

    with pytest.raises(stop):
        write()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_the_suffix_stays_and_parents_are_made(tmp_path):
    with replacing(tmp_path / "new" / "best.keras") as beside:
        assert beside.suffix == ".keras"
        beside.write_text("x")
    assert (tmp_path / "new" / "best.keras").is_file()


@pytest.mark.parametrize("below", [False, True], ids=["folder-is-a-file", "below-a-file"])
def test_a_folder_that_cannot_be_written_is_named(tmp_path, below):
    (tmp_path / "file").write_text("x")
    path = tmp_path / "file" / ("deep" if below else "") / "a.txt"
    message = r"cannot write '.*a.txt' \(.*\); expected .* --out"
    with pytest.raises(StoreError, match=message), replacing(path):
        pytest.fail("nothing to write to")
    assert (tmp_path / "file").read_text() == "x"


def test_a_full_disk_is_a_store_error(tmp_path):
    with pytest.raises(StoreError, match="No space left"), replacing(tmp_path / "a.txt"):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("path", ["", "x" * 10_000, "nul\0l"], ids=["empty", "long", "nul"])
def test_what_cannot_be_a_path_is_no_file(path):
    assert not is_file(path)


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "a").write_text("x")
    assert is_file(tmp_path / "a")
    assert not is_file(tmp_path)


def test_the_cache_is_where_its_system_keeps_caches(tmp_path, monkeypatch):
    monkeypatch.delenv("NORMWISE_CACHE")
    assert cache_folder() == platformdirs.user_cache_path("normwise", appauthor=False)
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="XDG's rule")
def test_the_cache_of_linux_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.delenv("NORMWISE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "normwise"


def test_a_user_without_a_home_has_a_cache_all_the_same(monkeypatch):
    monkeypatch.delenv("NORMWISE_CACHE")
    monkeypatch.setattr(
        "normwise.files.user_cache_path", lambda *_, **__: Path("~/.cache/normwise")
    )
    assert cache_folder().is_absolute()
