"""Keras on JAX without anybody's doing, and never against what somebody chose."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from normwise import backend
from normwise.errors import BackendError

# Word for word what Keras 3.15 writes when it is first imported.
WRITTEN_BY_KERAS = """{
    "floatx": "float32",
    "epsilon": 1e-07,
    "backend": "tensorflow",
    "image_data_format": "channels_last"
}"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A machine where nobody chose anything, before Keras is imported."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", "")
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    return tmp_path


class KerasOn:
    """A Keras that is loaded."""

    def __init__(self, name):
        self.config = self
        self.backend = lambda: name


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (None, "jax"),
        (WRITTEN_BY_KERAS, "jax"),
        ('{"floatx": "float64"}', "jax"),
        ("torn", "jax"),
        ("[]", "jax"),
        ('{"backend": "torch"}', ""),
        (WRITTEN_BY_KERAS.replace("tensorflow", "numpy"), ""),
        (WRITTEN_BY_KERAS.replace("float32", "float64"), ""),
    ],
)
def test_a_file_chooses_unless_keras_wrote_it(home, written, expected):
    if written is not None:
        (home / "keras.json").write_text(written)
    backend.choose_jax()
    assert os.environ["KERAS_BACKEND"] == expected


@pytest.mark.usefixtures("home")
def test_the_environment_chooses(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    backend.choose_jax()
    assert os.environ["KERAS_BACKEND"] == "torch"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("chosen", "to_type"),
    [
        ("", "with 'import normwise' before 'import keras', or set KERAS_BACKEND=jax in the env"),
        ("numpy", "expected 'jax'; set KERAS_BACKEND=jax in the environment and start Python anew"),
    ],
)
def test_another_backend_is_one_message_that_says_what_to_type(
    monkeypatch, caplog, chosen, to_type
):
    monkeypatch.setenv("KERAS_BACKEND", chosen)
    monkeypatch.setitem(sys.modules, "keras", KerasOn("numpy"))
    backend.choose_jax()
    [message] = caplog.messages
    assert "already loaded with the 'numpy' backend" in message
    assert to_type in message
    assert os.environ["KERAS_BACKEND"] == chosen
    with pytest.raises(BackendError, match="expected 'jax', which the engine compiles with"):
        backend.require_jax()


@pytest.mark.usefixtures("home")
def test_on_jax_there_is_nothing_to_say(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "keras", KerasOn("jax"))
    backend.choose_jax()
    backend.require_jax()
    assert caplog.messages == []


def python(code, home, chosen=""):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_HOME": str(home), "KERAS_BACKEND": chosen},
    )


def test_the_first_lines_of_a_new_user(tmp_path):
    done = python(
        "import sys, normwise as nw\n"
        "print(sorted({'keras', 'jax', 'numpy'} & set(sys.modules)))\n"
        "import keras\n"
        "print(keras.config.backend())",
        tmp_path,
    )
    assert done.stdout == "[]\njax\n", done.stderr
    # Nobody chose anything: what Keras writes then is what is known here.
    backends = json.loads(WRITTEN_BY_KERAS)
    assert json.loads(Path(tmp_path, "keras.json").read_text()) == backends == backend.KERAS_OWN


def test_the_other_order_is_told_once_and_keeps_what_runs_there(tmp_path):
    done = python(
        "import keras, normwise as nw\n"
        "nw.place, nw.strip, nw.fold, nw.recalibrate, nw.layers.BatchNormalization\n"
        "for name in ('Study', 'Result', 'check', 'fix', 'gap', 'leakage'):\n"
        "    try: getattr(nw, name)\n"
        "    except nw.errors.BackendError as error: print(error.exit_code)",
        tmp_path,
        "numpy",
    )
    assert done.stdout == "2\n" * 6, done.stderr
    assert done.stderr.count("set KERAS_BACKEND=jax") == done.stderr.count("\n") == 1


@pytest.mark.parametrize("chosen", ["torch", "tensorflow", "no-such-backend"])
def test_a_backend_that_is_not_there_is_one_message(tmp_path, chosen):
    if importlib.util.find_spec(chosen):
        pytest.skip(f"{chosen} is installed")
    done = python(
        "import normwise as nw\n"
        "for name in ('layers', 'place', 'recalibrate'):\n"
        "    try: getattr(nw, name)\n"
        "    except nw.errors.BackendError as error: print(error)",
        tmp_path,
        chosen,
    )
    assert done.stderr == ""
    assert done.stdout.count(f"Keras cannot run on the backend '{chosen}'") == 3
    assert done.stdout.count("set KERAS_BACKEND=jax in the environment") == 3


def test_the_command_line_runs_on_jax_and_says_so(tmp_path):
    done = python(
        "import normwise as nw; nw.check; import keras; print(keras.config.backend())",
        tmp_path,
        "torch",
    )
    assert done.stdout == "jax\n", done.stderr
    assert done.stderr == "KERAS_BACKEND is 'torch'; studies and checks run on 'jax', as here\n"


def test_keras_is_imported_without_what_it_takes_along():
    code = (
        "import sys; from normwise import backend; backend.import_keras_alone(); import keras\n"
        "print(sorted(set(backend.TAKEN_ALONG) & set(sys.modules)), keras.config.backend())\n"
        "import pandas; print(len(pandas.DataFrame({'a': [1, 2]})))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["[] jax", "2"]
