"""What a recording holds is what was trained: against NumPy, and against Keras' own `fit`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from normwise.domain import Variant
from normwise.engine import Replica, stack
from normwise.lesson import record, shipped
from normwise.lesson.grid import CIRCLES, DEEP, SEED, CirclesGrid, DeepGrid
from normwise.lesson.networks import setup_of
from normwise.lesson.numbers import counted, rounded
from normwise.lesson.recording import packed

RATE, DEPTH, BATCH, EPOCHS = 0.1, 2, 64, 2
TINY_DEEP = DeepGrid(
    depths=(DEPTH,), batch_sizes=(BATCH,), learning_rates=(RATE,), momenta=(0.99,), epochs=EPOCHS
)
TINY_CIRCLES = CirclesGrid(
    learning_rates=(0.01,), momenta=(0.5, 0.99), shown=(0, 1, 2), side=5, lag_rate=0.01
)
KERAS_AND_NUMPY = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
pytestmark = KERAS_AND_NUMPY


@pytest.fixture(scope="module")
def told() -> list[tuple[int, int, str]]:
    return []


@pytest.fixture(scope="module")
def tiny(told: list[tuple[int, int, str]]) -> dict[str, Any]:
    """A recording of few runs; that their programs are fast is not worth compiling them well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack, "CPU_OPTIONS", {"xla_backend_optimization_level": 0})
        return record(lambda *step: told.append(step), TINY_DEEP, TINY_CIRCLES)


@pytest.fixture(scope="module")
def sent() -> dict[str, Any]:
    return shipped()


def test_each_program_is_told_before_it_trains(
    tiny: dict[str, Any], told: list[tuple[int, int, str]]
) -> None:
    assert [done for done, *_ in told] == list(range(len(told)))
    assert {of for _, of, _ in told} == {len(told)}
    assert told[-1][-1] == "2 layers, batches of 64, before"
    assert tiny["deep"]["epochs"] == EPOCHS


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def untrained(side: str) -> dict[str, list[float]]:
    """What reaches the sigmoids of the first step, and how they answer, in float64."""
    setup = setup_of("deep-mlp", depth=DEPTH, batch_size=BATCH)
    fit = setup.fit(Variant(), BATCH, DEPTH)
    weights = [np.asarray(w[0], np.float64) for w in fit.begin(Replica(SEED)).trainable]
    x = setup.recipe.dataset.x_train.reshape(setup.recipe.dataset.examples, -1).astype(np.float64)
    found: dict[str, list[float]] = {"mean": [], "deviation": [], "response": []}
    for kernel, bias in zip(weights[0:-2:2], weights[1:-2:2], strict=True):
        sums = x @ kernel + bias
        if side == "with":
            sums = (sums - sums.mean(0)) / np.sqrt(sums.var(0) + 1e-3)
        x = sigmoid(sums)
        followed = np.linspace(0, 31, 16).round().astype(int)
        found["mean"].append(sums.mean())
        found["deviation"].append(sums.std())
        found["response"].append(x[:, followed].std(0).mean())
    return found


@pytest.mark.parametrize("side", ["without", "with"])
def test_before_the_first_step_a_deep_network_is_what_numpy_says(
    tiny: dict[str, Any], side: str
) -> None:
    [run] = tiny["deep"]["runs"]
    for name, values in untrained(side).items():
        assert run[side][name][0] == pytest.approx(values, rel=2e-3, abs=2e-6)
    assert np.sum(run[side]["histogram"][0], axis=1) == pytest.approx([1000] * DEPTH, abs=20)


def test_curves_are_those_of_keras_own_fit(tiny: dict[str, Any]) -> None:
    [run] = tiny["deep"]["runs"]
    setup = setup_of("deep-mlp", depth=DEPTH, batch_size=BATCH, learning_rate=RATE, epochs=EPOCHS)
    replica = Replica(SEED, RATE)
    for side, name in (("without", "none"), ("with", "before")):
        fit = setup.fit(Variant.parse(name), BATCH, DEPTH)
        curves = fit.train(replica, fit.begin(replica), range(EPOCHS)).curves
        own = run[side]
        moving = own["moving"]["0.99"] if side == "with" else own["validation"]
        assert moving["loss"] == pytest.approx(curves["val_loss"], rel=2e-3)
        assert own["training"]["loss"] == pytest.approx(curves["loss"], rel=2e-3)


def test_gradients_and_the_loss_along_the_step_have_all_their_places(tiny: dict[str, Any]) -> None:
    [run] = tiny["deep"]["runs"]
    for side in ("without", "with"):
        assert np.shape(run[side]["gradient"]) == (EPOCHS, DEPTH + 1)
        assert np.shape(run[side]["step_loss"]) == (EPOCHS, len(tiny["deep"]["steps"]))
        assert np.shape(run[side]["histogram"]) == (EPOCHS, DEPTH, 40)
        # Along so short a step the loss falls from where it begins.
        assert run[side]["step_loss"][0][0] < run[side]["start_loss"][0]


