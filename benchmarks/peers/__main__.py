"""Time a training step against Keras' `fit` on JAX and TensorFlow, and a PyTorch loop.

    python benchmarks/peers                     # every workload, about half an hour
    python benchmarks/peers churn mnist-cnn     # some

Each peer lives in an environment of its own, made at the first run under the
cache folder from the extra `bench`, so that no peer's threads or libraries get
into another's way. All sides of a workload run one after the other, --rounds
times in turn; the fastest round of each counts, and every ratio is printed.
Targets are ratios to the best peer, as measured where they were set.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
import venv
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_cache_path

HERE = Path(__file__).parent
# Milliseconds by the clock, and of processors.
Both = tuple[float, float]
# Variant, then side.
Times = dict[str, dict[str, Both]]
SIDES = ("normwise", "Keras-JAX", "Keras-TF", "PyTorch")
# Normwise over the best peer, from the issue that set them.
TARGETS = {
    ("churn", "none"): 0.015 / 0.139,
    ("churn", "before"): 0.02 / 0.162,
    ("fashion-mlp", "none"): 0.18 / 0.355,
    ("fashion-mlp", "input+before"): 0.24 / 0.488,
    ("mnist-cnn", "none"): 0.75,
    ("mnist-cnn", "after"): 0.65,
    ("lstm", "after"): 0.4 / 0.75,
    ("residual", "none"): 1.0,
    ("residual", "before"): 1.0,
}


def main() -> None:
    """Run the chosen workloads and print a table of each."""
    parser = argparse.ArgumentParser(
        prog="python benchmarks/peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    workloads = ("churn", "fashion-mlp", "mnist-cnn", "lstm", "residual", "depthwise", "unet")
    parser.add_argument("workload", nargs="*", default=workloads, help=", ".join(workloads))
    parser.add_argument("--rounds", type=int, default=2, help="times each side runs (default 2)")
    parser.add_argument("--side", action="append", choices=SIDES, help="only these (repeatable)")
    arguments = parser.parse_args()
    for workload in arguments.workload:
        found: Times = {}
        for _ in range(arguments.rounds):
            for side in arguments.side or SIDES:
                for variant, both in _run(side, workload).items():
                    best = found.setdefault(variant, {})
                    best[side] = tuple(map(min, both, best.get(side, both)))
        _print(workload, found)


def _print(workload: str, found: Times) -> None:
    print(f"\n{workload}: milliseconds a step (normwise: and replica), of processors in brackets")
    for variant, times in found.items():
        each = (f"{side} {wall:.3f} ({cpu:.3f})" for side, (wall, cpu) in times.items())
        print(f"  {variant}: " + ", ".join(each))
        _print_ratios(times, TARGETS.get((workload, variant)))
    if len(found) == 2:
        _print_added(*found.values())


def _print_ratios(times: Mapping[str, Both], target: float | None) -> None:
    peers = {side: both for side, both in times.items() if side != "normwise"}
    if not peers or "normwise" not in times:
        return
    wanted = f" (target {target:.2f})" if target else ""
    for number, of in enumerate(("by the clock", "of processors")):
        best = min(peers, key=lambda side: peers[side][number])
        ratio = times["normwise"][number] / peers[best][number]
        print(f"    normwise over the best peer {of}, {best}: {ratio:.2f}{wanted}")


def _print_added(plain: Mapping[str, Both], normalised: Mapping[str, Both]) -> None:
    """What normalisation adds, by the clock."""
    added = {side: normalised[side][0] - wall for side, (wall, _) in plain.items()}
    print("    added: " + ", ".join(f"{side} {ms:.3f}" for side, ms in added.items()))
    if "normwise" in added:
        shares = {s: added["normwise"] / ms for s, ms in added.items() if s != "normwise"}
        print(
            "    what normwise's adds over what the peer's adds (target 0.33): "
            + ", ".join(f"{side} {share:.2f}" for side, share in shares.items())
        )


def _run(side: str, workload: str) -> dict[str, Both]:
    python, script, backend = {
        "normwise": lambda: (sys.executable, "run_normwise.py", "jax"),
        "Keras-JAX": lambda: (sys.executable, "run_keras.py", "jax"),
        "Keras-TF": lambda: (_environment("tensorflow"), "run_keras.py", "tensorflow"),
        "PyTorch": lambda: (_environment("torch"), "run_torch.py", "torch"),
    }[side]()
    process = subprocess.run(
        [python, HERE / script, workload],
        check=True,
        stdout=subprocess.PIPE,
        stderr=None if os.environ.get("VERBOSE") else subprocess.DEVNULL,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    return json.loads(process.stdout.splitlines()[-1])


def _environment(package: str) -> str:
    """The interpreter of an environment that holds this peer, made if there is none."""
    folder = user_cache_path("normwise-peers", appauthor=False) / package
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"making the environment {folder} ...", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        project = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
        bench = project["optional-dependencies"]["bench"]
        wanted = [one for one in bench if one.startswith(package)]
        keras = [one for one in project["dependencies"] if one.startswith(("keras", "numpy"))]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted, *keras], check=True)
        (folder / "complete").touch()
    return str(python)


if __name__ == "__main__":
    main()
