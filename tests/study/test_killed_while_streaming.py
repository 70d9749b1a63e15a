"""A study of streamed data that is killed goes on to the undisturbed result, on two devices."""

import json
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Twenty seconds: what a fork that is killed has compiled, the next one compiles again."""
    folder = tmp_path_factory.mktemp("kills")
    done = subprocess.run(
        [sys.executable, "-m", "tests.study.killed_while_streaming", folder],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_half_a_file_of_pictures_is_no_file(found):
    code, left = found["half"]
    assert code == -9
    assert len(left) == 1  # of which nothing is left by the study that comes next
    for engine in ("stacked", "fit"):
        before, after = found[engine]["files"]
        assert len(before) == 1
        assert left[0] not in before
        assert after == before  # one file, made once


@pytest.mark.parametrize("engine", ["stacked", "fit"])
def test_the_curves_are_those_of_the_undisturbed_study(found, engine):
    assert found[engine]["codes"] == [-9, 0, 0]
    ours, whole = found[engine]["curves"]
    assert len(set(whole["val_loss"])) == 3 * 3  # seeds, epochs
    assert ours == whole
    killed, again = found[engine]["kept"]
    assert 0 < len(killed) < len(again)
    assert again[: len(killed)] == killed  # nothing of it was trained twice
    assert len(set(map(tuple, again))) == len(again)


def test_such_a_study_is_checked_and_says_that_its_data_are_streamed(found):
    summary = found["stacked"]["summary"]
    assert summary["solo_check"]["max_relative_difference"] < 1e-5
    assert max(summary["solo_check"]["first_steps"].values()) < 1e-5
    assert summary["environment"]["fingerprint"].endswith("-window-16")
    assert summary["environment"]["devices"] == "2 × cpu"
    said = "The data are streamed (as was asked): 16 rows"
    assert any(said in note for note in found["stacked"]["notes"])


@pytest.mark.parametrize("engine", ["stacked", "fit"])
def test_runs_on_the_same_windows_are_found_again(found, engine):
    assert found[engine]["again"] == [0, 3]
    assert found[engine]["same"]
