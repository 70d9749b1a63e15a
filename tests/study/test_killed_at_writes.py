"""A study that is killed at any of its writes goes on to the undisturbed result."""

import json
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Ten seconds: some eighty studies are killed, each at another write, and all go on."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.study.killed_at_writes", tmp_path_factory.mktemp("kills")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_results_are_those_of_the_undisturbed_study(found):
    whole = found["whole"]
    assert whole["segments"] == 6  # two stacks, three epochs
    assert len(found["found"]) > 10 * whole["segments"]  # each comes with several writes
    for number, (code, left) in enumerate(found["found"]):
        assert code == 0, f"killed at write {number}, it does not go on"
        assert left["results"] == whole["results"], number
        assert left["files"] == whole["files"], number


def test_at_most_one_segment_is_trained_twice(found):
    assert max(left["twice"] for _, left in found["found"]) <= 1
