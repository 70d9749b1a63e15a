"""What a recording holds is what was trained: against NumPy, and against Keras' own `fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normwise import Study
from normwise.domain import Variant
from normwise.engine import Replica, stack
from normwise.lesson import circles, deep, record, shipped
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
GRIDS: dict[str, Any] = {"deep": TINY_DEEP, "circles": TINY_CIRCLES}
KERAS_AND_NUMPY = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
pytestmark = KERAS_AND_NUMPY


@pytest.fixture(scope="module")
def sent() -> dict[str, Any]:
    return shipped()


@pytest.fixture(autouse=True)
def _compiled_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """That programs are fast is not worth compiling them well."""
    monkeypatch.setattr(stack, "CPU_OPTIONS", {"xla_backend_optimization_level": 0})


def test_each_program_is_told_before_it_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int, str]] = []
    for module, made in ((deep, "deep"), (circles, "circles")):
        programs = [f"{made} {n}" for n in range(getattr(module, f"{made}_programs")(GRIDS[made]))]

        def recorded(_: Any, tell: Any, names: list[str] = programs) -> dict[str, Any]:
            return {"programs": [tell(name) for name in names]}

        monkeypatch.setattr(module, f"record_{made}", recorded)
    made = record(lambda *step: told.append(step), **GRIDS)
    assert [done for done, *_ in told] == list(range(len(told)))
    assert {of for _, of, _ in told} == {len(told)}
    assert set(made) == {"environment", "deep", "circles"}


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


# One test, since the programs compile for some seconds and the tests have two processes.
def test_a_deep_network_is_recorded_as_it_trains(sent: dict[str, Any]) -> None:
    told: list[str] = []
    [run] = deep.record_deep(TINY_DEEP, told.append)["runs"]
    assert told == [f"2 layers, batches of 64, {name}" for name in ("none", "before")]
    assert len(told) == deep.deep_programs(TINY_DEEP)
    for side, name in (("without", "none"), ("with", "before")):
        begins_as_numpy_says(run[side], side)
        trains_as_keras_fit(run[side], name)
        has_all_its_places(run[side])
        is_what_is_shipped(run[side], side, sent)


def begins_as_numpy_says(own: dict[str, Any], side: str) -> None:
    for name, values in untrained(side).items():
        assert own[name][0] == pytest.approx(values, rel=2e-3, abs=2e-6)
    assert np.sum(own["histogram"][0], axis=1) == pytest.approx([1000] * DEPTH, abs=20)


def trains_as_keras_fit(own: dict[str, Any], variant: str) -> None:
    setup = setup_of("deep-mlp", depth=DEPTH, batch_size=BATCH, learning_rate=RATE, epochs=EPOCHS)
    replica = Replica(SEED, RATE)
    fit = setup.fit(Variant.parse(variant), BATCH, DEPTH)
    curves = fit.train(replica, fit.begin(replica), range(EPOCHS)).curves
    moving = own["moving"]["0.99"] if "moving" in own else own["validation"]
    assert moving["loss"] == pytest.approx(curves["val_loss"], rel=2e-3)
    assert own["training"]["loss"] == pytest.approx(curves["loss"], rel=2e-3)


def has_all_its_places(own: dict[str, Any]) -> None:
    assert np.shape(own["gradient"]) == (EPOCHS, DEPTH + 1)
    assert np.shape(own["step_loss"]) == (EPOCHS, 7)
    assert np.shape(own["histogram"]) == (EPOCHS, DEPTH, 40)
    # Along so short a step the loss falls from where it begins.
    assert own["step_loss"][0][0] < own["start_loss"][0]


def is_what_is_shipped(own: dict[str, Any], side: str, sent: dict[str, Any]) -> None:
    [known] = [
        run[side]
        for run in sent["deep"]["runs"]
        if (run["depth"], run["batch_size"], run["learning_rate"]) == (DEPTH, BATCH, RATE)
    ]
    for name in ("mean", "deviation", "response", "gradient", "step_loss"):
        again = np.array(known[name][:EPOCHS])
        assert np.array(own[name]) == pytest.approx(again, rel=5e-3, abs=1e-4)


def on_square(predict: Any) -> np.ndarray:
    """Predictions of a 5 × 5 square, from its top, in hundredths."""
    along = [-1.5, -0.75, 0.0, 0.75, 1.5]
    points = np.array([[a, b] for b in reversed(along) for a in along], np.float32)
    return 100 * np.asarray(predict(points)).reshape(5, 5)


def test_circles_are_recorded_as_they_train() -> None:
    told: list[str] = []
    found = circles.record_circles(TINY_CIRCLES, told.append)
    assert len(told) == circles.circles_programs(TINY_CIRCLES)
    for run in found["lag"]:
        predicts_as_keras(run)
    [begun] = [run["predicted"][0] for run in found["runs"] if run["variant"] == "after"]
    assert begun == pytest.approx(on_square(untrained_circles()), abs=0.51)


def predicts_as_keras(run: dict[str, Any]) -> None:
    """With moving statistics, after each of two epochs of Keras' own `fit`."""
    fit = setup_of("circles").fit(Variant.parse(f"after:momentum={run['momentum']:g}"), 32)
    replica = Replica(SEED, 0.01)
    state = fit.begin(replica)
    for epoch in range(2):
        state = fit.train(replica, state, range(epoch, epoch + 1), of=100).state
        found = on_square(lambda x: fit.model.predict(x, verbose=0))
        assert run["predicted"][epoch + 1] == pytest.approx(found, abs=0.51)


