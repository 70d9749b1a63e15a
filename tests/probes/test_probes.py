"""Each series of each probe, against NumPy's float64 and the definitions in the papers."""

from operator import attrgetter

import by_hand as network
import numpy as np
import pytest

from normwise.probes.activity import EDGES, LEVELS
from normwise.probes.landscape import STEPS

KERNELS = {"first": "w1", "second": "w2", "last": "w3"}
BELOW = {"second": ("w1", "gamma", "beta"), "last": ("w1", "gamma", "beta", "w2", "b2")}


def close(ours, theirs, tolerance=2e-5):
    np.testing.assert_allclose(
        ours, theirs, rtol=tolerance, atol=tolerance * np.max(np.abs(theirs))
    )


def norm(values):
    return np.sqrt(np.sum(np.square(values)))


@pytest.fixture(scope="module")
def here(seen):
    return network.passed(seen.values, seen.batch.x, seen.batch.y)


@pytest.fixture(scope="module")
def step(seen, here):
    """What Keras' momentum adds: m ← 0.9 m − rate · g."""
    return {
        name: network.MOMENTUM * seen.velocity[name] - network.RATE * here.gradient[name]
        for name in network.NAMES
    }


def test_the_gradient_by_hand_is_that_of_finite_differences(seen, here):
    rng = np.random.default_rng(0)
    way = {name: rng.normal(size=one.shape) for name, one in seen.values.items()}
    ends = [
        network.passed(network.moved(seen.values, way, share=h), seen.batch.x, seen.batch.y).loss
        for h in (1e-6, -1e-6)
    ]
    slope = sum(np.sum(way[name] * here.gradient[name]) for name in way)
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(slope, rel=1e-5)


def test_gradients(seen, here, step):
    assert seen.names["layers"] == tuple(KERNELS)
    close(seen.series["gradients/loss"], here.loss)
    kernels = KERNELS.values()
    close(seen.series["gradients/norm"], [norm(here.gradient[name]) for name in kernels])
    close(seen.series["gradients/weight"], [norm(seen.values[name]) for name in kernels])
    update = [norm(step[name]) / norm(seen.values[name]) for name in kernels]
    close(seen.series["gradients/update"], update, 1e-4)


def test_the_step_is_the_one_that_keras_takes(seen, step):
    model = network.model()
    model.optimizer.build(model.trainable_variables)
    for own in ("variables", "optimizer.variables"):
        for mine, theirs in zip(attrgetter(own)(model), attrgetter(own)(seen.model), strict=True):
            mine.assign(np.array(theirs.value))  # training gives its memory away
    model.train_on_batch(seen.batch.x, seen.batch.y)
    after = network.values_of(model)
    for name in network.NAMES:
        close(after[name] - seen.values[name], step[name], 1e-4)


def test_signals_are_named_in_their_order(seen):
    named = list(zip(seen.names["signals"], seen.names["kinds"], strict=True))
    assert named == list(network.passed(seen.values, seen.batch.x, seen.batch.y).signals)


def test_activations(seen):
    signals = network.passed(seen.values, seen.reference, np.zeros(len(seen.reference))).signals
    for row, values in enumerate(signals.values()):
        own = {
            name.split("/")[1]: one[row]
            for name, one in seen.series.items()
            if "activations" in name
        }
        close(own["mean"], values.mean(), 1e-4)
        close(own["deviation"], values.std(), 1e-4)
        # Each unit once: none of these signals has more than 16.
        units = values.shape[1]
        close(own["unit_mean"][:units], values.mean(0), 1e-4)
        close(own["unit_deviation"][:units], values.std(0), 1e-4)
        assert np.isnan(own["unit_mean"][units:]).all()
        assert np.isnan(own["unit_quantiles"][units:]).all()
        # All values are in the sample, some of them once more.
        expected = np.percentile(values, LEVELS)
        assert np.abs(own["quantiles"] - expected).max() < 0.1 * values.std()
        edges = values.mean() + values.std() * EDGES
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        assert np.abs(own["histogram"] - counts / values.size).max() < 0.02
        assert own["histogram"].sum() == pytest.approx(1)


