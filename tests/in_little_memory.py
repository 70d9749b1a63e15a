"""A process that trains and looks at models, with data of four times the memory that it may take.

    python -m tests.in_little_memory

Prints, as JSON, what each of them came to and by how much the memory grew, after one on a part of the
data, which compiles and fills what fills once.
"""

import contextlib
import io
import json
import sys

import keras
import numpy as np
from keras import layers

import normwise as nw
from normwise import commands
from normwise.data import array_file, from_arrays
from normwise.domain import Variant
from normwise.engine import Replica, configure
from normwise.execution import streaming
from normwise.execution.setup import Setup
from normwise.spec import Spec
from tests.memory import growing

ROWS, FEW, WIDTH, PIECE = 65536, 16384, 1024, 4096
CAP, WINDOW = 4 * ROWS * WIDTH // 4, 2**22


def written(name, rows):
    x = np.lib.format.open_memmap(f"{name}.npy", "w+", np.float32, (rows, WIDTH))
    piece = np.random.default_rng(0).normal(2, 1, (PIECE, WIDTH))
    for first in range(0, rows, PIECE):
        x[first : first + PIECE] = piece
    np.save(f"{name}-y.npy", (x[:, 0] > 2).astype("f4")[:, None])


def command(name, *words):
    """The exit code of a command with such data."""
    sys.argv = ["normwise", *words, "--data", f"{name}.npy", "--labels", f"{name}-y.npy"]
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            commands.main()
        except SystemExit as stop:
            return stop.code


def lying(name):
    return np.load(f"{name}.npy", mmap_mode="r"), np.load(f"{name}-y.npy")


def linear():
    centred = layers.Rescaling(1.0, offset=-2.0)
    return keras.Sequential([keras.Input((WIDTH,)), centred, layers.Dense(1, "sigmoid")])


def trained(name):
    """The rows of a window, the accuracy, and what is said of the data."""
    spec = Spec.make(
        {"model": "m", "data": "arrays", "variants": ("none",), "epochs": 1, "seeds": 1}
    )
    setup = Setup.of(spec, linear, from_arrays(*lying(name)))
    cohort = setup.cohort(Variant(), 64)
    [chunk] = cohort.run(cohort.compile(cohort.lower()), [Replica(0)])
    accuracy = float(chunk.curves["val_accuracy"][0, -1])
    return setup.spec.window, accuracy, setup.recipe.dataset.notes[-1]


def gap_of(name):
    nw.gap(keras.models.load_model("m.keras"), lying(name), batch_size=256)


def placed(name):
    nw.place(linear(), "input:norm=zscore", data=lying(name)[0])


WAYS = {
    "train": trained,
    "check": lambda name: command(name, "check", "m.keras"),
    "recalibrate": lambda name: command(name, "recalibrate", "m.keras", "-o", "new.keras"),
    "fold": lambda name: command(name, "fold", "m.keras", "-o", "folded.keras"),
    "show-model": lambda name: command(name, "study", "--show-model"),
    "gap": gap_of,
    "place": placed,
}


def main():
    configure()
    array_file.LARGE_BYTES = 0
    streaming.bytes_in_all = lambda _: CAP
    streaming.WINDOW_BYTES = WINDOW
    ends = [layers.Dense(2, name="hidden"), layers.BatchNormalization(), layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((WIDTH,)), *ends])
    model.compile("sgd", "binary_crossentropy")
    model.save("m.keras")
    written("few", FEW)
    written("many", ROWS)
    found = {}
    for name, look in WAYS.items():
        look("few")
        with growing() as grown:
            came_to = look("many")
        found[name] = {"came_to": came_to, "grown": grown[0]}
    sys.stdout.write(json.dumps({"cap": CAP, **found}))


if __name__ == "__main__":
    main()
