"""A study of streamed data that is killed goes on to the undisturbed result, on two devices."""

import json
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def found(tmp_path_factory):
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
    assert found["stacked"]["environment"]["devices"] == "2 × cpu"
    ours, whole = found[engine]["curves"]
    assert len(set(whole["val_loss"])) == 2 * 3 * 4  # variants, seeds, epochs
    assert ours == whole
    killed, again = found[engine]["kept"]
    assert 0 < len(killed) < len(again)
    assert again[: len(killed)] == killed  # nothing of it was trained twice
    assert len(set(map(tuple, again))) == len(again)
