"""Is the memory that a stack is estimated to take what it takes?

    python benchmarks/memory.py                   # about two minutes
    python benchmarks/memory.py circles:64 large-cnn:2

For each study and width (replicas side by side, of all devices together) a process of its own
compiles the program of the last variant, asks for the estimate, trains two segments with
checkpoints, and compares with what its resident memory grew by, at the peak. Linux only: the peak
is set back, by /proc/self/clear_refs, when all is compiled.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CASES = (
    "circles:30", "circles:64", "churn:10", "churn:64", "digits-cnn:2", "digits-cnn:1",
    "fashion-mlp:2", "fashion-mlp:20", "large-cnn:2", "large-cnn:1", "large-mlp:2", "large-mlp:8",
)  # fmt: skip
MB = 2**20


def main() -> None:
    """Measure each case in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", default=CASES, metavar="NAME:WIDTH")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        measure(*options.cases[0].split(":"))
        return
    print(f"{'study':12} {'width':>5} {'estimated':>10} {'measured':>9} {'ratio':>6}", flush=True)
    for case in options.cases:
        subprocess.run([sys.executable, __file__, "--here", case], check=True)


def measure(name: str, width: str) -> None:
    """Train one study at one width, and print the line about it."""
    from normwise import engine
    from normwise.domain import Run, RunKey, Variant
    from normwise.engine import Schedule, bytes_needed
    from normwise.execution import Job
    from normwise.execution.checkpoint import FolderCheckpoints
    from normwise.execution.worker import Worker

    setup = prepared(name)
    devices = min(int(width), engine.replica_mesh().size)
    setup.schedule = lambda _: Schedule(devices, int(width) // devices)
    condition = setup.spec.conditions[0]
    variant = setup.spec.variants[-1]
    runs = tuple(Run(RunKey(variant, seed, "m"), condition) for seed in range(int(width)))
    until = 2 * max(1, setup.spec.epochs // 10)
    job = Job(Variant.parse(variant), condition.batch_size, runs, 0, until)
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(setup, FolderCheckpoints(Path(folder)))
        list(worker.prepare([job]))
        program = worker._programs.of(job)
        estimated = bytes_needed(program.cohort, program.compiled)
        before = forgotten_peak()
        list(worker.run(job))
    measured = status("VmHWM") - before
    print(
        f"{name:12} {width:>5} {estimated / MB:7.1f} MB {measured / MB:6.1f} MB "
        f"{estimated / measured:6.2f}",
        flush=True,
    )


def prepared(name: str) -> Any:
    """What the jobs of a study share."""
    from normwise.models.source import as_model_takes
    from normwise.spec import Spec
    from normwise.studies import study_file
    from normwise.study.case import open_case
    from normwise.study.inputs import as_dataset

    if name in OWN:
        model, shape, classes = OWN[name]
        draw = np.random.default_rng(0)
        x = draw.normal(size=(2000, *shape)).astype("float32")
        y = draw.integers(classes, size=2000)
        spec = Spec.make(
            {"model": name, "data": "arrays", "variants": ("none", "after"), "epochs": 10,
             "seeds": 2, "optimizer": "adam"}
        )  # fmt: skip
        data: Any = (x, y)
    else:
        spec = Spec.from_toml(study_file(name), {})
        model, data = spec.model, spec.data
    dataset = as_model_takes(model, as_dataset(data, spec))
    return open_case(spec, model, dataset, None).setup


def large_cnn() -> Any:
    """Four convolutions of 3×3 (32, 32, 64, 64 filters) on pictures of 32×32×3, and 256-10."""
    import keras
    from keras import layers

    stack = [
        layers.Conv2D(filters, 3, padding="same", activation="relu", strides=strides)
        for filters, strides in ((32, 1), (32, 2), (64, 1), (64, 2))
    ]
    head = [layers.Flatten(), layers.Dense(256, activation="relu")]
    return keras.Sequential(
        [keras.Input((32, 32, 3)), *stack, *head, layers.Dense(10, activation="softmax")]
    )


def large_mlp() -> Any:
    """500-2000-2000-10: 5 million weights."""
    import keras
    from keras import layers

    hidden = [layers.Dense(2000, activation="relu") for _ in range(2)]
    return keras.Sequential([keras.Input((500,)), *hidden, layers.Dense(10, activation="softmax")])


# Networks that no built-in study has, each with the shape of an example and how many classes.
OWN: dict[str, tuple[Callable[[], Any], tuple[int, ...], int]] = {
    "large-cnn": (large_cnn, (32, 32, 3), 10),
    "large-mlp": (large_mlp, (500,), 10),
}


def forgotten_peak() -> int:
    """Give free memory back to the system, set the peak back, and say what is left, in bytes."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    return status("VmRSS")


def status(name: str) -> int:
    """A line of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    [line] = [line for line in lines if line.startswith(f"{name}:")]
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    main()
