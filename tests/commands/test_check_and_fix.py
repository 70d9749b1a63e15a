"""`normwise check` and `normwise fix`, as their users meet them."""

import json
import logging
import re
import shlex
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from normwise.data.circles import circles

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


TRAINED = pytest.mark.usefixtures("model")


@pytest.fixture
def run(run_command):
    return run_command


@pytest.fixture
def model(tmp_path):
    """Fifty steps at momentum 0.99, to a loss that only batches' statistics show, with a bias that does nothing."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(32, name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy")
    data = circles()
    model.fit(data.x_train, data.y_train, batch_size=50, epochs=5, verbose=0)
    model.save(tmp_path / "model.keras")
    return model


@TRAINED
def test_findings_are_printed_and_end_with_1(run):
    code, out, error = run("check", "model.keras")
    assert (code, error) == (1, "")
    assert "NW001 redundant-bias (note): A bias in front of batch normalisation does" in out
    assert "hidden: its bias is cancelled by 'norm'" in out
    assert "NW003 stale-statistics (warning)" in out
    assert "2 findings in model.keras (1 warning, 1 note); 17 rules looked at 1 batch" in out
    assert "moving-statistics-gap looks with --data" in out
    assert max(map(len, out.splitlines()[:-4])) <= 80


@keras.saving.register_keras_serializable("checkup")
class Block(layers.Layer):
    """Normalisation that no graph shows."""

    def __init__(self, **options):
        super().__init__(**options)
        self.norm = layers.BatchNormalization(name="deep")

    def build(self, shape):
        self.norm.build(shape)

    def call(self, x):
        return self.norm(x)

    def get_config(self):
        return super().get_config()


def test_normalisation_inside_a_layer_is_counted_as_left(run):
    keras.Sequential([keras.Input((3,)), Block(name="block"), layers.Dense(1)]).save("model.keras")
    code, out, _ = run("check", "model.keras")
    why = "it is inside 'block', a Block, where no graph shows what it follows"
    assert code == 0
    assert f"left: block/deep: {why}" in out
    _, out, _ = run("check", "model.keras", "--format", "json")
    assert json.loads(out)["left"] == {"block/deep": why}


@TRAINED
def test_no_findings_end_with_0(run):
    code, out, _ = run("check", "model.keras", "--ignore", "NW001,stale-statistics")
    assert code == 0
    assert out.startswith("No findings in model.keras; 15 rules looked at 1 batch normalisation.")


@TRAINED
def test_findings_as_json(run):
    code, out, _ = run("check", "model.keras", "--format", "json", "--steps", "400")
    assert code == 1
    body = json.loads(out)
    assert body["model"] == "model.keras"
    (finding,) = body["findings"]
    assert list(finding) == ["code", "rule", "layer", "severity", "message", "fix", "safe"]
    assert (finding["code"], finding["layer"], finding["safe"]) == ("NW001", "hidden", True)


@TRAINED
def test_findings_as_sarif(run):
    code, out, _ = run("check", "model.keras", "--format", "sarif", "--data", "circles")
    assert code == 1
    (report,) = Sarif.model_validate_json(out).runs
    assert {result.ruleId for result in report.results} == {"NW001", "NW003", "NW004"}


@TRAINED
def test_the_project_chooses_and_the_command_line_overrides(run, tmp_path):
    settings = '[tool.normwise.check]\nignore = ["redundant-bias", "stale-statistics"]\n'
    (tmp_path / "pyproject.toml").write_text(settings)
    assert run("check", "model.keras")[0] == 0
    code, out, _ = run("check", "model.keras", "--ignore", "NW003", "--select", "NW001")
    assert code == 1
    assert "1 finding in model.keras (1 note); 1 rules looked" in out


@TRAINED
def test_a_new_file_is_mended_and_the_old_one_stays(run, tmp_path):
    original = (tmp_path / "model.keras").read_bytes()
    code, out, _ = run("fix", "model.keras", "-o", "fixed.keras", "--data", "circles")
    assert code == 0
    assert "Mended: NW001 redundant-bias in hidden" in out
    assert "Mended: NW003 stale-statistics in norm" in out
    assert "Mended: NW004 moving-statistics-gap in norm" in out
    assert re.search(r"validation loss: 0\.\d+ before, 0\.\d+ after", out)
    assert re.search("of it lagging statistics: [-0-9.e]+ before, [-0-9.e]+ after", out)
    assert (tmp_path / "model.keras").read_bytes() == original
    new = keras.saving.load_model(tmp_path / "fixed.keras")
    assert not new.get_layer("hidden").use_bias
    taken = circles().x_train @ np.asarray(new.get_layer("hidden").kernel, np.float64)
    np.testing.assert_allclose(
        new.get_layer("norm").moving_mean, taken.mean(axis=0), rtol=1e-4, atol=1e-6
    )
    assert run("check", "fixed.keras", "--data", "circles")[0] == 0


def test_predictions_stay_where_no_data_are_given(model, run, tmp_path):
    code, out, _ = run("fix", "model.keras", "-o", "fixed.keras")
    assert code == 0
    assert "Left: NW003 stale-statistics in norm" in out
    x = circles().x_val
    new = keras.saving.load_model(tmp_path / "fixed.keras")
    np.testing.assert_allclose(new.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


@TRAINED
def test_nothing_is_mended_where_every_rule_is_ignored(run):
    _, out, _ = run("fix", "model.keras", "-o", "o.keras", "--select", "NW001", "--ignore", "NW001")
    assert out.startswith("There was nothing that can be mended safely.")


def test_a_variance_below_zero_is_mended_and_the_loss_was_none(model, run):
    model.get_layer("norm").moving_variance.assign([-1] * 32)
    model.save("model.keras")
    code, out, _ = run("fix", "model.keras", "-o", "fixed.keras", "--data", "circles")
    assert code == 0
    assert "Mended: NW016 not-finite in norm" in out
    assert re.search(r"validation loss: not finite before, 0\.\d+ after", out)


@TRAINED
@pytest.mark.parametrize(
    "options",
    [
        ["--data", "circles"],
        ["--data", "circles", "--select", "NW003,NW004", "--steps", "7"],
        ["--ignore", "NW003"],
    ],
)
@pytest.mark.parametrize("name", ["model.keras", "fixed.keras", "a model.keras"])
def test_the_command_that_is_advised_mends_what_it_says(options, name, run):
    if name != "model.keras":
        Path("model.keras").rename(name)
    original = Path(name).read_bytes()
    _, out, _ = run("check", name, *options)
    count, _, command = out.partition(" can be mended: ")
    program, *words = shlex.split(command.partition("\n")[0])
    assert program == "normwise"
    code, out, _ = run(*words)
    assert code == 0
    mended = [line for line in out.splitlines() if line.startswith("Mended: ")]
    assert len(mended) == int(count.splitlines()[-1])
    assert Path(name).read_bytes() == original


@pytest.fixture
def unmoved(tmp_path):
    """Learnt while its statistics stayed at 0 and 1, as in a loop without training=True."""
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    x = draw.normal(3, 1, (400, 8)).astype("float32")
    y = (x[:, 0] > x[:, 1]).astype("float32")
    model = keras.Sequential(
        [keras.Input((8,)), layers.Dense(8), layers.BatchNormalization(name="norm"), layers.ReLU(), layers.Dense(1)]
    )  # fmt: skip
    norm = model.get_layer("norm")
    norm.trainable = False
    model.compile(keras.optimizers.Adam(0.02), "mse")
    model.fit(x, y, epochs=20, verbose=0)
    norm.trainable = True
    model.compile("adam", "mse")
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_val=x[::-1], y_val=y[::-1])
    return model


@pytest.mark.usefixtures("unmoved")
@pytest.mark.parametrize("command", ["fix", "recalibrate"])
def test_no_worse_file_is_written_unless_forced(command, run):
    arguments = (command, "model.keras", "--data", "data.npz", "-o", "new.keras")
    code, _, error = run(*arguments)
    assert code == 1
    assert not Path("new.keras").exists()
    assert re.search(r"validation loss 0\.\d+ before, \d+\.\d+ after \(400 examples\)", error)
    assert "the statistics of 'norm' never moved from 0 and 1" in error
    assert error.rstrip().endswith(" --force")
    assert "force=True" not in error
    code, out, _ = run(*arguments, "--force")
    assert code == 0
    assert "Written: new.keras" in out
    before, after = re.search(r"validation loss: (\S+) before, (\S+) after", out).groups()
    assert float(after) > float(before)


@pytest.mark.usefixtures("unmoved")
def test_what_cannot_rise_is_mended_alone(run):
    ignored = "stale-statistics,moving-statistics-gap,unmoved-statistics"
    arguments = ("--data", "data.npz", "-o", "new.keras", "--ignore", ignored)
    code, out, _ = run("fix", "model.keras", *arguments)
    assert code == 0
    assert "Mended: NW001 redundant-bias" in out


@TRAINED
def test_nothing_to_mend_is_said(run):
    _, out, _ = run("fix", "model.keras", "-o", "fixed.keras", "--ignore", "NW001")
    assert "There was nothing that can be mended safely." in out
    assert Path("fixed.keras").is_file()


REFUSED = [
    (("check", "no.keras"), "there is no file 'no.keras'"),
    (("check", "model.keras", "--select", "NW99"), "unknown rule 'NW99'"),
    (("check", "model.keras", "--data", "digits"), "the inputs do not fit model"),
    (("check", "model.keras", "--format", "xml"), "'xml' is not one of"),
    (("check", "model.keras", "--batch-size", "0"), "greater than or equal to 1"),
    (("fix", "model.keras", "-o", "model.keras"), "is the model itself, which is never written"),
    (("fix", "model.keras", "-o", "link.keras"), "is the model itself, which is never written"),
    (("fix", "model.keras", "-o", "out.h5"), "does not end in .keras; expected a Keras file"),
    (("fix", "model.keras", "-o", "/proc/x/y.keras"), "cannot write '/proc/x/y.keras'"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
@TRAINED
def test_a_mistake_is_one_message_and_exit_code_2(run, arguments, message):
    Path("link.keras").symlink_to("model.keras")
    before = sorted(path.name for path in Path().iterdir())
    code, _, error = run(*arguments)
    assert code == 2
    assert message in " ".join(error.split()).replace("│ ", "")
    assert "Traceback" not in error
    assert sorted(path.name for path in Path().iterdir()) == before


@TRAINED
def test_a_file_of_the_older_format_is_looked_at_and_mended_as_one_of_todays(run, model, caplog):
    remarks = logging.getLogger("absl")
    remarks.disabled = True
    model.save("old.h5")
    remarks.disabled = False
    typed = ("--data", "circles", "--format", "json")
    found = [json.loads(run("check", name, *typed)[1]) for name in ("old.h5", "model.keras")]
    assert found[0]["findings"] == found[1]["findings"] != []
    code, out, _ = run("fix", "old.h5", "-o", "new.keras", "--data", "circles")
    assert (code, "Written: new.keras" in out) == (0, True)
    assert "old.h5 is of Keras' older format; new.keras is a .keras file" in caplog.messages
    assert zipfile.is_zipfile("new.keras")