def on_square(predict: Any) -> np.ndarray:
    """Predictions of a 5 × 5 square, from its top, in hundredths."""
    along = [-1.5, -0.75, 0.0, 0.75, 1.5]
    points = np.array([[a, b] for b in reversed(along) for a in along], np.float32)
    return 100 * np.asarray(predict(points)).reshape(5, 5)


@pytest.mark.parametrize("momentum", [0.5, 0.99])
def test_with_moving_statistics_circles_are_what_keras_predicts(
    tiny: dict[str, Any], momentum: float
) -> None:
    [run] = [one for one in tiny["circles"]["lag"] if one["momentum"] == momentum]
    fit = setup_of("circles").fit(Variant.parse(f"after:momentum={momentum:g}"), 32)
    replica = Replica(SEED, 0.01)
    state = fit.begin(replica)
    for epoch in range(2):
        state = fit.train(replica, state, range(epoch, epoch + 1), of=100).state
        found = on_square(lambda x: fit.model.predict(x, verbose=0))
        assert run["predicted"][epoch + 1] == pytest.approx(found, abs=0.51)


def test_with_population_statistics_circles_are_what_the_training_part_gives(
    tiny: dict[str, Any],
) -> None:
    """Before the first step, in float64: ReLU, then the statistics of all 500 examples."""
    [run] = [one for one in tiny["circles"]["runs"] if one["variant"] == "after"]
    setup = setup_of("circles")
    begun = setup.fit(Variant(), 32).begin(Replica(SEED))
    kernel, bias, out, end = (np.asarray(one[0], np.float64) for one in begun.trainable)
    hidden = np.maximum(setup.recipe.dataset.x_train.astype(np.float64) @ kernel + bias, 0)

    def predict(x: np.ndarray) -> np.ndarray:
        own = np.maximum(x @ kernel + bias, 0)
        return sigmoid((own - hidden.mean(0)) / np.sqrt(hidden.var(0) + 1e-3) @ out + end)

    assert run["predicted"][0] == pytest.approx(on_square(predict), abs=0.51)


def test_what_is_shipped_is_what_is_trained_again(
    tiny: dict[str, Any], sent: dict[str, Any]
) -> None:
    [run] = tiny["deep"]["runs"]
    [known] = [
        one
        for one in sent["deep"]["runs"]
        if (one["depth"], one["batch_size"], one["learning_rate"]) == (DEPTH, BATCH, RATE)
    ]
    for side in ("without", "with"):
        for name in ("mean", "deviation", "response", "gradient", "step_loss"):
            again = np.array(run[side][name][:EPOCHS])
            assert again == pytest.approx(np.array(known[side][name][:EPOCHS]), rel=5e-3, abs=1e-4)


def test_what_is_shipped_has_every_position_of_every_slider(sent: dict[str, Any]) -> None:
    deep, circles = sent["deep"], sent["circles"]
    points = {(run["depth"], run["batch_size"], run["learning_rate"]) for run in deep["runs"]}
    assert points == {
        (depth, size, rate)
        for depth in DEEP.depths
        for size in DEEP.batch_sizes
        for rate in DEEP.learning_rates
    }
    for run in deep["runs"]:
        assert list(run["with"]["moving"]) == [f"{momentum:g}" for momentum in DEEP.momenta]
        for side in ("without", "with"):
            assert len(run[side]["histogram"]) == len(run[side]["gradient"]) == DEEP.epochs
    assert {(run["variant"], run["learning_rate"]) for run in circles["runs"]} == {
        (variant, rate)
        for variant in ("none", "before", "after")
        for rate in CIRCLES.learning_rates
    }
    assert [run["momentum"] for run in circles["lag"]] == list(CIRCLES.momenta)
    for run in [*circles["runs"], *circles["lag"]]:
        assert np.shape(run["predicted"]) == (len(CIRCLES.shown), CIRCLES.side, CIRCLES.side)
        assert len(run["validation"]["accuracy"]) == CIRCLES.shown[-1]


def test_what_is_shipped_is_small(sent: dict[str, Any]) -> None:
    assert len(packed(sent)) < 2 * 2**20


def test_numbers_that_are_none_are_kept_as_such() -> None:
    assert rounded(np.array([[1.23456, np.inf], [np.nan, -2e-9]])) == [[1.235, None], [None, -2e-9]]
    assert counted(np.array([0.004, np.nan, 1]), 100) == [0, None, 100]