def test_the_command_that_the_page_prints_gives_the_figures_that_it_shows(
    sent: dict[str, Any], tmp_path: Path
) -> None:
    """Epochs to the target and ends by moving statistics, and what was learned by population's."""
    runs = {run["variant"]: run for run in sent["circles"]["runs"] if run["learning_rate"] == 0.01}
    study = Study("circles", learning_rate=0.01, seeds=1, variants=["none", "after"])
    found = study.run(out=tmp_path / "run").summary()["variants"]
    assert {one["name"] for one in found} == {"none", "after"}
    for one in found:
        run = runs[one["name"]]
        moving = run.get("moving", run)
        assert one["epochs_to_target"]["median"] == moving["arrives"]
        assert "lag" not in one or one["lag"]["learned"]["value"] == run["arrives"]
        end = moving["validation"]["accuracy"][-1]
        assert one["final"]["val_accuracy"]["mean"] == pytest.approx(end, abs=0.0021)


def untrained_circles() -> Any:
    """The network before its first step, in float64: ReLU, then the statistics of all examples."""
    setup = setup_of("circles")
    begun = setup.fit(Variant(), 32).begin(Replica(SEED))
    kernel, bias, out, end = (np.asarray(one[0], np.float64) for one in begun.trainable)
    hidden = np.maximum(setup.recipe.dataset.x_train.astype(np.float64) @ kernel + bias, 0)

    def predict(x: np.ndarray) -> np.ndarray:
        own = np.maximum(x @ kernel + bias, 0)
        return sigmoid((own - hidden.mean(0)) / np.sqrt(hidden.var(0) + 1e-3) @ out + end)

    return predict


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
    assert circles["target"] == 0.8
    for run in circles["runs"]:
        assert ("moving" in run) == (run["variant"] != "none")
    for run in [*circles["runs"], *circles["lag"]]:
        assert np.shape(run["predicted"]) == (len(CIRCLES.shown), CIRCLES.side, CIRCLES.side)
        assert len(run["validation"]["accuracy"]) == CIRCLES.shown[-1]


def test_what_is_shipped_is_small(sent: dict[str, Any]) -> None:
    assert len(packed(sent)) < 2 * 2**20


def test_numbers_that_are_none_are_kept_as_such() -> None:
    assert rounded(np.array([[1.23456, np.inf], [np.nan, -2e-9]])) == [[1.235, None], [None, -2e-9]]
    assert counted(np.array([0.004, np.nan, 1]), 100) == [0, None, 100]
