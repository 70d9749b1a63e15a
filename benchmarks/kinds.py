"""A study of two seeds beside as many plain `fit` calls, for each kind that a study takes.

    python benchmarks/kinds.py                     # every kind, about twenty minutes
    python benchmarks/kinds.py "two classes" masks # some of them

Each side runs in a process of its own with an empty folder of compiled programs, one after the
other, and is timed from the first model to the last value: compiling included, importing not.
`fit` compiles each model anew, as it does for everybody; the study trains, checks one run against
`fit`, keeps its winners and writes its page. The kinds are those of docs/what-is-taken.md, with
EXAMPLES rows and EPOCHS epochs. Below 3 is wanted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from normwise.backend import require_jax

ROOT = Path(__file__).parent.parent
SEEDS, EPOCHS, BATCH = 2, 3, 16

STUDY = """
study = nw.Study(kind.build, kind.data(), **settings)
begin()
result = study.run(sys.argv[2])
end([(record.key.variant, record.key.seed) for record in result.records])
"""
FITS = """
callbacks = settings.pop("callbacks", list)
spec = Spec.make({"model": "m", "data": "d", **settings})
source = ModelSource(kind.build, as_dataset(arrived(kind.data()), spec))
train, val = source.dataset.train, source.dataset.val
begin()
for variant, seed in runs:
    keras.utils.set_random_seed(seed)
    given = model = kind.build(Variant.parse(variant)) if takes_norm else kind.build()
    if variant != "none" and not takes_norm:
        model = nw.place(given, variant)
        same = compile_arguments(given)
        optimizer = keras.optimizers.get(same["optimizer"])
        same["optimizer"] = type(optimizer).from_config(optimizer.get_config())
        model.compile(**same)
    model.run_eagerly = "cannot be compiled" in kind.why
    model.fit(train.x, train.y, sample_weight=train.weights, batch_size=settings["batch_size"],
              epochs=settings["epochs"], callbacks=callbacks(), verbose=0,
              validation_data=tuple(val.batch), validation_batch_size=settings["batch_size"])
end(runs)
"""
ONE_SIDE = """
import inspect, json, sys, time, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, "tests")
import keras
import taken
import normwise as nw
from normwise.domain import Variant
from normwise.keras_private import compile_arguments
from normwise.models.source import ModelSource
from normwise.spec import Spec
from normwise.study.inputs import arrived, as_dataset

name, settings, runs = json.loads(sys.argv[1])
kind = next(kind for kind in taken.KINDS if kind.name == name)
settings |= dict(kind.settings)
takes_norm = "norm" in inspect.signature(kind.build).parameters
begun = []

def begin():
    begun[:] = time.perf_counter(), time.process_time()

def end(runs):
    wall, processor = time.perf_counter() - begun[0], time.process_time() - begun[1]
    print(json.dumps({"wall": wall, "processor": processor, "runs": runs}))
"""


def names() -> list[str]:
    """The kinds that a study takes."""
    require_jax()
    sys.path.insert(0, str(ROOT / "tests"))
    import taken

    return [kind.name for kind in taken.KINDS if kind.way != "refused"]


def timed(side: str, name: str, runs: list[list[object]]) -> dict[str, Any]:
    """Seconds of one side in a process of its own, with nothing compiled before."""
    settings = {"seeds": SEEDS, "epochs": EPOCHS, "batch_size": BATCH}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", ONE_SIDE + side, json.dumps([name, settings, runs]), folder],
            cwd=ROOT,
            env=os.environ | {"KERAS_BACKEND": "jax", "XDG_CACHE_HOME": folder,
                              "NORMWISE_CACHE": folder},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Time the kinds, one after another, and say which is slowest."""
    worst = []
    print(f"{'kind':60} {'runs':>4} {'study':>11} {'fits':>11} {'ratio':>9}  (processor/wall s)")
    for name in sys.argv[1:] or names():
        study = timed(STUDY, name, [])
        fits = timed(FITS, name, study["runs"])
        ratios = [study[clock] / fits[clock] for clock in ("processor", "wall")]
        worst.append((max(ratios), name))
        sides = " ".join(f"{one['processor']:5.1f}/{one['wall']:<5.1f}" for one in (study, fits))
        both = "/".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"{name[:60]:60} {len(study['runs']):4} {sides} {both:>9}", flush=True)
    print(f"the slowest: {max(worst)[1]}, {max(worst)[0]:.2f} times its fits")


if __name__ == "__main__":
    main()
