"""What population statistics cost: whole studies with them and with `--no-population`, in turns.

    python benchmarks/population.py                # circles, churn, deep-mlp and digits-cnn
    python benchmarks/population.py mnist-cnn      # others

Each side runs `normwise study` as its file says, in a process of its own with a folder for compiled
programs that is empty at first: the first turn compiles, the others find what it left. Processor
time is that of the process and of those it starts; beside busy neighbours it says more than wall
time does. The share is what population statistics add to the study without them, by the medians;
at most 0.15 is wanted.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile

STUDIES = ("circles", "churn", "deep-mlp", "digits-cnn")
TURNS = 3
# The remedy, a variant more, is trained where lag is seen: it is no cost of seeing it.
SIDES = {"with": ["--no-remedy"], "without": ["--no-remedy", "--no-population"]}
# The study, and what it took, importing not counted.
ONE = """
import os, resource, sys, time
import jax, keras
from normwise.commands import main
begun, sys.argv[0] = time.perf_counter(), "normwise"
before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
try:
    main()
except SystemExit:
    pass
kinds = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
processor = sum(sum(resource.getrusage(kind)[:2]) for kind in kinds) - before
print("\\n", time.perf_counter() - begun, processor)
"""


def timed(study: str, options: list[str], cache: str) -> dict[str, float]:
    """Seconds of a study in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", ONE, "study", study, "--out", f"{folder}/out", *options],
            env=os.environ | {"KERAS_BACKEND": "jax", "NORMWISE_CACHE": cache},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(done.stderr)
    wall, processor = map(float, done.stdout.split()[-2:])
    return {"wall": wall, "processor": processor}


def main() -> None:
    """Time both sides of each study in turns."""
    for study in sys.argv[1:] or STUDIES:
        with tempfile.TemporaryDirectory() as root:
            found = {side: [] for side in SIDES}
            for turn in range(TURNS + 1):
                for side, options in SIDES.items():
                    found[side].append(timed(study, options, f"{root}/{side}"))
                last = {side: own[-1] for side, own in found.items()}
                print(study, "first" if turn == 0 else turn, json.dumps(last), flush=True)
            for clock in ("processor", "wall"):
                first = found["with"][0][clock] / found["without"][0][clock] - 1
                medians = {
                    side: statistics.median(one[clock] for one in own[1:])
                    for side, own in found.items()
                }
                share = medians["with"] / medians["without"] - 1
                print(f"{study}: {clock} +{share:.3f}, the first time +{first:.3f}", flush=True)


if __name__ == "__main__":
    main()
