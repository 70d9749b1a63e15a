"""What the lesson says in words is what was recorded, or what the layer does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normwise.lesson import shipped
from normwise.lesson.tries import recorded_tries

ROOT = Path(__file__).parents[2]
KERAS_AND_NUMPY = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def sent() -> dict[str, Any]:
    return shipped()


@pytest.fixture(scope="module")
def tried(sent: dict[str, Any]) -> dict[str, tuple[Any, int]]:
    """Of each run to begin with what was recorded, and its epoch, from 0."""
    return {
        one.name: (run_of(sent, one.at), one.at["epoch"] - 1)
        for one in recorded_tries(sent["deep"])
    }


def run_of(sent: dict[str, Any], at: dict[str, Any]) -> Any:
    [found] = [
        run
        for run in sent["deep"]["runs"]
        if (run["depth"], run["learning_rate"], run["batch_size"])
        == (at["depth"], at["rate"], at["batch"])
    ]
    return found


def gradients(own: Any) -> np.ndarray:
    """Of layer 1 over that of the output layer, epoch by epoch."""
    return np.array([norms[0] / norms[-1] for norms in own["gradient"]])


def right(own: Any) -> np.ndarray:
    return np.array(own["validation"]["accuracy"])


def test_where_both_learn_the_loss_turns_without_normalisation(tried: Any) -> None:
    run, epoch = tried["Two layers: both learn"]
    assert min(right(run["with"])[-1], right(run["without"])[-1]) > 0.95
    along = np.array([run["without"]["start_loss"][epoch], *run["without"]["step_loss"][epoch]])
    assert 0 < np.argmin(along) < len(along) - 2
    assert along[-1] > along[0]
    assert np.all(np.diff(run["with"]["step_loss"][epoch]) < 0)
    ranges = [np.ptp(run[side]["step_loss"], axis=1) for side in ("with", "without")]
    assert ranges[0][epoch] < ranges[1][epoch]
    assert 10 < np.sum(ranges[0] < ranges[1]) < 20


def test_in_ten_layers_each_passes_on_a_quarter(tried: Any) -> None:
    run, epoch = tried["Ten layers: one learns"]
    varies, gradient = (np.array(run["without"][name][epoch]) for name in ("response", "gradient"))
    assert 3.5 < (varies[0] / varies[-1]) ** (1 / 9) < 4.8
    assert np.all(np.diff(varies) < 0)
    assert np.all(np.diff(gradient) > 0)
    assert gradients(run["without"])[epoch] < 1e-5
    assert 0.2 < gradients(run["with"])[epoch] < 5
    assert np.min(run["with"]["response"][epoch]) > 0.2


def test_thirty_layers_are_flat_since_nothing_moves(tried: Any) -> None:
    run, epoch = tried["Thirty layers: a flat landscape"]
    assert np.ptp(run["without"]["step_loss"][epoch]) < 0.02
    assert gradients(run["without"])[epoch] < 1e-15
    assert run["without"]["response"][epoch][-1] < 1e-6
    assert run["without"]["start_loss"][epoch] == pytest.approx(np.log(10), abs=0.05)


def test_a_rate_too_large_is_borne_better_and_not_well(tried: Any) -> None:
    run, epoch = tried["A learning rate too large"]
    moving = run["with"]["moving"]["0.99"]["accuracy"]
    assert np.max(right(run["without"])) < 0.2
    assert moving[epoch] > 0.5 > moving[-1]


def test_batches_of_two_have_gradients_by_chance(sent: Any, tried: Any) -> None:
    run, _ = tried["Batches of two"]
    found = gradients(run["with"])
    assert found.min() < 1e-5
    assert 39 < found.max() < 42
    for size in (8, 64):
        others = gradients(run_of(sent, {"depth": 2, "rate": 0.01, "batch": size})["with"])
        assert 1 / 5 < others.min() < others.max() < 5


def test_evaluation_shows_ten_epochs_later_what_was_learned(tried: Any) -> None:
    run, _ = tried["Statistics that lag"]
    arrivals = [
        int(np.flatnonzero(np.array(one) >= 0.8)[0])
        for one in (
            run["with"]["validation"]["accuracy"],
            run["with"]["moving"]["0.99"]["accuracy"],
        )
    ]
    assert 9 <= arrivals[1] - arrivals[0] <= 12


def test_where_it_pays_is_what_was_recorded(sent: Any) -> None:
    deep = [run for run in sent["deep"]["runs"] if run["depth"] >= 5]
    assert max(right(run["without"])[-1] for run in deep) < 0.11
    ends = [
        right(run["with"])[-1]
        for run in deep
        if run["batch_size"] >= 8 and run["learning_rate"] <= 0.1
    ]
    assert (round(100 * min(ends)), round(100 * max(ends), 1)) == (74, 97.5)
    of_two = [run for run in sent["deep"]["runs"] if run["batch_size"] == 2]
    assert max(right(run["with"])[-1] for run in of_two) < 0.8
    assert sorted(right(run["without"])[-1] for run in of_two)[-2] >= 0.8


def test_the_circles_of_chapter_3_are_those_of_the_recording_and_of_the_study(sent: Any) -> None:
    runs = {(run["variant"], run["learning_rate"]): run for run in sent["circles"]["runs"]}
    arrives = {variant: runs[variant, 0.01]["arrives"] for variant in ("none", "before", "after")}
    assert arrives["after"] == 3
    assert 24 <= min(arrives["none"], arrives["before"]) - 3 <= 26
    at_larger = [runs[variant, 0.1]["arrives"] for variant in ("none", "before", "after")]
    assert min(at_larger) == at_larger[0]
    page = (ROOT / "docs" / "studies" / "circles.md").read_text("utf-8")
    for variant, epochs in (("none", 28), ("before", 38.5), ("after", 16)):
        assert re.search(rf"^{variant} +[\d.]+ +{epochs} ", page, re.MULTILINE)
    assert re.search(r"^after:momentum=auto [\d.]+ +3 ", page, re.MULTILINE)


@KERAS_AND_NUMPY
@pytest.mark.parametrize("apart", [2.0, 0.5, 0.06, 0.001])
def test_of_two_numbers_hardly_any_gradient_passes(apart: float) -> None:
    """Against Keras' own layer and its gradient by JAX."""
    import jax
    import keras

    layer = keras.layers.BatchNormalization()
    layer.build((2, 1))
    behind = np.array([[0.7], [-0.4]], np.float32)

    def loss(x: Any) -> Any:
        values = [one.value for one in (layer.gamma, layer.beta)]
        given, _ = layer.stateless_call(
            values, [one.value for one in layer.non_trainable_variables], x, training=True
        )
        return (given * behind).sum()

    x = np.array([[3.0], [3.0 + apart]], np.float32)
    first, second = np.ravel(jax.grad(loss)(x))
    variance, epsilon = (apart / 2) ** 2, 0.001
    if_fixed = behind / np.sqrt(variance + epsilon)
    share = epsilon / (variance + epsilon)
    assert first + second == pytest.approx(0, abs=1e-3)
    assert first - second == pytest.approx(share * float(if_fixed[0, 0] - if_fixed[1, 0]), rel=2e-2)
    assert 1 / np.sqrt(epsilon) == pytest.approx(32, abs=0.5)
