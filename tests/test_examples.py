"""Every example of README and docs runs, or it is said here why it does not."""

import fnmatch
import re
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import typer.main
from keras import layers

import normwise as nw
from normwise.commands.app import app
from tests.examples import EXAMPLES, ROOT, words

# What is not run, and why. Each is a pattern of a command, or of a block of Python.
NOT_RUN = {
    "normwise study [a-z]*": "trains for ten seconds to ten minutes; tests/studies has each study",
    "normwise report my-study *": "needs a study's folder; tests/commands/test_judge.py has one",
    "make *": "needs an environment of its own",
    "NORMWISE_AS_SHIPPED=1 make *": "the same",
    "pip install *": "installs",
    ".venv/bin/mutmut *": "shows what hours of `make mutants` found",
    "ray start *": "starts a cluster; tests/execution/test_executors.py has one",
    "normwise study --model mymodels:build *": "ten seconds; tests/commands has studies of tables",
    "*nw.Study(build, (x, y)*": "the same in Python; tests/study/test_study.py",
    "normwise study --model deep.py:relu *": "a minute; tests/study/test_depth.py",
    "normwise study --model decay.py:slow *": "ten seconds; tests/study/test_compiled.py",
    "*def right(model, size, moved=False*": "half a minute; the table below it is what it printed",
    "normwise fold * --onnx *": "JAX takes ten seconds to ONNX; tests/commands/test_fold.py",
    '*ray_address="auto"*': "needs that cluster",
    '*nw.Study(\n    "circles"\n)*': "the whole study; tests/test_notebook.py runs a part of it",
    '*nw.judge(frame, target="val/loss<=0.5"*': "tests/commands/test_judge.py, with what it prints",
}
RNG = np.random.default_rng(0)


def reason(text):
    return next((why for what, why in NOT_RUN.items() if fnmatch.fnmatchcase(text, what)), "")


def pictures(count):
    """Bars whose place is their class, with noise: what a network learns in a few steps."""
    labels = np.arange(count) % 10
    images = RNG.integers(0, 80, (count, 28, 28))
    images[np.arange(count), 2 * labels + 4] += 150
    return images.astype("uint8"), labels.astype("uint8")


def mnist_in_small(folder, monkeypatch):
    """A folder of data whose MNIST is small, and a network that is half trained on it."""
    (x, y), (x_test, y_test) = pictures(640), pictures(160)
    np.savez(folder / "mnist.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    monkeypatch.setenv("NORMWISE_DATA", str(folder))
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(4, 3, strides=3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax", name="out"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(x[..., None] / np.float32(255), y, batch_size=64, epochs=2, verbose=0)
    model.save(folder / "model.keras")


def on_numbers():
    """Rows, labels, and a compiled network for them."""
    x = RNG.normal(2, 3, (256, 8)).astype("float32")
    y = (x[:, :1] > 2).astype("int32")
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(8, name="first"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return x, y, model


def readme(folder, monkeypatch):
    mnist_in_small(folder, monkeypatch)
    runs(folder, monkeypatch)


def runs(folder, _):
    rows = [
        {"variant": name, "seed": seed, "epoch": epoch, "val_loss": start / epoch + seed / 100}
        for name, start in (("none", 2.0), ("after", 1.0))
        for seed in range(6)
        for epoch in range(1, 9)
    ]
    pd.DataFrame(rows).to_csv(folder / "runs.csv", index=False)


def care(folder, monkeypatch):
    mnist_in_small(folder, monkeypatch)
    x, y, model = on_numbers()
    return {"nw": nw, "model": model, "x": x, "y": y}


def diagnose(folder, monkeypatch):
    mnist_in_small(folder, monkeypatch)
    x, y, model = on_numbers()
    return {"nw": nw, "model": model, "x": x, "y": y, "x_val": x[:64], "y_val": y[:64]}


def fine_tuning(folder, _):
    x, _, model = on_numbers()
    keras.Sequential([keras.Input((8,)), *model.layers[:-1]]).save(folder / "base.keras")
    return {"x": x[:32], "y": np.arange(32) % 5}


def own_model(*_):
    x, y, model = on_numbers()
    return {"nw": nw, "keras": keras, "model": model, "data": (x, y)}


def layer(*_):
    import jax

    return {"jax": jax}


# What a page supposes: files in its folder, and names.
SUPPOSED = {
    "README.md": readme,
    "docs/care.md": care,
    "docs/check.md": mnist_in_small,
    "docs/diagnose.md": diagnose,
    "docs/fine-tuning.md": fine_tuning,
    "docs/judge.md": runs,
    "docs/layer.md": layer,
    "docs/own-model.md": own_model,
}


@pytest.fixture
def type_command(run_command):
    """Type a command of a page; what it prints may go to a file."""

    def typed(line):
        name, *arguments = words(line)
        assert name == "normwise", f"{line}: run it, or say in NOT_RUN why not"
        arguments, into = arguments[:-2] if ">" in arguments else arguments, arguments[-1]
        code, out, err = run_command(*arguments)
        # A check that finds something says so by its exit code.
        assert code == 0 or (code, arguments[0]) == (1, "check"), err
        if ">" in words(line):
            Path(into).write_text(out)

    return typed


RUN = [
    page
    for page, found in EXAMPLES.items()
    if not all(reason(part) for one in found for part in one.parts)
]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras
@pytest.mark.parametrize("page", RUN)
def test_the_examples_of_a_page_run(page, type_command, tmp_path, monkeypatch):
    """Up to thirteen seconds: the README types every command, and each compiles what it asks."""
    names = SUPPOSED.get(page, lambda *_: {})(tmp_path, monkeypatch) or {}
    for example in EXAMPLES[page]:
        if example.language == "toml":
            (tmp_path / "pyproject.toml").write_text(example.text)
        elif example.language == "python":
            if not reason(example.text):
                exec(compile(example.text, f"{page}:{example.line}", "exec"), names)
        else:
            for line in example.commands:
                if not reason(line):
                    type_command(line)


IN_HELP = re.compile(r"^`(normwise [^`]+)`", re.MULTILINE)
TYPED = {line for found in EXAMPLES.values() for one in found for line in one.commands} | {
    line
    for file in ROOT.glob("src/normwise/commands/*.py")
    for line in IN_HELP.findall(file.read_text("utf-8"))
}


@pytest.mark.parametrize("line", sorted(one for one in TYPED if one.startswith("normwise ")))
def test_every_command_is_understood(line):
    """Also those that are not run have options that there are."""
    _, name, *arguments = words(line)
    arguments = arguments[: arguments.index(">")] if ">" in arguments else arguments
    typer.main.get_command(app).commands[name].make_context(name, arguments)


def test_every_reason_is_needed():
    texts = [part for found in EXAMPLES.values() for one in found for part in one.parts]
    assert [what for what in NOT_RUN if not fnmatch.filter(texts, what)] == []
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {text.split()[1] for text in texts if text.startswith("make ")} <= {*targets}