def test_saturated_and_dead_units(seen):
    values = network.passed(seen.values, seen.reference, np.zeros(len(seen.reference))).signals
    rows = {key: row for row, key in enumerate(values)}
    saturated, dead = seen.series["activations/saturated"], seen.series["activations/dead"]
    tanh = values["tanh", "activations"]
    assert saturated[rows["tanh", "activations"]] == pytest.approx(
        np.mean(1 - tanh**2 < 0.05), abs=1e-3
    )
    relu = values["second", "activations"]
    assert 0 < np.mean(relu > 0) < 1
    assert dead[rows["second", "activations"]] == pytest.approx(np.mean(np.all(relu == 0, 0)))
    assert np.isnan(saturated[rows["second", "activations"]])  # it has no bound above
    assert np.isnan(dead[rows["first", "sums"]])


def test_drift_is_the_distance_of_normal_distributions(seen, step):
    """√((μ' − μ)² + (σ' − σ)²) over σ, of the same examples before and after the step."""
    nothing = np.zeros(len(seen.reference))
    before, after = (
        network.passed(values, seen.reference, nothing).signals
        for values in (seen.values, network.moved(seen.values, step))
    )
    for row, key in enumerate(before):
        mean, spread = before[key].mean(0), before[key].std(0)
        one = np.hypot(after[key].mean(0) - mean, after[key].std(0) - spread)
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = np.nanmean(np.where(spread > 0, one / spread, np.nan))
        assert seen.series["shift/drift"][row] == pytest.approx(expected, rel=2e-3, abs=1e-5)


def test_internal_covariate_shift_of_santurkar(seen, here, step):
    """Definition 2.1: a layer's gradient with the layers below as they are, and after the step."""
    assert seen.names["shifted"] == tuple(BELOW)
    for row, (layer, below) in enumerate(BELOW.items()):
        moved = network.moved(seen.values, step, below)
        there = network.passed(moved, seen.batch.x, seen.batch.y).gradient[KERNELS[layer]]
        first = here.gradient[KERNELS[layer]]
        assert seen.series["shift/distance"][row] == pytest.approx(norm(there - first), rel=1e-3)
        assert seen.series["shift/relative"][row] == pytest.approx(
            norm(there - first) / norm(first), rel=1e-3
        )
        cosine = np.sum(there * first) / norm(there) / norm(first)
        assert seen.series["shift/cosine"][row] == pytest.approx(cosine, abs=1e-5)


def test_landscape(seen, here, step):
    first = network.flat(here.gradient)
    for column, share in enumerate(STEPS):
        there = network.passed(
            network.moved(seen.values, step, share=share), seen.batch.x, seen.batch.y
        )
        distance = norm(network.flat(there.gradient) - first)
        gone = share * norm(network.flat(step))
        close(seen.series["landscape/loss"][column], there.loss)
        close(seen.series["landscape/gradient_distance"][column], distance, 1e-3)
        close(seen.series["landscape/smoothness"][column], distance / gone, 1e-3)


def test_statistics(seen):
    nothing = np.zeros(len(seen.reference))
    population = network.passed(seen.values, seen.reference, nothing)
    spread = np.sqrt(population.batch_variance + network.EPSILON)
    norm_layer = seen.model.get_layer("norm")
    mean, variance = (
        np.asarray(one.value, np.float64)
        for one in (norm_layer.moving_mean, norm_layer.moving_variance)
    )
    close(
        seen.series["statistics/mean_lag"],
        [np.mean(np.abs(mean - population.batch_mean) / spread)],
        1e-4,
    )
    ratio = (variance + network.EPSILON) / spread**2
    close(seen.series["statistics/variance_ratio"], [np.exp(np.mean(np.log(ratio)))], 1e-4)
    zeros = np.zeros(seen.batches.shape[1])
    passes = [network.passed(seen.values, batch, zeros) for batch in seen.batches]
    means = np.stack([one.batch_mean for one in passes])
    deviations = np.sqrt([one.batch_variance for one in passes])
    close(seen.series["statistics/mean_noise"], [np.mean(means.std(0, ddof=1) / spread)], 1e-4)
    close(
        seen.series["statistics/deviation_noise"],
        [np.mean(deviations.std(0, ddof=1) / spread)],
        1e-4,
    )
    units = np.linspace(0, 5, 16).round().astype(int)
    close(seen.series["statistics/gamma"][0], seen.values["gamma"][units])
    close(seen.series["statistics/beta"][0], seen.values["beta"][units])
