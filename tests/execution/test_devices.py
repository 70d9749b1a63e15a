"""On any number of devices, which the number of replicas need not fit: the same curves."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

# What is trained on each number of devices from the beginning. Five replicas leave gaps on two, three
# and eight devices, a single one on eight.
COUNTS = {1: ("dense", "convolution"), 2: ("dense",), 3: ("dense",), 8: ("dense", "one")}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What a process with each number of devices says; each goes on where the one before stopped.

    Fifteen seconds: JAX has one number of devices a process, and compiles for each anew.
    """
    environment = dict(os.environ)
    environment.pop("JAX_NUM_CPU_DEVICES", None)
    asked = [f"{count}={','.join(networks)}" for count, networks in COUNTS.items()]
    folder = tmp_path_factory.mktemp("devices") / "out"
    done = subprocess.run(
        [sys.executable, "-m", "tests.execution.on_devices", folder, *asked],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(zip(COUNTS, map(json.loads, done.stdout.splitlines()), strict=True))


def test_there_are_as_many_devices_as_were_asked_for(found):
    assert {count: one["devices"] for count, one in found.items()} == {n: n for n in COUNTS}


@pytest.mark.parametrize("count", [2, 3, 8])
def test_replicas_side_by_side_are_those_of_one_device_to_rounding(found, count):
    """Five, three, two or one on a device: programs of another width, which XLA rounds otherwise."""
    ours, theirs = found[count]["dense"]["curves"], found[1]["dense"]["curves"]
    assert np.shape(ours) == (5, 4)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_a_single_replica_on_eight_devices_is_the_first_of_five(found):
    theirs = found[1]["dense"]["curves"]
    np.testing.assert_allclose(found[8]["one"]["curves"], theirs[:1], rtol=1e-5)


def test_a_study_goes_on_on_another_number_of_devices_bit_for_bit(found):
    """Where replicas train one at a time, each device runs the same program, however many."""
    whole = np.array(found[1]["convolution"]["curves"])
    assert len(np.unique(whole[:, -1])) == 5
    for until, count in enumerate(COUNTS, 1):
        continued = found[count]["continued"]
        assert continued["begun"] == [until - 1]
        np.testing.assert_array_equal(continued["curves"], whole[:, :until])
