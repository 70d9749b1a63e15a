"""Archives without arrays, or with arrays that cannot be trained on."""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.corpus.case import Case, Content, directory

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 2)), np.arange(40) % 2


def archive(name: str, content: Content, says: str = "d.npz", options: str = "") -> Case:
    command = f"study --model circles --data d.npz {options} --epochs 1 --out out"
    return Case(name, command, says, {"d.npz": content})


def arrays(**parts: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **parts)
    return file.getvalue()


def members(**parts: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file:
            for name, content in parts.items():
                file.writestr(f"{name}.npy", content)

    return write


def header(shape: str, dtype: str = "<f8") -> bytes:
    """An array's file that ends behind its head."""
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


GOOD = arrays(x_train=X, y_train=Y)

CASES = [
    archive("empty", b""),
    archive("text", b"x_train = 3"),
    archive("a folder", directory, "there is no file 'd.npz'"),
    archive("one array", npy(X)),
    archive("a pickle", pickle.dumps({"x_train": X})),
    archive("torn in the middle", GOOD[: len(GOOD) // 2]),
    archive("without its last byte", GOOD[:-1]),
    archive("with a flipped byte", GOOD[:200] + bytes([GOOD[200] ^ 255]) + GOOD[201:]),
    archive("without members", members()),
    archive("of other names", arrays(a=X, b=Y), "expected x_train and y_train"),
    archive("inputs without labels", arrays(x_train=X), "x_train without y_train"),
    archive("labels without inputs", arrays(y_train=Y), "y_train without x_train"),
    archive("two of everything", arrays(x=X, y=Y, x_train=X, y_train=Y), "both x_train and x"),
    archive("validation inputs alone", arrays(x=X, y=Y, x_val=X), "x_val without y_val"),
    archive("a member of text", members(x_train=b"hello", y_train=npy(Y))),
    archive("a member of nothing", members(x_train=b"", y_train=npy(Y))),
    archive("a head alone", members(x_train=header("(40, 2)"), y_train=npy(Y))),
    archive("a shape beyond memory", members(x_train=header("(99999999999, 9)"), y_train=npy(Y))),
    archive("a shape below nothing", members(x_train=header("(-1, 2)"), y_train=npy(Y))),
    archive("a shape of words", members(x_train=header("('a',)"), y_train=npy(Y))),
    archive("a head that calls", members(x_train=header("__import__('os')"), y_train=npy(Y))),
    archive("objects", arrays(x_train=np.array([{}, None] * 20), y_train=Y), "Python objects"),
    archive("words", arrays(x_train=np.array([["a", "b"]] * 40), y_train=Y), "x_train"),
    archive("complex numbers", arrays(x_train=X + 1j, y_train=Y), "x_train"),
    archive("dates", arrays(x_train=np.full((40, 2), "2020-01-01", "M8[D]"), y_train=Y), "x_train"),
    archive("records", arrays(x_train=np.zeros(40, "f4,f4"), y_train=Y), "x_train"),
    archive("a number", arrays(x_train=3.0, y_train=Y), "x_train"),
    archive("rows of nothing", arrays(x_train=np.zeros((40, 0)), y_train=Y), "x_train"),
    archive("no rows", arrays(x_train=np.zeros((0, 2)), y_train=np.zeros(0)), "at least one example"),
    archive("a row", arrays(x_train=X[:1], y_train=Y[:1]), "row"),
    archive("fewer labels", arrays(x_train=X, y_train=Y[:-1]), "39"),
    archive("missing values", arrays(x_train=np.where(X > 1, np.nan, X), y_train=Y), "NaN"),
    archive("values beyond all", arrays(x_train=np.where(X > 1, np.inf, X), y_train=Y), "infinite"),
    archive("labels of nan", arrays(x_train=X, y_train=np.full(40, np.nan)), "NaN"),
    archive("labels of one kind", arrays(x_train=X, y_train=np.zeros(40, int)), "y_train"),
    archive("labels as pictures", arrays(x_train=X, y_train=np.zeros((40, 3, 3))),
            "has shape (None, 1) and the labels of 'd.npz' ("),
    archive("labels of objects", arrays(x_train=X, y_train=np.array([None] * 40)), "objects"),
    archive("another validation", arrays(x_train=X, y_train=Y, x_val=X[:, :1], y_val=Y), "validation examples (1,)"),
    archive("unknown validation", arrays(x_train=X, y_train=Y, x_val=X, y_val=Y + 5), "y_val"),
    archive("empty validation", arrays(x_train=X, y_train=Y, x_val=X[:0], y_val=Y[:0]), "0 inputs and 0 labels"),
    archive("three classes for two", arrays(x_train=X, y_train=np.arange(40) % 3), "binary",
            "--task binary"),
    archive("pictures for a flat model", arrays(x_train=np.zeros((40, 4, 4, 1)), y_train=Y),
            "the model's output has shape"),
    archive("a column of an archive", GOOD, "no column", "--target-column y"),
    Case("a bare array", "study --model circles --data d.npy --out out", "expected their labels",
         {"d.npy": npy(X)}),
]  # fmt: skip
