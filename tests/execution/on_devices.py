"""Processes with so many virtual devices each that train a few networks and say how.

    python -m tests.execution.on_devices FOLDER 1=dense,convolution 3=dense

Each number is a process's, one after another, and each prints a line of JSON: how many devices
there are, and curves: of the networks that are named, trained here from their beginning, and of
one that goes on in FOLDER, an epoch further, from where the process before left it.
"""

import json
import os
import sys
import traceback
from pathlib import Path

import jax
import keras
import numpy as np
from keras import layers

from normwise import engine
from normwise.data import Dataset
from normwise.domain import Variant
from normwise.execution.checkpoint import FolderCheckpoints, MemoryCheckpoints
from normwise.execution.local import LocalExecutor
from normwise.execution.setup import Setup
from normwise.models.compiling import Recipe
from normwise.models.source import ModelSource
from normwise.spec import Spec
from normwise.study.event_log import EventLog
from normwise.study.ledger import Ledger
from normwise.study.planners import jobs_of
from normwise.study.question import Question
from normwise.study.store import Store

EPOCHS = 4


def dense():
    """Trained side by side on a device, with moving statistics, a momentum and dropout."""
    hidden = [layers.Dense(4, activation="relu"), layers.Dropout(0.2)]
    return keras.Sequential([keras.Input((6, 1)), layers.Flatten(), *hidden, layers.Dense(1)])


def convolution():
    """Trained one at a time on each device, whatever their number."""
    hidden = [layers.Conv1D(3, 3, activation="relu"), layers.Flatten()]
    return keras.Sequential([keras.Input((6, 1)), *hidden, layers.Dense(1)])


def rows():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 6, 1)).astype("float32")
    y = x[:, :, 0] @ draw.normal(size=(6, 1)).astype("float32")
    return Dataset("rows", x[:40], y[:40], x[40:], y[40:], "regression")


def trained(build, seeds, until=EPOCHS, folder=None):
    """The validation loss of each seed so far, and what it took: the widths of the stacks."""
    spec = Spec.make({"model": "m", "data": "arrays", "variants": ("after",), "epochs": EPOCHS,
                      "seeds": seeds, "batch_size": 8, "optimizer": "adam"})  # fmt: skip
    source = ModelSource(build, data := rows())
    question = Question(spec, "f", "val_loss")
    runs = question.runs([Variant.parse("after")], range(seeds))
    checkpoints, log = MemoryCheckpoints(), None
    if folder is not None:
        store = Store(folder, spec)
        store.begin()
        checkpoints, log = FolderCheckpoints(folder / "checkpoints"), EventLog(store)
    ledger = Ledger(log, checkpoints.names())
    begun = {ledger.origin(run.key)[0] for run in runs}
    executor = LocalExecutor(Setup(Recipe(spec, data, source.compiled), source), checkpoints)
    for event in executor.run(jobs_of(dict.fromkeys(runs, until), ledger)):
        ledger.add(event)
    curves = [ledger.record(run, until, EPOCHS).curves["val_loss"][:until] for run in runs]
    return {"begun": sorted(begun), "curves": curves}


NETWORKS = {"dense": (dense, 5), "convolution": (convolution, 5), "one": (dense, 1)}


def say(networks, until, folder):
    """What a process with the devices that it has says."""
    engine.configure()
    found = {name: trained(*NETWORKS[name]) for name in networks}
    found["devices"] = len(jax.devices())
    found["continued"] = trained(convolution, 5, until, folder)
    sys.stdout.write(f"{json.dumps(found)}\n")
    sys.stdout.flush()


def in_fork(count, *arguments):
    """Say it with so many devices: forks, as imports take longer than what is trained."""
    child = os.fork()
    if not child:
        code = 1
        try:
            # JAX, which has imported but not begun, reads this now.
            os.environ["XLA_FLAGS"] = (
                f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={count}"
            )
            say(*arguments)
            code = 0
        except Exception:  # noqa: BLE001
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main():
    folder, *asked = sys.argv[1:]
    for until, one in enumerate(asked, 1):
        count, networks = one.split("=")
        if code := in_fork(count, networks.split(","), until, Path(folder)):
            sys.exit(code)


if __name__ == "__main__":
    main()
