"""What a finished model is looked at with stays on the disk where it lies there."""

import json
import os
import subprocess
import sys

import pytest

# Of each command its exit code: a check finds a bias in front of the normalisation.
CODES = {"check": 1, "recalibrate": 0, "fold": 0, "show-model": 0, "gap": None, "place": None}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-m", "tests.commands.in_little_memory"],
        cwd=tmp_path_factory.mktemp("large"), env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere mapped pages are counted otherwise")
@pytest.mark.parametrize("way", CODES)
def test_data_of_four_times_the_memory_are_looked_at_within_it(found, way):
    assert found[way]["code"] == CODES[way]
    assert found[way]["grown"] < found["cap"]
