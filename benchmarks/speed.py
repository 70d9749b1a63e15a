"""Time the main job against the same training by Keras' own `fit`, in one run.

    python benchmarks/speed.py              # everything, about ten minutes
    python benchmarks/speed.py --only study # one part

Parts: `study` (the whole command, cold and warm, against 90 fits, and with two
seeds against one), `stages`
(where the command's time goes), `scaling` (time a replica and peak memory from
32 to 2,048 replicas). Both sides run on the same machine, one after the other,
each in a process of its own; every ratio is printed with both its sides, by
the clock and by processor time, which tells on a machine that is not quiet.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

VARIANTS = ("none", "after", "before")
RUNS = 90

# As the tutorials write it: each training run builds, compiles and fits a model of its own.
KERAS_FITS = """
import json, sys, time
started = time.perf_counter()
import keras
from keras import layers
from sklearn.datasets import make_circles
x, y = make_circles(n_samples=1000, noise=0.1, random_state=1)
x = x.astype("float32")
def now():
    return time.perf_counter(), time.process_time()
imported = time.perf_counter() - started, time.process_time()
hidden = {
    "none": lambda: [layers.Dense(50, activation="relu", kernel_initializer="he_uniform")],
    "after": lambda: [layers.Dense(50, activation="relu", kernel_initializer="he_uniform"),
                      layers.BatchNormalization()],
    "before": lambda: [layers.Dense(50, kernel_initializer="he_uniform"),
                       layers.BatchNormalization(), layers.Activation("relu")],
}
times = {}
for variant, make in hidden.items():
    times[variant] = []
    for seed in range(int(sys.argv[1])):
        keras.utils.set_random_seed(seed)
        started = now()
        model = keras.Sequential(
            [keras.Input((2,)), *make(), layers.Dense(1, activation="sigmoid")])
        model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
                      loss="binary_crossentropy", metrics=["accuracy"])
        model.fit(x[:500], y[:500], validation_data=(x[500:], y[500:]), epochs=100,
                  batch_size=32, verbose=0)
        times[variant].append([end - begin for begin, end in zip(started, now())])
print(json.dumps({"import": imported, "fits": times}))
"""

STAGES = """
import json, sys, time
started = time.perf_counter()
stages, stage = {}, ["import"]
def on_progress(progress):
    now = time.perf_counter()
    if progress.stage != stage[0]:
        stages[stage[0]] = stages.get(stage[0], 0.0) + now - stage[1]
        stage[:] = [progress.stage, now]
stage.append(started)
import normwise.commands
from normwise.studies import study_file
from normwise.spec import Spec
from normwise.study import Study
spec = Spec.from_toml(study_file("circles"), {})
Study.from_spec(spec).run(sys.argv[1], on_progress)
stages[stage[0]] = time.perf_counter() - stage[1]
print(json.dumps(stages))
"""

# The engine alone: in a study the solo check trains at the same time.
SCALING = """
import json, os, resource, statistics, sys, time
os.environ["KERAS_BACKEND"] = "jax"
from normwise import engine
engine.configure()
from normwise.data import find_dataset
from normwise.domain import Variant
from normwise.spec import Spec
from normwise.studies import study_file
from normwise.execution.setup import Setup
from normwise.models.source import ModelSource
from normwise.models.compiling import Recipe
seeds, name = int(sys.argv[1]), sys.argv[2]
spec = Spec.from_toml(study_file("circles"), {"seeds": seeds})
dataset = find_dataset(spec.data)
source = ModelSource(spec.model, dataset)
cohort = Setup(Recipe(spec, dataset), source).cohort(Variant.parse(name), 32)
replicas = [engine.Replica(seed) for seed in range(seeds)]
compiled, times = cohort.compile(cohort.lower()), []
while not times or (sum(times) < 10 and len(times) < 25):
    started = time.perf_counter()
    for _ in cohort.run(compiled, replicas):
        pass
    times.append(time.perf_counter() - started)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"milliseconds": 1e3 * statistics.median(times) / seeds, "peak": peak}))
