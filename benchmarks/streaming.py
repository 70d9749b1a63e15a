"""An epoch of the MNIST network on data that are streamed, beside the same in memory, in turns.

    python benchmarks/streaming.py [EXAMPLES [WINDOW]]

Prints the seconds of each turn and the ratio of the medians; below 1.2 is wanted.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from normwise.backend import require_jax

require_jax()

from normwise.data import Dataset, find_dataset
from normwise.data.nested import rows
from normwise.domain import Variant
from normwise.engine import Replica, configure
from normwise.execution.setup import Setup
from normwise.spec import Spec
from normwise.studies.models import MODELS

BATCH = 64
ROUNDS = 3


def mapped(dataset: Dataset, folder: Path) -> Dataset:
    """The data set with its training inputs in a file."""
    np.save(folder / "x.npy", dataset.x_train)
    x = np.load(folder / "x.npy", mmap_mode="r")
    return dataset.of(dataset.train._replace(x=x), dataset.val)


def turns(setup: Setup) -> Iterator[float]:
    """Seconds of an epoch of one replica, after a first one that compiles."""
    cohort = setup.cohort(Variant.parse("none"), BATCH)
    compiled = cohort.compile(cohort.lower())
    data, stack = cohort.data(), cohort.begin([Replica(0)])
    pieces = cohort.advance(compiled, data, stack, ROUNDS + 1)
    next(pieces)
    while True:
        started = time.perf_counter()
        if next(pieces, None) is None:
            return
        yield time.perf_counter() - started


def main() -> None:
    """Time both in turns."""
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 60000
    window = int(sys.argv[2]) if len(sys.argv) > 2 else examples // 4
    configure()
    dataset = find_dataset("mnist")
    dataset = dataset.of(rows(dataset.train, slice(examples)), rows(dataset.val, slice(1000)))
    with tempfile.TemporaryDirectory() as folder:
        timed = {"in memory": dataset, "streamed": mapped(dataset, Path(folder))}
        running = {}
        for name, data in timed.items():
            settings = {"model": "mnist-cnn", "data": "mnist", "variants": ["none"], "seeds": 1,
                        "batch_size": BATCH, "epochs": ROUNDS + 1, "engine": "stacked",
                        "window": window if name == "streamed" else 0}  # fmt: skip
            running[name] = turns(Setup.of(Spec.make(settings), MODELS["mnist-cnn"], data))
        seconds = {name: [] for name in running}
        for number in range(ROUNDS):
            for name, each in running.items():
                seconds[name].append(next(each))
            print(number, {name: round(own[-1], 2) for name, own in seconds.items()})
    memory, streamed = (statistics.median(own) for own in seconds.values())
    print(f"in memory {memory:.2f} s, streamed {streamed:.2f} s an epoch: {streamed / memory:.3f}")


if __name__ == "__main__":
    main()
