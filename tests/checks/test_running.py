"""What can be asked of a check, and what is refused; findings as SARIF; the project's choice."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

import normwise as nw
from normwise.checks import RULES, select_rules
from normwise.checks.running import findings_of, rules_missing_input, subject_of
from normwise.checks.sarif import sarif
from normwise.checks.selection import project_selection
from normwise.checks.subject import Subject
from normwise.data import Given
from normwise.domain import Finding
from normwise.errors import DataError, ModelError, SpecError, UnknownNameError

pytestmark = pytest.mark.usefixtures("initial_values_from_numpy")


def model(name="net"):
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(1),
        ],
        name=name,
    )


X = np.random.default_rng(0).normal(3, 1, (300, 4)).astype("float32")


@pytest.mark.parametrize(
    "data",
    [
        X,
        (X, X[:, 0]),
        (X, X[:, 0], X - 3, X[:, 0]),  # whose means would fit
        ((X, X[:, 0]), (X - 3, X[:, 0])),
    ],
)
def test_data_come_as_keras_takes_them(data):
    rules = {finding.rule for finding in nw.check(model(), data)}
    assert rules == {"redundant-bias", "moving-statistics-gap"}


def test_data_can_be_named():
    small = keras.Sequential([keras.Input((2,)), layers.BatchNormalization(), layers.Dense(1)])
    assert [finding.rule for finding in nw.check(small, "circles")] == ["moving-statistics-gap"]


def test_nothing_changes_in_the_model():
    subject = model()
    before = [np.array(variable.value) for variable in subject.variables]
    nw.check(subject, X, batch_size=3, steps=7)
    for old, variable in zip(before, subject.variables, strict=True):
        np.testing.assert_array_equal(old, variable.value)


def test_a_subclassed_model_is_looked_at_layer_by_layer():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.tower = keras.Sequential([layers.Dense(8), layers.BatchNormalization(name="norm")])

        def call(self, x):
            return self.tower(x) + self.tower(-x)

    own = Own()
    own(X[:1])
    # The tower inside has a graph; how often it is called is seen with data only.
    assert [f.rule for f in nw.check(own)] == ["redundant-bias"]
    found = nw.check(own, 5 * X, steps=1)  # so that no draw of weights makes a variance of 1
    assert {f.rule for f in found} == {
        "redundant-bias", "stale-statistics", "moving-statistics-gap", "shared-norm",
    }  # fmt: skip


REFUSED = [
    (("model",), {}, ModelError, "the model is of type str; expected a Keras model"),
    ((keras.Sequential([layers.Dense(1)]),), {}, ModelError, "is not built"),
    ((model(), X[:, :3]), {}, DataError, "the inputs do not fit model 'net'"),
    ((model(), [X, X]), {}, DataError, "the inputs are 2 .*takes 1"),
    ((model(), X[:0]), {}, DataError, "0 examples"),
    ((model(),), {"batch_size": 0}, SpecError, "batch_size is 0; expected at least 1"),
    ((model(),), {"steps": -1}, SpecError, "steps is -1; expected at least 0"),
    ((model(),), {"select": ["NW999"]}, UnknownNameError, "unknown rule 'NW999'; .* NW001, NW002,"),
    ((model(),), {"ignore": ["nw005"]}, UnknownNameError, "did you mean 'NW005'?"),
    (
        (model(),),
        {"select": ["what"]},
        UnknownNameError,
        "unknown rule 'what'; .* redundant-bias, ",
    ),
    ((model(),), {"ignore": ["redundant-biass"]}, UnknownNameError, "did you mean 'redundant-"),
]


@pytest.mark.parametrize(("arguments", "options", "kind", "message"), REFUSED)
def test_what_cannot_be_checked_is_refused(arguments, options, kind, message):
    with pytest.raises(kind, match=message):
        nw.check(*arguments, **options)


class Trains(layers.Layer):
    """In training mode unless told otherwise."""

    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization()

    def call(self, x, training=True):  # noqa: FBT002 (what is tested)
        return self.norm(x, training=training)


def test_a_layer_that_trains_unless_told_otherwise_is_only_looked_at():
    own = keras.Sequential([keras.Input((4,)), Trains(), layers.Dense(1)])
    before = [np.array(variable.value) for variable in own.variables]
    assert nw.check(own, X)
    for old, variable in zip(before, own.variables, strict=True):
        np.testing.assert_array_equal(old, variable.value)


def test_progress_is_said_rule_by_rule():
    said = []
    rules = select_rules(select=["NW001", "NW002", "NW008"])
    found = findings_of(Subject(model()), rules, lambda *step: said.append(step))
    assert said == [(0, 3, "redundant-bias"), (1, 3, "dropout-before-norm"), (2, 3, "wrong-axis")]
    assert [finding.rule for finding in found] == ["redundant-bias"]


@keras.saving.register_keras_serializable("test_running")
class Cell(layers.Layer):
    """Normalises inside the loop of a recurrent layer, which JAX compiles."""

    state_size = 3

    def __init__(self, **options):
        super().__init__(**options)
        self.dense, self.norm = layers.Dense(3), layers.BatchNormalization(name="inside")

    def build(self, shape):
        self.dense.build(shape)
        self.norm.build((None, 3))
        self.built = True

    def call(self, x, states, training=None):
        y = self.norm(self.dense(x), training=training) + states[0]
        return y, [y]


def test_what_runs_in_a_compiled_loop_is_passed_over_by_the_check_and_named_by_the_rest():
    inputs = keras.Input((5, 4))
    y = layers.BatchNormalization(name="outside")(layers.RNN(Cell(), name="mine")(inputs))
    recurrent = keras.Model(inputs, y)
    x = np.ones((8, 5, 4), "float32") * np.arange(8, dtype="float32").reshape(8, 1, 1)
    found = {finding.layer for finding in nw.check(recurrent, x) if "gap" in finding.rule}
    assert found == {"outside"}
    for command in (nw.recalibrate, lambda model, x: nw.gap(model, (x, x[:, 0]))):
        with pytest.raises(
            ModelError,
            match=r"^batch normalisation 'inside' inside 'mine' .* runs in a loop that JAX",
        ):
            command(recurrent, x)
    assert not any(finding.safe for finding in nw.check(recurrent, x))  # as fix cannot either
    assert [finding.rule for finding in nw.fix(recurrent, x).left] == ["moving-statistics-gap"]


def test_data_with_nan_are_refused():
    with pytest.raises(
        DataError, match=r"data 'given to the check': .* NaN or infinite values in the inputs"
    ):
        nw.check(model(), np.where(X > 4, np.nan, X))


@pytest.mark.parametrize(
    ("given", "not_run"),
    [
        ({}, {"stale-statistics", "moving-statistics-gap", "tiny-batch"}),
        ({"data": X}, {"stale-statistics"}),
        ({"batch_size": 32}, {"stale-statistics", "moving-statistics-gap"}),
        ({"steps": 0}, {"moving-statistics-gap", "tiny-batch"}),
        ({"data": X, "steps": 100}, set()),
    ],
    ids=["nothing", "data", "batch size", "steps", "data and steps"],
)
def test_a_rule_is_not_run_only_where_all_it_could_look_at_is_missing(given, not_run):
    subject = subject_of(model(), given.get("data"), given.get("batch_size"), given.get("steps"))
    assert {rule.name for rule in rules_missing_input(subject, RULES)} == not_run


def test_codes_and_names_never_change():
    assert [f"{rule.code} {rule.name}" for rule in RULES] == [
        "NW001 redundant-bias", "NW002 dropout-before-norm", "NW003 stale-statistics",
        "NW004 moving-statistics-gap", "NW005 tiny-batch", "NW006 norm-after-output",
        "NW007 time-distributed-norm", "NW008 wrong-axis", "NW009 frozen-norm",
        "NW010 shared-norm", "NW011 dead-channels", "NW012 variance-underflow",
        "NW013 regularised-scale", "NW014 repeated-norm", "NW015 saturating-before",
        "NW016 not-finite", "NW017 batch-leakage",
        "NW018 wrong-momentum", "NW019 unmoved-statistics",
    ]  # fmt: skip


def test_the_log_is_valid_sarif():
    """Against classes that were generated from the schema, which allow no other keys."""
    findings = nw.check(model(), X, batch_size=4, steps=3)
    assert len({finding.layer for finding in findings}) > 1
    log = sarif(findings, RULES, Path("models/my model.keras"))
    (run,) = Sarif.model_validate(log, strict=False).runs
    assert [result.ruleId for result in run.results] == [finding.code for finding in findings]
    for result in run.results:
        assert run.tool.driver.rules[result.ruleIndex].id == result.ruleId
        assert result.level.value == next(r.severity for r in RULES if r.code == result.ruleId)
        (location,) = result.locations
        assert location.physicalLocation.artifactLocation.uri == "models/my%20model.keras"
    assert run.tool.driver.name == "normwise"
    assert run.tool.driver.version == nw.__version__


@pytest.mark.parametrize(
    ("layer", "said", "place"),
    [
        (
            "norm",
            "Layer 'norm': is frozen. Fix: thaw it.",
            {"logicalLocations": [{"name": "norm", "kind": "element"}]},
        ),
        (None, "The model: is frozen. Fix: thaw it.", {}),
    ],
)
def test_a_finding_is_a_result_of_the_log(layer, said, place):
    finding = Finding("NW009", "frozen-norm", layer, "warning", "is frozen", "thaw it", safe=False)
    (run,) = sarif([finding], RULES, Path("net.keras"))["runs"]
    (result,) = run["results"]
    assert result == {
        "ruleId": "NW009",
        "ruleIndex": 8,
        "level": "warning",
        "message": {"text": said},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "net.keras"}}, **place}],
        "properties": {"fix": "thaw it", "safe": False},
    }


def project(folder, text):
    (folder / "pyproject.toml").write_text(text)
    (folder / "deep" / "er").mkdir(parents=True)
    return project_selection(folder / "deep" / "er")


def test_the_project_chooses(tmp_path):
    text = '[tool.normwise.check]\nselect = ["NW001", "tiny-batch"]\nignore = ["NW005"]\n'
    assert [rule.code for rule in select_rules(**project(tmp_path, text))] == ["NW001"]


def test_another_project_says_nothing(tmp_path):
    assert project_selection(tmp_path) == {}
    assert project(tmp_path, "[project]\nname = 'other'\n") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[tool.normwise.check]\nselct = []",
            "unknown setting in [tool.normwise.check] of {file}: 'selct'; expected one of select, "
            "ignore; did you mean 'select'?",
        ),
        (
            "[tool.normwise.check]\nselect = 'NW001'",
            "select in [tool.normwise.check] of {file} is 'NW001'; expected a list of codes or "
            'names; try select = ["NW001"]',
        ),
        (
            "[tool.normwise.check]\nignore = [1]",
            "ignore in [tool.normwise.check] of {file} is [1]; ",
        ),
        (
            "[tool.normwise]\ncheck = 3",
            "[tool.normwise.check] of {file} is 3; expected a section; try [tool.normwise.check] "
            'with ignore = ["NW001"] below it',
        ),
        (
            "[tool]\nnormwise = 'strict'",
            "[tool.normwise] of {file} is 'strict'; expected a section",
        ),
        ("tool = []", "[tool] of {file} is []; expected a section; "),
        ("[tool", "cannot read {file} (TOMLDecodeError: "),
    ],
)
def test_a_choice_that_cannot_be_read_is_refused(tmp_path, text, message):
    with pytest.raises((SpecError, UnknownNameError)) as raised:
        project(tmp_path, text)
    assert message.format(file=repr(str(tmp_path / "pyproject.toml"))) in str(raised.value)


def test_all_examples_are_measured(monkeypatch):
    own = keras.Sequential([keras.Input((4,)), layers.BatchNormalization()])
    x = np.random.default_rng(0).normal(size=(3000, 4)).astype("float32")
    x[1::3] += 1e3  # most of which a thousand evenly spread examples miss
    nw.recalibrate(own, x)
    assert nw.check(own, x, select=["moving-statistics-gap"]) == []
    looked = Subject(own, Given(x))
    np.testing.assert_allclose(
        looked.observed[looked.norms[0]].variance, x.var(axis=0, dtype=float), rtol=1e-6
    )
    monkeypatch.setattr("normwise.checks.subject.VALUES", 4 * 2000)
    assert Subject(own, Given(x)).measured == 2000
    assert next(iter(Subject(own, Given(x)).observed.values())).count.tolist() == [2000] * 4
    monkeypatch.setattr("normwise.checks.subject.VALUES", 1)
    assert Subject(own, Given(x)).measured == 1024
