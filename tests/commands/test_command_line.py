"""The command line as its users meet it; most tests stay in this process."""

import inspect
import json
import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import typer

from normwise.commands.app import app
from normwise.spec import Spec
from normwise.studies import study_file

# Keras 3.15 on NumPy 2.4, whenever a variable becomes an array.
KERAS_AND_NUMPY = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MODELS = """
import keras
from keras import layers as L
from normwise.errors import DataError

def nothing(): pass
def net(*layers, shape=(2,)): return keras.Sequential([keras.Input(shape), *layers])
def three(): return net(L.Dense(3))
def wide_input(): return net(L.Dense(1), shape=(3,))
def picture(): return net(L.Flatten(), L.Dense(1), shape=(8, 8, 1))
def no_layers(): return keras.Sequential()
def unfit(): return keras.Sequential([L.Conv2D(3, 3), L.Flatten(), L.Dense(1)])
def raises(): raise KeyError("a")
def own(): raise DataError("said by the user's own code")
def needs(width): return net(L.Dense(1))
def two_inputs():
    a, b = keras.Input((2,)), keras.Input((2,))
    return keras.Model([a, b], L.Dense(1)(L.Concatenate()([a, b])))
def two_outputs():
    a = keras.Input((2,))
    return keras.Model(a, [L.Dense(1)(a), L.Dense(1)(a)])
class Sub(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = L.Dense(1)
    def call(self, x):
        return self.dense(x)
def sub(): return Sub()
def sub_with_norm(norm): return Sub()
number = 3
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder to stand in, and an importable path that ends with the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delenv("NORMWISE_DATA", raising=False)
    yield tmp_path
    for name in ("my_models", "my_syntax", "my_crash", "my_import", "my_exit"):
        sys.modules.pop(name, None)


@pytest.fixture
def run(run_command):
    return run_command


@pytest.fixture
def refused(run, here):
    """Run a command that is a mistake: one message, exit code 2, nothing changed."""

    def call(*arguments):
        before = tree(here)
        code, out, error = run(*arguments)
        assert (code, out) == (2, ""), error
        assert "Traceback" not in error
        assert tree(here) == before
        return " ".join(error.replace("│", " ").split())

    return call


def tree(folder):
    return {
        str(path.relative_to(folder)): path.is_file() and path.read_bytes()
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts
    }


CIRCLES = ("study", "circles", "--out", "out")

REFUSED = [
    (
        ("study", "circle"),
        ("normwise: unknown study 'circle'; expected one of circles, circles-extensions, "),
    ),
    (("study", "circle"), "mnist-sigmoid, SPEC.toml; did you mean 'circles'"),
    (("study", "my.keras"), "'my.keras' is no study; expected a built-in study or a SPEC.toml;"),
    (("study", "my.keras"), "try --model my.keras"),
    (("study", "mymodels:build"), "try --model mymodels:build"),
    (("study", "my.csv"), "try --data my.csv"),
    (
        (*CIRCLES, "--task", "regresion"),
        "expected 'binary', 'classes' or 'regression'; try --task regression",
    ),
    (
        (*CIRCLES, "--task", "xyz"),
        "expected 'binary', 'classes' or 'regression'; take one of these",
    ),
    (("study", "no.toml"), "cannot read 'no.toml' ([Errno 2] No such file or directory"),
    (("study", ""), "unknown study ''; expected one of circles, circles-extensions,"),
    (("study",), "no study was named; expected a built-in study, a SPEC.toml, or --data, with"),
    (
        ("study", "--model", "circles"),
        "or --data, with --model or for the default model; try 'normwise study circles'",
    ),
    (("study", "circles", "churn"), "Got unexpected extra argument(s) (churn)"),
    (("study", "circles", "--sedes", "3"), "No such option: --sedes (Possible options:"),
    (("studdy",), "No such command 'studdy'. Did you mean 'study'?"),
    (("report",), "Missing argument 'DIR'."),
    (("report", "nowhere"), "folder 'nowhere' holds no study; expected one with spec.toml"),
    ((*CIRCLES, "--variant", "befor"), "unknown place in variant 'befor': 'befor'"),
    ((*CIRCLES, "--variant", "after:momntum=1"), "did you mean 'momentum'?"),
    ((*CIRCLES, "--variant", "none", "--variant", "none"), "variants are none, none; expected"),
    ((*CIRCLES, "--seeds", "0"), "setting 'seeds' is 0; expected greater than 0; try --seeds 10"),
    ((*CIRCLES, "--seeds", "-1"), "setting 'seeds' is -1; expected greater than 0"),
    ((*CIRCLES, "--seeds", "many"), "Invalid value for '--seeds'"),
    ((*CIRCLES, "--seeds", "1.5"), "Invalid value for '--seeds'"),
    ((*CIRCLES, "--seeds", "9" * 30), "expected less than or equal to 100000"),
    ((*CIRCLES, "--epochs", "0"), "setting 'epochs' is 0; expected greater than 0"),
    ((*CIRCLES, "--batch-size", "0"), "setting 'batch_size' is 0; expected greater than 0"),
    (
        (*CIRCLES, "--batch-size", "501"),
        (
            "batch size is 501 and the training part of 'circles' has 500 examples; expected a "
            "batch no larger than the data; try --batch-size 32"
        ),
    ),
    ((*CIRCLES, "--learning-rate", "0"), "'learning_rate' is 0; expected greater than 0"),
    ((*CIRCLES, "--learning-rate", "nan"), "'learning_rate' is nan; expected a finite number"),
    ((*CIRCLES, "--learning-rate", "inf"), "'learning_rate' is inf; expected a finite number"),
    ((*CIRCLES, "--learning-rate", "fast"), "'learning_rate' is 'fast'; expected a valid number"),
    ((*CIRCLES, "--learning-rate", "1:0.1:3"), "expected FIRST:LAST:COUNT with 0 < FIRST < LAST"),
    (
        (*CIRCLES, "--learning-rate", "0.1", "--learning-rate", "0.01:1:3"),
        "learning_rate 0.1 was given twice (0.1, 0.01, 0.1, 1); expected each value once",
    ),
    (
        (*CIRCLES, "--target", "soon"),
        "target 'soon' does not parse; expected METRIC>=VALUE or METRIC<=VALUE; try 'val_acc",
    ),
    (
        (*CIRCLES, "--target", "val_acuracy>=0.8"),
        (
            "unknown target metric 'val_acuracy'; expected one of val_accuracy, val_loss, "
            "accuracy, loss; did you mean 'val_accuracy' or 'accuracy'?"
        ),
    ),
    ((*CIRCLES, "--optimizer", "sdg"), "unknown optimizer 'sdg'; expected one of sgd, adam, adamw"),
    ((*CIRCLES, "--optimizer", "sgd:momntum=1"), "keras.optimizers.SGD takes; try 'sgd:momentum"),
    ((*CIRCLES, "--optimizer", "sgd:momentum=2"), "'sgd:momentum=2' cannot be made"),
    ((*CIRCLES, "--optimizer", "sgd:learning_rate=2"), "multiple values for keyword argument"),
    ((*CIRCLES, "--initializer", "he_unifrm"), "unknown initializer 'he_unifrm'; expected one of"),
    ((*CIRCLES, "--initializer", ""), "'initializer' is ''; expected a text to have at least 1"),
    ((*CIRCLES, "--loss", "hubr"), "unknown loss 'hubr'; expected one of binary_crossentropy"),
    (
        (*CIRCLES, "--loss", "categorical_crossentropy"),
        "loss 'categorical_crossentropy' does not fit a model with 1 output(s)",
    ),
    (
        (*CIRCLES, "--model", "circle"),
        "unknown model 'circle'; expected one of circles, churn, fashion-mlp",
    ),
    (
        (*CIRCLES, "--data", "cirles"),
        "unknown data 'cirles'; expected one of circles, trips, digits, few-digits, diabetes, breast-cancer, churn,",
    ),
    ((*CIRCLES, "--data", "churn"), "NORMWISE_DATA is not set"),
    ((*CIRCLES, "--data", "no.csv"), "there is no file 'no.csv'; expected a table"),
    ((*CIRCLES, "--target-column", "y"), "data 'circles' has no column 'y' to choose"),
    ((*CIRCLES, "--task", "classes"), "'circles' has labels for the task binary, and classes was"),
    (("study", "circles", "--out", ""), "--out is ''; expected a folder; try --out my-study"),
    (("study", "circles", "--out", "/proc/no/x"), "cannot be written (No such file or directory)"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), REFUSED, ids=[" ".join(arguments) for arguments, _ in REFUSED]
)
def test_a_mistake_is_one_message_and_exit_code_2(refused, arguments, message):
    assert message in refused(*arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('seeds = "ten"', "setting 'seeds' is 'ten'; expected a valid integer"),
        ("seeds = true", "setting 'seeds' is True; expected a number"),
        ("variants = 3", "setting 'variants' is 3; expected a valid tuple; try --variant"),
        ("sedes = 3", "unknown setting 'sedes'; expected one of study, question, model,"),
        ("epochs = 1979-05-27", "setting 'epochs' is datetime.date(1979, 5, 27); expected"),
        ("[seeds]\na = 1", "setting 'seeds' is {'a': 1}; expected a valid integer"),
        ('initializer = "he_unifrm"', "unknown initializer 'he_unifrm'"),
        ('target = "zz>=1"', "unknown target metric 'zz'"),
        ("=", "cannot read 's.toml' (Invalid statement"),
    ],
)
def test_a_wrong_file_is_one_message_and_exit_code_2(refused, content, message):
    Path("s.toml").write_text(f'model = "circles"\ndata = "circles"\n{content}\n')
    assert message in refused("study", "s.toml", "--out", "out")


def test_a_folder_is_no_file_of_settings(refused):
    Path("d.toml").mkdir()
    assert "Is a directory" in refused("study", "d.toml")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_module:f", "cannot import 'no_module' from 'no_module:f' (ModuleNotFoundError: No"),
        ("no/such.py:f", "cannot import 'such' from 'no/such.py:f' (ModuleNotFoundError: No"),
        ("my_models.py:thre", "unknown function in module 'my_models': 'thre'; expected one of"),
        (":f", "cannot import '' from ':f' (ValueError: Empty module name)"),
        ("..a:f", "cannot import '..a' from '..a:f' (TypeError"),
        ("my_syntax:f", "cannot import 'my_syntax' from 'my_syntax:f' (SyntaxError: invalid"),
        ("my_crash:f", "(ZeroDivisionError: division by zero)"),
        ("my_import:f", "(ModuleNotFoundError: No module named 'nopkg')"),
        ("my_exit:f", "(SystemExit: 0)"),
        ("my_models:thre", "unknown function in module 'my_models': 'thre'; expected one of"),
        ("my_models:number", "unknown function in module 'my_models': 'number'"),
        ("my_models:", "unknown function in module 'my_models': ''"),
        ("builtins:int", "function 'int' returned int; expected a keras.Model"),
        ("my_models:nothing", "function 'nothing' returned NoneType; expected a keras.Model"),
        ("my_models:raises", "function 'raises' failed (KeyError: 'a'); expected it to return"),
        ("my_models:own", "normwise: said by the user's own code"),
        ("my_models:needs", "function 'needs' needs 'width'; expected no other arguments than"),
        ("my_models:no_layers", "'no_layers' cannot be built for examples of shape (2,)"),
        ("my_models:unfit", "'unfit' cannot be built for examples of shape (2,)"),
        (
            "my_models:three",
            (
                "output has shape (None, 3) and the labels of 'circles' are 2 classes; expected "
                "(None, 1) or (None, 2); end the model with keras.layers.Dense(1, "
                "activation='sigmoid')"
            ),
        ),
        (
            "my_models:wide_input",
            (
                "input has shape (None, 3) and an example of 'circles' (2,); expected the same; "
                "begin the model with keras.Input((2,))"
            ),
        ),
        ("my_models:picture", "input has shape (None, 8, 8, 1) and an example of 'circles' (2,)"),
        ("my_models:two_inputs", "the inputs are 1 (shape (500, 2)), and model"),
        (
            "my_models:two_outputs",
            "(None, 1) and the labels of 'circles' are 2 classes; expected (None, 1) or",
        ),
        ("my_models:sub", "is of the subclassed type Sub"),
        ("my_models:sub_with_norm", "expected the loss of a subclassed model; try --loss binary"),
        ("no.keras", "there is no file 'no.keras'; expected a model saved with model.save"),
        ("x" * 300 + ".keras", "there is no file 'xxx"),
        ("text.keras", "cannot load 'text.keras' (BadZipFile: File is not a zip file)"),
        ("empty.keras", "cannot load 'empty.keras' ("),
        ("hollow.keras", "cannot load 'hollow.keras' (KeyError"),
        ("folder.keras", "there is no file 'folder.keras'"),
    ],
    ids=lambda text: text[-24:] if ":" in text[:24] or text.endswith(".keras") else "",
)
def test_a_model_that_cannot_be_had_says_why(refused, name, message):
    Path("my_models.py").write_text(MODELS)
    Path("my_syntax.py").write_text("def (:\n")
    Path("my_crash.py").write_text("1 / 0\n")
    Path("my_import.py").write_text("import nopkg\n")
    Path("my_exit.py").write_text("raise SystemExit(0)\n")
    Path("text.keras").write_text("hello")
    Path("empty.keras").touch()
    Path("folder.keras").mkdir()
    zipfile.ZipFile("hollow.keras", "w").close()
    command = ("study", "--model", name, "--data", "circles", "--epochs", "1", "--out", "out")
    assert message in refused(*command)


@KERAS_AND_NUMPY
def test_a_saved_lambda_is_not_run(refused):
    import keras

    layers = [keras.Input((2,)), keras.layers.Lambda(lambda x: x * 2), keras.layers.Dense(1)]
    keras.Sequential(layers).save("lambda.keras")
    message = refused("study", "--model", "lambda.keras", "--data", "circles", "--out", "out")
    assert "'lambda.keras' holds code that loading it would run: a Lambda; expected" in message
    assert "try --model package.module:function" in message


@KERAS_AND_NUMPY
def test_a_broken_saved_model_is_named(refused):
    import keras

    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save("flip.keras")
    content = Path("flip.keras").read_bytes()
    Path("flip.keras").write_bytes(content[:700] + bytes(300) + content[1000:])
    message = refused("study", "--model", "flip.keras", "--data", "circles", "--out", "out")
    assert "cannot load 'flip.keras' (BadZipFile" in message


def test_a_table_whose_labels_do_not_fit_the_task_is_refused(refused):
    Path("t.csv").write_text("a,y\n" + "".join(f"{i / 3},{i % 3}\n" for i in range(60)))
    command = ("study", "--model", "churn", "--data", "t.csv", "--target-column", "y")
    message = refused(*command, "--task", "binary")
    assert "column 'y' has 3 different values; expected two for the task binary; try" in message


def test_an_archive_with_nan_is_refused(refused):
    np.savez("d.npz", x_train=np.full((9, 2), np.nan), y_train=np.arange(9) % 2)
    command = ("study", "--model", "churn", "--data", "d.npz")
    assert "18 NaN or infinite values in x_train (first in row 0)" in refused(*command)


@pytest.fixture
def spec():
    return Spec.from_toml(study_file("circles"), {})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Path("out").write_text("x"), "folder 'out' cannot be written (File exists)"),
        (lambda: folder(thesis="x"), "holds 'thesis' and no study; expected an empty or a new"),
        (lambda: folder(**{"spec.toml": "rubbish"}), "holds a spec.toml that is no study's"),
    ],
    ids=["file", "foreign", "spoilt"],
)
def test_an_output_folder_that_is_taken_stays_as_it_is(refused, make, message):
    make()
    assert message in refused(*CIRCLES)


def folder(**files):
    Path("out").mkdir()
    for name, text in files.items():
        (Path("out") / name).write_text(text)


def test_another_study_in_the_output_folder_stays_as_it_is(refused, spec):
    folder(**{"spec.toml": spec.to_toml()})
    message = refused(*CIRCLES, "--seeds", "3")
    assert "holds another study (seeds is 30 there and 3 here)" in message
    assert message.endswith("try --out out-2")


@pytest.mark.parametrize("line", ["rubbish", "3", "{}", '{"event": "run"}'])
def test_a_spoilt_journal_is_named_and_stays(refused, spec, line):
    folder(**{"spec.toml": spec.to_toml(), "journal.jsonl": f"{line}\n"})
    for command in (CIRCLES, ("report", "out")):
        message = refused(*command)
        assert f"line 1 of 'out/journal.jsonl' is '{line}'" in message
        assert "move the folder away and run the study again" in message


def test_a_report_needs_a_finished_run(refused, spec):
    folder(**{"spec.toml": spec.to_toml()})
    assert "without a finished run" in refused("report", "out")


def test_an_interruption_before_the_training_ends_with_3(run, here, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("normwise.study.Study.from_spec", interrupt)
    code, out, error = run(*CIRCLES)
    assert (code, out) == (3, "")
    assert "interrupted before anything was trained; nothing is lost" in error
    assert tree(here) == {}


def test_list_names_the_studies_and_what_they_need(run):
    code, out, _ = run("list")
    assert code == 0
    assert "circles" in out
    assert "3 × 30" in out
    assert "NORMWISE_DATA" in out


def test_the_version_is_the_packages(run):
    import normwise

    version = metadata.version("normwise")
    assert normwise.__version__ == version
    assert run("--version") == (0, f"normwise {version}\n", "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("stu", ["study"]),
        ("study ci", ["circles", "circles-extensions"]),
        ("study my", ["my.toml"]),
        ("study [", []),
    ],
)
def test_a_shell_completes_commands_studies_and_files(run, monkeypatch, typed, offered):
    Path("my.toml").touch()
    monkeypatch.setenv("_NORMWISE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"normwise {typed}")
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split())))
    _, out, _ = run()
    assert out.split() == offered


COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
HELP = [(), *((name,) for name in COMMANDS)]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_stands_in_the_file_of_its_name(command):
    function = COMMANDS[command].callback
    assert Path(inspect.getfile(inspect.unwrap(function))).stem == command


@pytest.mark.parametrize("command", HELP, ids=lambda words: "-".join(words) or "normwise")
def test_help_has_examples_and_fits_80_columns(run, command):
    code, out, error = run(*command, "--help")
    assert (code, error) == (0, "")
    assert "Examples" in out
    assert f"normwise {' '.join(command)}".strip() in out.split(" Examples ")[-1]
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_help_at_80_columns_cuts_nothing_off(run, command):
    _, out, _ = run(command, "--help")
    options = [each for each in COMMANDS[command].params if each.param_type_name == "option"]
    names = [name for each in options for name in (*each.opts, *each.secondary_opts)]
    assert [name for name in names if name not in out] == []
    # A name that a row cuts off stands whole elsewhere; a text has no elsewhere.
    cut = [word for word in out.split() if word.endswith("…")]
    assert [word for word in cut if not word.startswith("--")] == []


def test_no_arguments_are_answered_with_help(run):
    _, out, error = run()
    assert "Usage: " in out + error
    assert "normwise study circles" in out + error


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from normwise import commands\n"
        "for command in ([], ['study'], ['list'], ['report']):\n"
        "    sys.argv = ['normwise', *command, '--help']\n"
        "    try: commands.main()\n"
        "    except SystemExit as stop: assert stop.code == 0\n"
        # Not pydantic nor the spec: Typer itself imports the one, and options are made of the other.
        "heavy = {'keras', 'jax', 'numpy', 'pandas', 'scipy', 'sklearn', 'pyarrow', 'altair'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )
    assert python(code).stdout.endswith("loaded: []\n")


def test_another_backend_that_is_already_loaded_is_named():
    code = (
        "import keras, normwise as nw\n"
        "try: nw.Study('circles', 'circles')\n"
        "except nw.errors.BackendError as error: print(error.exit_code, error)"
    )
    done = python(code, KERAS_BACKEND="numpy")
    assert done.stdout.startswith(
        "2 Keras is already loaded with the 'numpy' backend; expected 'jax'"
    ), done.stderr
    assert "set KERAS_BACKEND=jax in the environment" in done.stdout


def test_a_process_ends_with_the_code_and_without_a_traceback():
    done = subprocess.run(
        [sys.executable, "-m", "normwise", "study", "circle"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("normwise: unknown study 'circle'")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("chosen", "alarms"), [({}, False), ({"TF_CPP_MIN_LOG_LEVEL": "0"}, True)])
def test_reports_of_slow_compilation_are_kept_off_the_terminal(monkeypatch, chosen, alarms):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)  # which JAX sets where nobody does
    # As Keras counts the windows of a padded average pooling, which XLA computes in advance.
    code = (
        "import sys; from normwise import commands\n"
        "sys.argv = ['normwise', '--version']\n"
        "try: commands.main()\n"
        "except SystemExit: pass\n"
        "import jax, jax.numpy as jnp; from jax import lax\n"
        "window, ones = (1, 3, 3, 3, 1), jnp.ones\n"
        "count = lambda: lax.reduce_window(\n"
        "    ones((1, 56, 56, 56, 1)), 0.0, lax.add, window, (1,) * 5, 'SAME')\n"
        "jax.jit(count).lower().compile()"
    )
    assert ("taking > 1s" in python(code, **chosen).stderr) == alarms


@KERAS_AND_NUMPY
def test_json_is_all_that_is_printed_and_a_second_run_reads_the_first(run, here):
    command = (*CIRCLES, "--variant", "none", "--seeds", "1", "--epochs", "2", "--json")
    code, out, error = run(*command)
    assert (code, error) == (0, "")
    assert json.loads(out) == json.loads((here / "out" / "summary.json").read_text())
    before = (here / "out" / "journal.jsonl").read_text()
    code, again, error = run(*command)
    assert json.loads(again) == json.loads(out)
    assert error == "Nothing was trained: 'out' held all runs (1) already.\n"
    after = (here / "out" / "journal.jsonl").read_text()
    assert [line for line in after.removeprefix(before).splitlines() if '"run"' in line] == []
    code, out, _ = run(*command[:-1], "--seeds", "2")
    assert (code, out.splitlines()[-1]) == (0, "Runs trained: 1. Runs that 'out' held already: 1.")
