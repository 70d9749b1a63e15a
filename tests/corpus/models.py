"""Model files that are none, or that are damaged."""

import functools
import io
import json
import logging
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from tests.corpus.case import Case, Content, directory


@functools.cache
def saved() -> bytes:
    """A small compiled model with batch normalisation, for the data of circles."""
    import keras

    layers = [keras.Input((2,)), keras.layers.Dense(3, name="hidden")]
    layers += [keras.layers.BatchNormalization(name="norm"), keras.layers.Dense(1, name="out")]
    model = keras.Sequential(layers)
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.keras"
        model.save(path)
        return path.read_bytes()


def GOOD(path: Path) -> None:  # noqa: N802 (a content, like the others)
    path.write_bytes(saved())


def cut(share: float) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(saved()[: int(share * len(saved()))])


def flipped(share: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        content = bytearray(saved())
        start = int(share * len(content))
        content[start : start + 64] = bytes(byte ^ 255 for byte in content[start : start + 64])
        path.write_bytes(content)

    return write


def with_member(name: str, change: Callable[[bytes], bytes | None]) -> Callable[[Path], None]:
    """The good file with one member changed, or left out."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(io.BytesIO(saved())) as old, zipfile.ZipFile(path, "w") as new:
            for member in old.namelist():
                content = old.read(member)
                changed = change(content) if member == name else content
                if changed is not None:
                    new.writestr(member, changed)

    return write


def config(change: Callable[[str], str]) -> Callable[[Path], None]:
    return with_member("config.json", lambda content: change(content.decode()).encode())


def weights(change: Callable[[h5py.File], object]) -> Callable[[Path], None]:
    def changed(content: bytes) -> bytes:
        file = io.BytesIO(content)
        with h5py.File(file, "r+") as opened:
            change(opened)
        return file.getvalue()

    return with_member("model.weights.h5", changed)


def hidden(file: h5py.File) -> h5py.Group:
    [name] = [name for name in file["layers"] if name in {"dense", "hidden"}]
    return file["layers"][name]["vars"]


def reshaped(file: h5py.File) -> None:
    del hidden(file)["0"]
    hidden(file)["0"] = np.zeros((5, 3), "float32")


def lost(file: h5py.File) -> None:
    del hidden(file)["0"]


def as_h5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", b" " * (2**26 + 1))


def saved_h5(path: Path) -> None:
    """The good file in Keras' older format, as Keras itself writes it."""
    import keras

    remarks = logging.getLogger("absl")
    with tempfile.TemporaryDirectory() as folder:
        GOOD(Path(folder) / "m.keras")
        model = keras.saving.load_model(Path(folder) / "m.keras", compile=False)
    remarks.disabled = True
    model.save(path)
    remarks.disabled = False


def h5_config(change: Callable[[str], str]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        saved_h5(path)
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = change(file.attrs["model_config"])

    return write


def cut_h5(share: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        saved_h5(path)
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    return write


def weights_alone(path: Path) -> None:
    saved_h5(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]


def damaged_h5(name: str, content: Content, says: str = "cannot load 'm.h5'") -> Case:
    return Case(name, "check m.h5", says, {"m.h5": content})


# What was typed, the file behind it, and what is said of it.
OTHER_KINDS = [
    ("m.weights.h5", "m.weights.h5", b"x", "'m.weights.h5' holds weights alone and no model"),
    ("m.safetensors", "m.safetensors", b"x", "holds weights alone"),
    ("m.pt", "m.pt", b"x", "is a file of PyTorch"),
    ("m.pth", "m.pth", b"x", "is a file of PyTorch"),
    ("m.ckpt", "m.ckpt", b"x", "is a checkpoint, which holds weights alone"),
    ("m.onnx", "m.onnx", b"x", "is an ONNX file"),
    ("m.tflite", "m.tflite", b"x", "is a LiteRT file"),
    ("m.pb", "m.pb", b"x", "is a graph of TensorFlow"),
    ("m.pkl", "m.pkl", b"x", "is a pickle"),
    ("m", "m/saved_model.pb", b"x", "'m' is a SavedModel folder"),
]


def damaged(name: str, content: Content, says: str = "cannot load 'm.keras'") -> Case:
    return Case(name, "check m.keras", says, {"m.keras": content})


def loaded_by(command: str) -> Case:
    says = "cannot load 'm.keras' (BadZipFile"
    return Case(f"{command.partition(' ')[0]} of a torn file", command, says, {"m.keras": cut(0.5)})


CASES = [
    damaged("empty", b""),
    damaged("text", "keras"),
    damaged("nul", b"\0" * 4096),
    damaged("a folder", directory, "there is no file 'm.keras'"),
    damaged("an HDF5 file", as_h5),
    damaged("a picture", b"\x89PNG\r\n\x1a\n" + bytes(500)),
    damaged("a tenth", cut(0.1)),
    damaged("all but its end", cut(0.98)),
    damaged("flipped at the start", flipped(0.01)),
    damaged("flipped in the middle", flipped(0.5)),
    damaged("flipped in the index", flipped(0.97)),
    damaged("without a configuration", with_member("config.json", lambda _: None)),
    damaged("without weights", with_member("model.weights.h5", lambda _: None)),
    damaged("weights of text", with_member("model.weights.h5", lambda _: b"weights")),
    damaged("weights cut short", with_member("model.weights.h5", lambda all_: all_[: len(all_) // 2])),
    damaged("weights of another shape", weights(reshaped)),
    damaged("a weight that is lost", weights(lost)),
    damaged("a configuration of text", config(lambda _: "hello")),
    damaged("a configuration of a list", config(lambda _: "[]")),
    damaged("a configuration of null", config(lambda _: "null")),
    damaged("a configuration without end", config(lambda text: text[:-5])),
    damaged("a configuration in depth", config(lambda _: "[" * 50_000)),
    damaged("a configuration that unpacks", bomb, "would unpack to"),
    damaged("units below 0", config(lambda text: text.replace('"units": 3', '"units": -3'))),
    damaged("units of text", config(lambda text: text.replace('"units": 3', '"units": "three"'))),
    damaged("an axis that is not", config(lambda text: text.replace('"axis": -1', '"axis": 7'))),
    damaged("an option of no one", config(lambda text: text.replace('"units": 3', '"unit": 3'))),
    damaged("a layer of no one", config(lambda text: text.replace('"Dense"', '"Dens"'))),
    damaged("an activation of no one", config(lambda text: text.replace('"linear"', '"lineal"'))),
    damaged("a module of the system", config(lambda text: text.replace('"keras.layers", "class_name": "Dense"',
            '"os", "class_name": "system"')), "holds code that loading it would run"),
    damaged("no layers", config(lambda text: json.dumps(json.loads(text) | {"config": {"layers": []}}))),
    loaded_by("study --model m.keras --data circles --out out"),
    loaded_by("fix m.keras -o o.keras"),
    loaded_by("recalibrate m.keras --data circles -o o.keras"),
    loaded_by("fold m.keras -o o.keras"),
    loaded_by("diagnose m.keras --data circles"),
    damaged_h5("HDF5 by its name", as_h5),
    damaged_h5("HDF5 of text", b"keras"),
    damaged_h5("HDF5 cut short", cut_h5(0.5)),
    damaged_h5("HDF5 without end", h5_config(lambda text: text[:-5])),
    damaged_h5("HDF5 of a list", h5_config(lambda _: "[]")),
    damaged_h5("HDF5 of null", h5_config(lambda _: "null")),
    damaged_h5("HDF5 of other units", h5_config(lambda text: text.replace('"units": 3', '"units": 4'))),
    damaged_h5("HDF5 of a layer of no one", h5_config(lambda text: text.replace('"Dense"', '"Dens"')),
               "'m.h5' holds code that loading it would run: the class 'Dens'"),
    damaged_h5("HDF5 of an operation", h5_config(lambda text: text.replace('"Dense"', '"TFOpLambda"')),
               "'m.h5' holds an operation of TensorFlow"),
    damaged_h5("HDF5 of weights", weights_alone, "'m.h5' holds weights alone and no model"),
    Case("a study of HDF5", "study --model m.h5 --data circles --out out", "cannot load 'm.h5'", {"m.h5": as_h5}),
    Case("HDF5 from HDF5", "fix m.h5 -o n.h5", "does not end in .keras; expected a Keras file, whatever was read",
         {"m.h5": as_h5}),
    *(Case(f"{name} to {command.split()[0]}", command.format(name), says, {file: content})
      for name, file, content, says in OTHER_KINDS for command in ("check {0}", "study --model {0} --data circles --out out")),
    Case("data of another shape", "recalibrate m.keras --data digits -o o.keras", "the inputs do not fit model",
         {"m.keras": GOOD}),
    Case("a diagnosis by other data", "diagnose m.keras --data digits", "the inputs do not fit model", {"m.keras": GOOD}),
    Case("a check by other data", "check m.keras --data digits", "the inputs do not fit model", {"m.keras": GOOD}),
    Case("folded by other data", "fold m.keras -o o.keras --data digits", "the inputs do not fit model", {"m.keras": GOOD}),
    Case("fixed by a torn table", "fix m.keras -o o.keras --data t.csv --target-column y", "t.csv",
         {"m.keras": GOOD, "t.csv": b""}),
]  # fmt: skip
