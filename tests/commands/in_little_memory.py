"""A process that looks at finished models, with data of four times the memory that it may take.

    python -m tests.commands.in_little_memory

Prints, as JSON, by how much its memory grew with each command, after one on a part of the data.
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
from normwise.data import array_file
from tests.memory import growing

ROWS, WIDTH, PIECE = 65536, 1024, 4096
CAP = 4 * ROWS * WIDTH // 4


def written(name, rows):
    x = np.lib.format.open_memmap(f"{name}.npy", "w+", np.float32, (rows, WIDTH))
    for first in range(0, rows, PIECE):
        x[first : first + PIECE] = np.random.default_rng(first).normal(2, 1, (PIECE, WIDTH))
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


def gap_of(name):
    nw.gap(keras.models.load_model("m.keras"), lying(name))


def placed(name):
    model = keras.Sequential([keras.Input((WIDTH,)), layers.Dense(1)])
    nw.place(model, "input:norm=zscore", data=lying(name)[0])


WAYS = {
    "check": lambda name: command(name, "check", "m.keras"),
    "recalibrate": lambda name: command(name, "recalibrate", "m.keras", "-o", "new.keras"),
    "fold": lambda name: command(name, "fold", "m.keras", "-o", "folded.keras"),
    "show-model": lambda name: command(name, "study", "--show-model"),
    "gap": gap_of,
    "place": placed,
}


def main():
    array_file.LARGE_BYTES = 0
    ends = [layers.Dense(2, name="hidden"), layers.BatchNormalization(), layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((WIDTH,)), *ends])
    model.compile("sgd", "binary_crossentropy")
    model.save("m.keras")
    written("few", PIECE)
    written("many", ROWS)
    found = {}
    for name, look in WAYS.items():
        look("few")
        with growing() as grown:
            code = look("many")
        found[name] = {"code": code, "grown": grown[0]}
    sys.stdout.write(json.dumps({"cap": CAP, **found}))


if __name__ == "__main__":
    main()