"""


def main() -> None:
    """Run the chosen parts and print their figures."""
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "study": study, "stages": stages, "scaling": scaling,
    }  # fmt: skip
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=parts, help="run one part")
    parser.add_argument("--fits", type=int, default=2, help="fits a variant to measure (default 2)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of the command (default 3)")
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else parts:
        print(f"\n== {name}")
        parts[name](arguments)


def study(arguments: argparse.Namespace) -> None:
    """The whole command against 90 fits: targets 25 (cold) and 40 (warm); two seeds against one."""
    keras_side = _run(KERAS_FITS, str(arguments.fits))
    means = {name: _by_kind(times, statistics.mean) for name, times in keras_side["fits"].items()}
    for name, (wall, processor) in means.items():
        print(f"Keras on JAX, one fit of {name}: {wall:.2f} s ({processor:.2f} s of processors)")
    mean = _by_kind(list(means.values()), statistics.mean)
    fits = [start + one * RUNS for start, one in zip(keras_side["import"], mean, strict=True)]
    alone = [start + one for start, one in zip(keras_side["import"], mean, strict=True)]
    few = ("--seeds", "2")
    with tempfile.TemporaryDirectory() as cache:
        cold = [_command(f"{cache}/{repeat}") for repeat in range(arguments.repeats)]
        warm = [_command(f"{cache}/0") for _ in range(arguments.repeats)]
        two_cold = [_command(f"{cache}/two-{repeat}", *few) for repeat in range(arguments.repeats)]
        two_warm = [_command(f"{cache}/two-0", *few) for _ in range(arguments.repeats)]
    _say("normwise study circles, cold (target 1/25)", cold, fits, f"of {RUNS} fits")
    _say("normwise study circles, warm (target 1/40)", warm, fits, f"of {RUNS} fits")
    _say("--seeds 2, cold (target 3)", two_cold, alone, "times a fit")
    _say("--seeds 2, warm (target 3)", two_warm, alone, "times a fit")
    helping = [_timed([sys.executable, "-m", "normwise", "--help"])[0] for _ in range(5)]
    print(f"normwise --help: {statistics.median(helping):.2f} s (target 0.5)")


def _by_kind(
    times: Sequence[Sequence[float]], of: Callable[[Sequence[float]], float]
) -> list[float]:
    """Of wall and of processor times."""
    return [of(kind) for kind in zip(*times, strict=True)]


def _say(what: str, times: Sequence[Sequence[float]], other: Sequence[float], unit: str) -> None:
    """Medians, and what they are of the other side's, each by the clock and by processor time."""
    kinds = ("by the clock", "of processors")
    found = zip(kinds, _by_kind(times, statistics.median), other, strict=True)
    said = (
        f"{seconds:.1f} s {kind}, {_ratio(seconds, theirs)} {unit}"
        for kind, seconds, theirs in found
    )
    print(f"{what}: {'; '.join(said)}")


def _ratio(ours: float, theirs: float) -> str:
    return f"1/{theirs / ours:.1f}" if theirs > ours else f"{ours / theirs:.1f}"


def stages(_arguments: argparse.Namespace) -> None:
    """Where the command's time goes."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cold", "warm"):
            found = _run(STAGES, f"{folder}/{name}", cache=f"{folder}/cache")
            print(f"{name}: " + ", ".join(f"{stage} {s:.2f} s" for stage, s in found.items()))


def scaling(_arguments: argparse.Namespace) -> None:
    """Time a replica and peak memory; the target is flat within 1.2×."""
    for variant in VARIANTS:
        found = {n: _run(SCALING, str(n), variant) for n in (32, 128, 512, 2048)}
        times = [result["milliseconds"] for result in found.values()]
        print(
            f"{variant}: "
            + ", ".join(
                f"{n} replicas {r['milliseconds']:.2f} ms, {r['peak']:.0f} MiB"
                for n, r in found.items()
            )
            + f"; slowest over fastest {max(times) / min(times):.2f}"
        )


def _command(cache: str, *options: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "normwise", "study", "circles", "--out", folder + "/out"]
        return _timed([*command, *options], cache)


def _timed(command: list[str], cache: str | None = None) -> tuple[float, float]:
    """Wall and processor seconds."""
    started, before = time.perf_counter(), os.times()
    subprocess.run(command, check=True, capture_output=True, env=_environment(cache))
    after = os.times()
    processor = after.children_user - before.children_user
    processor += after.children_system - before.children_system
    return time.perf_counter() - started, processor


def _run(code: str, *arguments: str, cache: str | None = None) -> dict:
    process = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        env=_environment(cache),
    )
    return json.loads(process.stdout.splitlines()[-1])


def _environment(cache: str | None) -> dict[str, str]:
    changes = {"KERAS_BACKEND": "jax"}
    if cache is not None:
        Path(cache).mkdir(parents=True, exist_ok=True)
        changes |= {"NORMWISE_CACHE": cache}
    return {**os.environ, **changes}


if __name__ == "__main__":
    main()
