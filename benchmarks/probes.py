"""What looking inside costs: a whole study with `--probe` and without it, in turns.

    python benchmarks/probes.py [STUDY …] [--repeats 3] [--seeds N] [--epochs N]

Each round runs the command both ways with nothing compiled before (cold) and once more with all
programs kept (warm). Prints the seconds of each, by the clock and of the processors, the least of
the rounds, and how much more `--probe` takes; the aim is 15%.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AIM = 0.15
WAYS = {"without": [], "--probe": ["--probe"]}


def run(study: str, options: list[str], cache: Path) -> tuple[float, float]:
    """Seconds of a whole command, by the clock and of the processors."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "normwise", "study", study, "--out", f"{folder}/out"]
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        environment = {**os.environ, "NORMWISE_CACHE": str(cache)}
        subprocess.run([*command, *options], check=True, env=environment, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = sum(getattr(after, part) - getattr(before, part) for part in ("ru_utime", "ru_stime"))
    return time.perf_counter() - started, used


def measure(
    study: str, options: list[str], repeats: int
) -> dict[tuple[str, str], tuple[float, float]]:
    """The least seconds of each way, cold and warm."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(repeats):
        for way, own in WAYS.items():
            with tempfile.TemporaryDirectory() as cache:
                for state in ("cold", "warm"):
                    seconds = run(study, [*options, *own], Path(cache))
                    found.setdefault((state, way), []).append(seconds)
    return {
        key: (min(wall for wall, _ in every), min(used for _, used in every))
        for key, every in found.items()
    }


def main() -> None:
    """Print a line for each study, cold and warm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", default=["circles", "churn", "deep-mlp"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seeds")
    parser.add_argument("--epochs")
    arguments = parser.parse_args()
    asked = {name: getattr(arguments, name) for name in ("seeds", "epochs")}
    options = [text for name, one in asked.items() if one for text in (f"--{name}", one)]
    for study in arguments.studies:
        found = measure(study, options, arguments.repeats)
        for state in ("cold", "warm"):
            wall, used = found[state, "without"]
            more, more_used = found[state, "--probe"]
            share = more_used / used - 1
            print(
                f"{study:12} {state}: {wall:6.1f} s, {used:6.1f} s of processors; with --probe "
                f"{more:6.1f} s, {more_used:6.1f} s: {more / wall - 1:+.0%} by the clock, "
                f"{share:+.0%} of the processors, aim {AIM:+.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
