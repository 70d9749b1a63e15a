"""Studies of pictures in a file of the cache folder, in forks that are killed while they read it.

    python -m tests.study.killed_while_streaming FOLDER

Prints, as JSON, what each way of training came to, undisturbed and after it was killed.
"""

import itertools
import json
import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np
import pyarrow.parquet as pq
from keras import layers
from PIL import Image

from normwise import Study
from normwise.data import pictures
from normwise.data.mapped_rows import MappedRows
from tests import drawing

SETTINGS = {"variants": ["after"], "seeds": 3, "epochs": 3, "batch_size": 8, "window": 16}


def build():
    """With a momentum, moving statistics and dropout to carry along."""
    front = [keras.Input((4, 4, 3)), layers.Rescaling(1 / 255), layers.Flatten()]
    hidden = [layers.Dense(4, activation="tanh"), layers.Dropout(0.2)]
    model = keras.Sequential([*front, *hidden, layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    return model


def study(root, name, engine):
    """Run one to its end, and once more; what it says is kept beside its folder."""
    asked = Study(build, str(root / "data"), **SETTINGS, engine=engine)
    result, again = asked.run(root / name), asked.run(root / name)
    said = {
        "notes": result.page.notes,
        "again": [again.trained, again.reused],
        "same": again.curves.equals(result.curves),
    }
    (root / f"{name}.json").write_text(json.dumps(said))


def drawn(folder):
    """Two classes of 40 pictures."""
    draw = np.random.default_rng(0)
    for name, number in itertools.product("ab", range(40)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name / f"{number}.png")


def dying_at(owner, name, number, begins=lambda: True):
    """Let this process die at a call of a function, counted from where something is so."""
    calls, function = itertools.count(), getattr(owner, name)

    def call(*arguments):
        if begins() and next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments)

    setattr(owner, name, call)


def in_fork(work, *arguments):
    """What a copy of this process ends with: the exit code, or minus the signal."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work(*arguments)
            code = 0
        except Exception as error:  # noqa: BLE001
            sys.stderr.write(f"{error!r}\n")
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_in_decoding(root):
    """A study that dies when a third of the pictures are decoded."""
    dying_at(pictures, "_decoded", 20)
    study(root, "none", "stacked")


def killed_in_training(root, engine):
    """A study that dies in an epoch behind the first that are kept."""
    journal = root / engine / "journal.jsonl"
    kept = '"event": "segment"'
    dying_at(MappedRows, "__getitem__", 5, lambda: journal.exists() and kept in journal.read_text())
    study(root, engine, engine)


def files(root):
    """Those of the cache, each with what tells it from one that was made anew."""
    kept = (root / "cache" / "arrays").iterdir()
    return {file.name: [file.stat().st_ino, file.stat().st_mtime_ns] for file in kept}


def segments(folder):
    """Variant, runs and first epoch of all that was trained."""
    lines = map(json.loads, (folder / "journal.jsonl").read_text().splitlines())
    kept = [one for one in lines if one["event"] == "segment"]
    return [[one["variant"], json.dumps(one["runs"]), one["first"]] for one in kept]


def found(root, engine):
    """What a study came to that was killed, and another that was not."""
    codes = [in_fork(killed_in_training, root, engine)]
    before, trained = files(root), segments(root / engine)
    whole = f"{engine}-whole"
    codes += [in_fork(study, root, name, engine) for name in (engine, whole)]
    curves = [pq.read_table(root / name / "curves.parquet") for name in (engine, whole)]
    return {
        **json.loads((root / f"{engine}.json").read_text()),
        "codes": codes,
        "files": [before, files(root)],
        "kept": [trained, segments(root / engine)],
        "curves": [table.to_pydict() for table in curves],
        "summary": json.loads((root / engine / "summary.json").read_text()),
    }


def main():
    root = Path(sys.argv[1])
    os.environ["NORMWISE_CACHE"] = str(root / "cache")
    pictures.HELD_BYTES = 0
    drawn(root / "data")
    with drawing.drawn(really=False):
        half = in_fork(killed_in_decoding, root), list(files(root))
        engines = {engine: found(root, engine) for engine in ("stacked", "fit")}
    sys.stdout.write(json.dumps({"half": half, **engines}))


if __name__ == "__main__":
    main()
