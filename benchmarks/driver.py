"""What does a run cost who drives it? A study of made-up curves through the whole driver.

    python benchmarks/driver.py                       # about ten minutes
    python benchmarks/driver.py 1000 10000 --planner rounds

An executor that trains nothing hands out curves, one run a job, in four segments (ten of 100
epochs) with a checkpoint each: nine events a run. All else is the study's own: planner, jobs,
driver, ledger, journal (each line and its arrays synced), the keeper of the best states, progress.
Then the summary is made, and the folder opened again. Each line is a process of its own; its
memory is what it grew by (Linux only). Where nothing grows with the square of the runs, each column
is as good as constant. Folders are made in TMPDIR: on a disk, or in memory (/dev/shm) to see
what the disk takes of it.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from memory import forgotten_peak, status

from normwise.domain import Run, segment_length
from normwise.execution import Checkpointed, Event, Finished, Job, Segment
from normwise.spec import Spec
from normwise.study import training as training_module
from normwise.study.event_log import EventLog
from normwise.study.ledger import Ledger
from normwise.study.planners import planner_of
from normwise.study.question import Question
from normwise.study.store import Store
from normwise.study.training import Training

VARIANTS = ("none", "after", "before", "input", "input+after")
# From planner to the settings that ask for it; `wide` is a grid that grows instead of the seeds.
PLANNERS: dict[str, dict[str, Any]] = {
    "rounds": {},
    "doubling": {"until_decided": True},
    "halving": {"prune": True},
    "wide": {},
}


def main() -> None:
    """Measure each planner and size in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--planner", choices=PLANNERS, action="append", help="default: all")
    parser.add_argument("--epochs", type=int, default=4, help="of a run (default 4)")
    parser.add_argument("--folder", choices=("with", "without"), help="default: both")
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        question = question_of(options.runs[0], options.planner[0], options.epochs)
        numbers = measure(question, options.folder == "with", profiled=options.profile)
        print(f"{options.planner[0]:9} {options.folder:7} {numbers}", flush=True)
        return
    print("                       processor, µs a run           wall     bytes a run")
    print(
        "planner   folder     runs  driven  summary  reopened  driven  memory  reopened  journal"
        "  arrays"
    )
    for planner in options.planner or PLANNERS:
        for folder in [options.folder] if options.folder else ["without", "with"]:
            for runs in options.runs:
                asked = [str(runs), "--planner", planner, "--folder", folder]
                asked += ["--epochs", str(options.epochs)]
                flags = ["--profile"] * options.profile
                subprocess.run([sys.executable, __file__, "--here", *asked, *flags], check=True)


def measure(question: Question, in_folder: bool, *, profiled: bool) -> str:
    """Drive one study, and say what it took."""
    before = forgotten_peak()
    with tempfile.TemporaryDirectory() as parent:
        store = Store(Path(parent) / "study", question.spec) if in_folder else None
        profile = cProfile.Profile()
        if profiled:
            profile.enable()
        training = training_of(question, store)
        started, began = time.process_time(), time.perf_counter()
        goals = training.train(planner_of(question), "")
        driven, ended = time.process_time(), time.perf_counter()
        question.summary(training.records(goals))
        summarised = time.process_time()
        peak = status("VmHWM") - before
        del training
        before = forgotten_peak()
        again = time.process_time()
        if store is not None:
            planner_of(question).next(Ledger(EventLog(store)))
        reopened = time.process_time()
        peak_again = (status("VmHWM") - before) * (store is not None)
        if profiled:
            profile.disable()
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        sizes = sizes_in(store)
    count = len(goals)
    seconds = (driven - started, summarised - driven, (reopened - again) * (store is not None))
    driven_us, summary_us, reopened_us = (1e6 * value / count for value in seconds)
    journal, arrays = (size / count for size in sizes)
    wall = 1e6 * (ended - began) / count
    return (
        f"{count:7,} {driven_us:7.0f} {summary_us:8.0f} {reopened_us:9.0f} {wall:7,.0f} "
        f"{peak / count:7,.0f} {peak_again / count:9,.0f} {journal:8,.0f} {arrays:7,.0f}"
    )


def question_of(runs: int, planner: str, epochs: int) -> Question:
    """A study of about so many runs."""
    points = runs // len(VARIANTS) // 4 if planner == "wide" else 10
    seeds = runs // len(VARIANTS) // points
    changes = PLANNERS[planner]
    if planner == "doubling":
        seeds //= 8
        # Of so narrow a margin nothing is decided, so that each round takes place.
        changes = changes | {"max_seeds": 8 * seeds, "margin": 1.000001}
    spec = Spec.make(
        {"model": "m", "data": "arrays", "variants": VARIANTS, "epochs": epochs, "seeds": seeds,
         "learning_rate": f"1e-4:1:{points}", "target": "val_loss<=0.5", **changes}
    )  # fmt: skip
    return Question(spec, "f", "val_loss")


def training_of(question: Question, store: Store | None) -> Training:
    """A study's training, but for the training itself."""
    training_module._checkpoints = lambda _: OneState()  # type: ignore[assignment]
    dataset = SimpleNamespace(said=())
    case: Any = SimpleNamespace(question=question, setup=None, dataset=dataset)
    return Training(case, store, lambda _: None, None, lambda *_: MadeUp(question.spec.epochs))


class MadeUp:
    """An executor that trains nothing; each run is a job of its own.

    Args:
        epochs: Of a run that goes to its end.
    """

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Curves that fall, further at a larger learning rate."""
        for job in jobs:
            for part in job.parts(1):
                yield from self._trained(part)

    def cancel(self) -> None:
        """Nothing is running."""

    def _trained(self, part: Job) -> Iterator[Event]:
        length, keys = segment_length(self._epochs), tuple(run.key for run in part.runs)
        rates = tuple(run.condition.learning_rate or 0.01 for run in part.runs)
        for first in range(part.first, part.until, length):
            done = np.arange(first, first + length) / self._epochs
            values = np.array([falling(run, done) for run in part.runs])
            names = ("loss", "val_loss", "accuracy", "val_accuracy")
            curves = {name: values.copy() for name in names}
            yield Segment(part.runs, first, curves, rates, 0.1)
            yield Checkpointed(keys, first + length, f"{keys[0].digest}-{first + length}")
        yield Finished(keys, part.until)


def falling(run: Run, done: np.ndarray) -> np.ndarray:
    """A loss after each share of a run that is done."""
    noise = 1 + 0.3 * np.sin(run.key.seed + len(run.key.variant))
    fall = noise * (run.condition.learning_rate or 0.01) ** 0.25
    values: np.ndarray = (1 - fall * done).astype(np.float32)
    return values


class OneState:
    """Checkpoints that are always there: a small state, the same for all."""

    survive = False

    def __init__(self) -> None:
        from normwise.engine import State

        rows = np.zeros((1, 4), np.float32)
        self._state = State([rows], [rows], [rows], np.ones(1, bool))

    def save(self, name: str, rows: Any) -> None:
        """Nothing is kept."""

    def load(self, _name: str) -> Any:
        """The state."""
        return self._state

    def drop(self, names: Any) -> None:
        """Nothing goes."""

    def names(self) -> set[str]:
        """None is there before."""
        return set()


def sizes_in(store: Store | None) -> tuple[int, int]:
    """Bytes of the journal, and of the arrays beside it."""
    if store is None:
        return 0, 0
    arrays = sum(path.stat().st_size for path in (store.folder / "segments").iterdir())
    return (store.folder / "journal.jsonl").stat().st_size, arrays


if __name__ == "__main__":
    main()
