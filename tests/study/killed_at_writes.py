"""A process that runs a study of invented curves in forks, each killed at another of its writes.

    python -m tests.study.killed_at_writes FOLDER

Everything between a job and the summary is the study's own; only what trains is invented, so that a
study takes milliseconds. Prints, as JSON, what each fork left behind and what the same study made of
it afterwards.
"""

import itertools
import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from normwise.engine import Stack, State
from normwise.execution.local import LocalExecutor
from normwise.execution.which_engine import STACKED
from normwise.files import replacing
from normwise.study.curves import write_curves
from normwise.study.history import History
from normwise.study.keeping import best_run, state_of
from normwise.study.planners import RoundsPlanner
from normwise.study.store import held
from normwise.study.training import Training
from tests.study.invented import question

ASKED = question(variants=("none",), seeds=3, epochs=3)


class InventedCohort:
    """Replicas of one weight each, which falls: what comes next depends on the state."""

    width = 2

    def data(self):
        return None

    def begin(self, chunk):
        weights = np.array([1.0 + replica.seed / 10 for replica in chunk])
        return Stack(tuple(chunk), State([weights], [], [], np.ones(len(chunk), bool)))

    def resume(self, chunk, rows, epoch):
        return Stack(tuple(chunk), rows, epoch)

    def advance(self, _compiled, _data, stack, until):
        while stack.epoch < until:
            weights = stack.state.trainable[0] * 0.9 + 0.01
            stack.state = State([weights], [], [], stack.state.alive)
            stack.epoch += 1
            yield dict.fromkeys(("loss", "val_loss"), weights[:, None])


class InventedPrograms:
    """In the place of what compiles."""

    def prepare(self, _):
        return ()

    def error(self, _):
        return None

    def of(self, _):
        return SimpleNamespace(cohort=InventedCohort(), compiled=None, is_divisible=False)


SETUP = SimpleNamespace(
    learning_rate=0.01,
    recipe=SimpleNamespace(in_own_units=lambda curves: curves),
    engine=STACKED,
)


def executor(setup, checkpoints):
    """This process, with the study's own worker."""
    made = LocalExecutor(setup, checkpoints)
    made._worker._programs = InventedPrograms()
    return made


def study(folder):
    """All that a study writes, in its order."""
    with held(folder, ASKED.spec) as store:
        dataset = SimpleNamespace(said=("Said of the data.",))
        case = SimpleNamespace(question=ASKED, setup=SETUP, dataset=dataset)
        training = Training(case, store, lambda _: None, None, executor)
        records = training.records(training.train(RoundsPlanner(ASKED), ""))
        best = best_run(records, ASKED.metric, rising=ASKED.rising)
        # Never trained again: whenever a kill comes, a run that has ended has its state.
        state = state_of(best.key, training.ledger, training.checkpoints)
        training.begin()
        write_curves(records, folder / "curves.parquet")
        with replacing(folder / "best.keras") as beside:
            beside.write_bytes(state.trainable[0].tobytes())
        store.write_summary(ASKED.summary(records))
        History(store).finished()
        training.tidy()


def dying_at(number):
    """Let this process die at a call of the system that writes, by its number.

    Where that call makes sure of what was written, the last bytes of it are lost.
    """
    calls = itertools.count()

    def watched(function):
        def call(*arguments, **options):
            if next(calls) == number:
                if function is sync:
                    os.ftruncate(arguments[0], max(0, os.fstat(arguments[0]).st_size - 7))
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    def sync(_):
        """Nothing: what was written outlives a process that is killed."""

    os.fsync, os.truncate = watched(sync), watched(os.truncate)
    for name in ("replace", "unlink", "mkdir", "rmdir"):
        setattr(Path, name, watched(getattr(Path, name)))


def in_fork(work):
    """What a copy of this process ends with: the exit code, or minus the signal."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            sys.stderr.write(f"{error!r}\n")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def left(folder):
    """What a folder holds, times and numbers of starts apart."""
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    segments = [
        (line["variant"], line["first"], json.dumps(line["runs"]))
        for line in lines
        if line["event"] == "segment"
    ]
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {
        "files": sorted(str(path) for path in files if path.parent.name != "segments"),
        "results": {
            name: (folder / name).read_bytes().hex()
            for name in ("summary.json", "curves.parquet", "best.keras", "spec.toml")
        },
        "twice": len(segments) - len(set(segments)),
        "segments": len(set(segments)),
    }


def main():
    root = Path(sys.argv[1])
    assert in_fork(lambda: study(root / "whole")) == 0
    found = []
    for number in itertools.count():
        folder = root / str(number)

        def killed(number=number, folder=folder):
            dying_at(number)
            study(folder)

        if in_fork(killed) == 0:
            break  # it has no more writes than that
        again = in_fork(lambda folder=folder: study(folder))
        found.append([again, None if again else left(folder)])
    sys.stdout.write(json.dumps({"whole": left(root / "whole"), "found": found}))


if __name__ == "__main__":
    main()
