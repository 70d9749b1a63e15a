"""Each rule: what it says of a model it is made for, word by word, and models it must not name."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from rule_cases import neighbours, places, training, weights
from rule_cases.common import (
    X,
    begun,
    called_for_inference,
    hidden,
    net,
    never_moved,
    norm,
    of_momentum,
    of_population,
    statistics,
    trained,
)
from rule_cases.places import leaking, step_by_step, whole_by_steps
from rule_cases.training import Block, frozen_after_compiling
from rule_cases.weights import burst

import normwise as nw
from normwise.checks import RULES

pytestmark = pytest.mark.usefixtures("initial_values_from_numpy")

KINDS = (neighbours, places, training, weights)


def misled():
    """Variances of 1e-8 behind a layer whose statistics are still 0 and 1: its symptom alone."""
    model = trained(net(hidden(), norm(), hidden("b"), norm("second"), layers.Dense(1)))
    model.get_layer("a").kernel.assign(model.get_layer("a").kernel * 1e-4)
    return model


def misled_by_a_constant():
    model = misled()
    model.get_layer("a").kernel.assign(np.zeros((4, 8)))
    statistics(model.get_layer("norm"), mean=1.0)
    return model


def centred_over_the_batch():
    x = keras.Input((4,))
    y = norm()(hidden()(x))
    return of_population(keras.Model(x, y - keras.ops.mean(y, axis=0, keepdims=True)))


GOLDEN = {rule: cases for kind in KINDS for rule, cases in kind.GOLDEN.items()}


CASES = [(rule, *case) for rule, cases in GOLDEN.items() for case in cases]


@pytest.mark.parametrize(
    ("rule", "build", "given", "said"),
    CASES,
    ids=[f"{rule}-{build.__name__}-{'-'.join(given)}" for rule, build, given, _ in CASES],
)
def test_a_rule_says_what_it_finds(rule, build, given, said):
    keras.utils.clear_session()
    (found,) = nw.check(build(), select=[rule], **given)
    assert (found.layer, found.message, found.fix, found.safe) == said
    (known,) = (one for one in RULES if one.name == rule)
    assert (found.rule, found.code, found.severity) == (rule, known.code, known.severity)


def in_a_row(first=(), second=(), *, shape=(4,), again=False, used=False):
    """Two normalisations: the first called once more, or what it gives used once more."""
    x = keras.Input(shape)
    before = norm("first", **dict(first))
    y = before(layers.Dense(4)(x))
    z = layers.Dense(1)(norm("second", **dict(second))(y))
    others = ([before(x)] if again else []) + ([y] if used else [])
    beside = [layers.Dense(1)(other) for other in others]
    return keras.Model(x, [z, *beside])


@pytest.mark.parametrize(
    ("model", "safe"),
    [
        (in_a_row(), True),
        (in_a_row({"axis": 1}, {"axis": -1}), True),
        (in_a_row({"axis": 1}, {"axis": 2}, shape=(4, 4)), False),
        (in_a_row({"trainable": False}), False),
        (in_a_row({"gamma_regularizer": "l2"}), False),
        (in_a_row({}, {"beta_constraint": "non_neg"}), False),
        (in_a_row({}, {"scale": False}), False),
        (in_a_row({}, {"center": False}), False),
        (in_a_row({"scale": False, "center": False}), True),
        (in_a_row(again=True), False),
        (in_a_row(used=True), False),
    ],
)
def test_two_in_a_row_are_merged_only_where_one_gives_the_same(model, safe):
    (found,) = nw.check(model, select=["repeated-norm"])
    assert (found.layer, found.safe) == ("second", safe)


@pytest.mark.parametrize(
    ("momentum", "right"),
    [(0.1, "momentum=0.9, "), (0.25, "momentum=0.75, "), (0.0, "momentum=0.99; or trainable=F")],
)
def test_a_momentum_of_pytorch_is_said_in_that_of_keras(momentum, right):
    (found,) = nw.check(of_momentum(momentum)(), select=["wrong-momentum"])
    assert found.fix.startswith(right)


def test_leakage_is_measured_where_the_graph_does_not_show_it():
    assert nw.check(centred_over_the_batch(), select=["batch-leakage"]) == []
    (found,) = nw.check(centred_over_the_batch(), X, select=["batch-leakage"])
    assert found.layer.startswith("subtract")  # where the mean meets the examples
    assert "other neighbours in its batch change an example's prediction by" in found.message
    assert found.fix == (
        "no function of a whole batch in inference: means, maxima or a softmax over axis 0, "
        "or a normalisation that a layer calls with training=True"
    )
    (pair,) = nw.check(centred_over_the_batch(), X[:2], select=["batch-leakage"])
    assert pair.layer.startswith("subtract")
    assert nw.check(centred_over_the_batch(), X[:1], select=["batch-leakage"]) == []


class Stuck(Block):
    """In training for ever."""

    def call(self, x):
        return super().call(x, training=True)


def test_a_layer_that_asks_for_the_batch_in_its_own_code_is_found_by_its_predictions():
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(1)(Stuck()(x)))
    assert nw.check(model, select=["batch-leakage"]) == []
    (found,) = nw.check(model, X, select=["batch-leakage"])
    assert found.layer.startswith("batch_normalization")
    assert "a normalisation that a layer calls with training=True" in found.fix


def test_keras_overrides_what_the_graph_says_of_training():
    """What `batch-leakage` and `frozen-norm` say of fit, predict and a plain call."""
    model, others = leaking(), np.concatenate([X[:1], 3 + X[1:6]])
    assert model.predict(X[:6], verbose=0)[0] == pytest.approx(model.predict(others, verbose=0)[0])
    assert model(X[:6])[0] != pytest.approx(model(others)[0])
    model = called_for_inference()
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], epochs=1, verbose=0)
    assert np.abs(model.get_layer("norm").moving_mean).max() > 0


def test_a_broken_model_is_looked_at_with_data_as_well():
    rules = {finding.rule for finding in nw.check(burst(), X)}
    assert rules == {"not-finite"}


def test_overflow_in_half_precision_is_named_where_it_first_arrives():
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3, kernel_initializer="ones", dtype="mixed_float16"),
            norm(),
            layers.Dense(2),
            layers.BatchNormalization(),
        ]
    )
    assert nw.check(model, np.full((9, 4), 1e4), select=["not-finite"]) == []
    (found,) = nw.check(model, np.full((9, 4), 2e4), select=["not-finite"])
    assert (found.layer, found.safe) == ("norm", False)
    assert found.message == (
        "on this data it takes NaN or infinite values, although all weights are finite: what is in "
        "front of it overflows"
    )
    assert found.fix == "inputs of smaller scale, or bfloat16 or float32 in place of float16"


@pytest.mark.parametrize("data", [X, (X, None), (X, X[:, :1])])
def test_what_is_exactly_as_it_began_is_said_to_have_never_moved(data):
    """With data, of a model whose γ and β show no training, too; mended only if it can be judged."""
    model = trained(never_moved())
    found = nw.check(model, data, select=["moving-statistics-gap", "unmoved-statistics"])
    assert len(found) == 2
    assert all("they never moved: trained without training=True?" in one.message for one in found)
    assert {one.safe for one in found} == {isinstance(data, tuple) and data[1] is not None}
    (found,) = nw.check(begun(), X + 3, select=["moving-statistics-gap", "unmoved-statistics"])
    assert "they never moved" in found.message


class Classifier(keras.Model):
    """Of three classes, which no graph shows."""

    def __init__(self):
        super().__init__()
        self.norm, self.end = norm(), layers.Dense(3)

    def call(self, x):
        return self.end(self.norm(x))


@pytest.mark.parametrize("classes", [3, 2])
def test_statistics_are_mended_only_where_labels_say_which_classes_they_are(classes):
    model = Classifier()
    model(X[:2])
    model.compile(loss="sparse_categorical_crossentropy")
    statistics(model.norm, beta=0.1)
    labels = np.array(["a", "b", "c"])[np.arange(len(X)) % classes]
    (found,) = nw.check(model, (X, labels), select=["unmoved-statistics"])
    assert found.safe is (classes == 3)  # of two out of three nobody can say which


@pytest.mark.parametrize(
    ("moments", "wrong"),
    [
        ({"mean": 0.42}, False),
        ({"mean": 0.43}, True),
        ({"mean": -0.43}, True),
        ({"variance": 1.77}, False),
        ({"variance": 1.8}, True),
        ({"variance": 1 / 1.77}, False),
        ({"variance": 1 / 1.8}, True),
    ],
)
def test_the_fewer_examples_the_further_statistics_may_be_from_theirs(moments, wrong):
    """Of 300: 0.25 + 3/√300 = 0.423 deviations, and a factor of 1.5·exp(3/√300) = 1.784."""
    x = X[:300] - X[:300].mean(axis=0)
    model = net(norm(epsilon=1e-9), layers.Dense(1))
    statistics(model.get_layer("norm"), **moments)
    found = nw.check(model, x / x.std(axis=0), select=["moving-statistics-gap"])
    assert bool(found) is wrong


def test_a_channel_is_dead_where_only_rounding_moves_it():
    """About 100, where float32 knows steps of 0.000008; beside it one of deviation 0.001."""
    x = X.copy()
    x[:, 1] = 100 + 1e-3 * x[:, 1]
    x[:, 2] = np.where(x[:, 2] > 0, np.float32(100), np.nextafter(np.float32(100), np.float32(0)))
    model = nw.recalibrate(net(norm(), layers.Dense(1)), x)
    (found,) = nw.check(model, x, select=["dead-channels"])
    assert "in 1 of 4 channels (2)" in found.message


@pytest.mark.parametrize("build", [misled, misled_by_a_constant])
def test_what_wrong_statistics_in_front_make_small_is_no_finding(build):
    symptoms = nw.check(build(), X, select=["dead-channels", "variance-underflow"])
    assert {finding.layer for finding in symptoms} == {"norm"}


def test_of_time_distributed_there_is_one_remedy():
    """Not also one normalisation for each step, which "one on the whole sequence" contradicts."""
    for build in (step_by_step, whole_by_steps):
        assert [one.rule for one in nw.check(build())] == ["time-distributed-norm"]


def test_what_keras_does_with_weights_that_are_frozen_after_compiling():
    model = frozen_after_compiling()
    with pytest.raises(ValueError, match="corresponding 1:1 to the trainable variables"):
        model.fit(X, X[:, :1], verbose=0)


def test_statistics_that_never_move_are_stale_for_ever():
    model = trained(net(hidden(), norm(momentum=1.0), layers.Dense(1)))
    (found,) = nw.check(model, select=["stale-statistics"])
    assert found.message.endswith("left in them; no number of steps would change that")


def test_every_rule_has_an_example():
    assert {rule.name for rule in RULES} == set(GOLDEN)


INNOCENT = {rule: cases for kind in KINDS for rule, cases in kind.INNOCENT.items()}


SPARED = [(rule, *case) for rule, cases in INNOCENT.items() for case in cases]


@pytest.mark.parametrize(
    ("rule", "build", "given"),
    SPARED,
    ids=[f"{rule}-{build.__name__}-{'-'.join(given)}" for rule, build, given in SPARED],
)
def test_a_rule_is_silent_where_nothing_is_wrong(rule, build, given):
    assert nw.check(build(), select=[rule], **given) == []


def test_every_rule_has_a_model_that_it_must_not_name():
    assert {rule.name for rule in RULES} == set(INNOCENT)


@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50V2", "EfficientNetB0"])
def test_networks_of_keras_raise_no_alarm(name):
    model = getattr(keras.applications, name)(weights=None, input_shape=(64, 64, 3))
    # ResNet50V2's convolutions do have biases in front of normalisation.
    assert {finding.rule for finding in nw.check(model)} <= {"redundant-bias"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_page_whose_example_it_names(rule):
    page = rule.page
    assert page.startswith(f"# {rule.code} {rule.name} ({rule.severity})\n")
    parts = [line for line in page.splitlines() if line.startswith("## ")]
    assert parts == ["## What", "## Why it is bad", "## Example", "## Fix"]
    code = page.partition("```python\n")[2].partition("```")[0]
    *setting_up, asking = code.strip().splitlines()
    names = {}
    exec("\n".join(setting_up), names)
    found = eval(asking, names)
    assert rule.code in {finding.code for finding in found}
    safe = any(finding.safe for finding in found if finding.code == rule.code)
    assert not safe or "`normwise fix" in page


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_list_of_rules_is_that_of_the_code(rule):
    listed = (Path(__file__).parents[2] / "docs" / "check.md").read_text("utf-8")
    cells = f"](../src/normwise/checks/pages/{rule.name}.md) | `{rule.name}` | {rule.severity} | "
    assert f"| [{rule.code}{cells}{rule.summary}. |" in listed
