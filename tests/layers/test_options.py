"""What the layer has and Keras' has not, against NumPy in float64."""

import jax
import keras
import numpy as np
import pytest

from normwise.errors import LayerError
from normwise.layers import PAPER_SCHEDULE, BatchNormalization
from normwise.layers.renormalisation import bounds

# Keras 3.15's `get_weights` and `save` under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EPSILON = 1e-3
RNG = np.random.default_rng(0)
# Batches whose moments differ, and each a channel of its own kind.
BATCHES = (RNG.normal(size=(4, 10, 3)) * [1, 5, 0.1] + RNG.normal(size=(4, 1, 3))).astype("float32")


def normal(x, mean, variance):
    return (x.astype(float) - mean) / np.sqrt(variance + EPSILON)


def moments(x, mask=None):
    kept = x.reshape(-1, x.shape[-1]).astype(float)
    kept = kept if mask is None else kept[mask.ravel()]
    return kept.mean(0), kept.var(0)


def train(layer, *batches, **options):
    return [np.asarray(layer(batch, training=True, **options)) for batch in batches]


def variables(layer):
    return {variable.name: np.asarray(variable) for variable in layer.variables}


def test_without_momentum_the_statistics_are_the_average_over_all_batches():
    layer = BatchNormalization(momentum=None, moving_mean_initializer="ones")
    for number in range(1, len(BATCHES) + 1):
        train(layer, BATCHES[number - 1])
        means, found = zip(*map(moments, BATCHES[:number]), strict=True)
        np.testing.assert_allclose(layer.moving_mean, np.mean(means, 0), rtol=1e-5)
        np.testing.assert_allclose(layer.moving_variance, np.mean(found, 0), rtol=1e-5)
    layer(BATCHES[0], training=False)
    assert int(layer.steps) == len(BATCHES)


def test_the_average_of_batches_goes_on_where_it_stood_in_a_file(tmp_path):
    model = keras.Sequential([keras.Input((3,)), BatchNormalization(momentum=None)])
    train(model, *BATCHES[:2])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    train(loaded, *BATCHES[2:])
    means, found = zip(*map(moments, BATCHES), strict=True)
    np.testing.assert_allclose(loaded.layers[0].moving_mean, np.mean(means, 0), rtol=1e-5)
    np.testing.assert_allclose(loaded.layers[0].moving_variance, np.mean(found, 0), rtol=1e-5)


def test_the_average_counts_deviations_where_renorm_keeps_those():
    layer = BatchNormalization(momentum=None, renorm=True)
    train(layer, *BATCHES)
    deviations = [np.sqrt(moments(batch)[1] + EPSILON) for batch in BATCHES]
    expected = np.mean(deviations, 0)
    np.testing.assert_allclose(layer.moving_stddev, expected, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, expected**2 - EPSILON, rtol=1e-4)


@pytest.mark.parametrize(
    ("steps", "rmax", "dmax"),
    [(0, 1, 0), (5_000, 1, 0), (15_000, 1 + 2 * 10 / 35, 2.5), (25_000, 1 + 2 * 20 / 35, 5),
     (40_000, 3, 5), (10**6, 3, 5)],
)  # fmt: skip
def test_the_papers_schedule_is_the_papers(steps, rmax, dmax):
    low, high, far = bounds(None, PAPER_SCHEDULE, steps)
    np.testing.assert_allclose([low, high, far], [1 / rmax, rmax, dmax], rtol=1e-6)


def renormed(x, steps, reference, schedule=(2, 6, 4), rmax=3.0, dmax=5.0, mask=None):
    """The paper's algorithm 1, with its clips."""
    mean, variance = moments(x, mask)
    deviation = np.sqrt(variance + EPSILON)
    begin, r_open, d_open = schedule
    rmax = 1 + (rmax - 1) * np.clip((steps - begin) / (r_open - begin), 0, 1)
    dmax = dmax * np.clip((steps - begin) / (d_open - begin), 0, 1)
    r = np.clip(deviation / reference["renorm_stddev"], 1 / rmax, rmax)
    d = (mean - reference["renorm_mean"]) / reference["renorm_stddev"]
    return normal(x, mean, variance) * r + np.clip(d, -dmax, dmax)


@pytest.mark.parametrize("mask", [None, RNG.random((10, 1)) < 0.6], ids=["all", "masked"])
def test_clips_open_as_scheduled(mask):
    layer = BatchNormalization(renorm=True, renorm_schedule=(2, 6, 4), renorm_momentum=0.7)
    batches = np.concatenate([BATCHES, BATCHES])[:, :, None]
    for steps, batch in enumerate(batches):
        if not layer.built:
            layer.build(batch.shape)
        reference = variables(layer)
        expected = renormed(batch, steps, reference, mask=mask)
        [y] = train(layer, batch, mask=mask)
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
        mean, variance = moments(batch, mask)
        for name, value in (("mean", mean), ("stddev", np.sqrt(variance + EPSILON))):
            moved = 0.7 * reference[f"renorm_{name}"] + 0.3 * value
            np.testing.assert_allclose(variables(layer)[f"renorm_{name}"], moved, rtol=1e-5)


def test_a_schedule_opens_to_the_clips_that_are_given():
    _, rmax, dmax = bounds({"rmax": 1.5, "dmax": None}, PAPER_SCHEDULE, 10**6)
    assert (float(rmax), float(dmax)) == (1.5, 5.0)


def test_renormalisation_before_its_clips_open_is_batch_normalisation():
    layers = [BatchNormalization(renorm=True, renorm_schedule=(9, 20, 20)), BatchNormalization()]
    for batch in BATCHES:
        renorm, plain = (train(layer, batch)[0] for layer in layers)
        np.testing.assert_allclose(renorm, plain, rtol=1e-6, atol=1e-6)


def test_renormalisation_without_clips_normalises_by_the_moving_statistics():
    layer = BatchNormalization(renorm=True, renorm_momentum=0.5)
    train(layer, *BATCHES[:2])
    reference = variables(layer)
    [y] = train(layer, BATCHES[2])
    expected = (BATCHES[2] - reference["renorm_mean"]) / reference["renorm_stddev"]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_inference_of_renormalisation_is_that_of_batch_normalisation():
    layer = BatchNormalization(renorm=True, renorm_schedule=PAPER_SCHEDULE, momentum=0.5)
    train(layer, *BATCHES)
    expected = normal(BATCHES[0], np.asarray(layer.moving_mean), np.asarray(layer.moving_variance))
    np.testing.assert_allclose(layer(BATCHES[0]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("examples", [4, 5, 7, 8, 9, 11, 3, 1])
@pytest.mark.parametrize("masked", [False, True])
def test_ghost_batches_are_each_normalised_alone(examples, masked):
    # 4, 4 and 3 of 11 would be slices, too; here the last takes the remainder.
    cuts = {4: [4], 5: [5], 7: [7], 8: [4, 4], 9: [4, 5], 11: [4, 7], 3: [3], 1: [1]}[examples]
    rng = np.random.default_rng(examples)
    x = rng.normal(2, 3, (examples, 6, 2)).astype("float32")
    mask = rng.random((examples, 6)) < 0.7 if masked else np.ones((examples, 6), bool)
    layer = BatchNormalization(virtual_batch_size=4, momentum=0.0)
    [y] = train(layer, x, mask=mask if masked else None)
    edges = np.cumsum(cuts)[:-1]
    parts = list(zip(np.split(x, edges), np.split(mask, edges), strict=True))
    found = [moments(*part) for part in parts]
    expected = [normal(part, *of) for (part, _), of in zip(parts, found, strict=True)]
    np.testing.assert_allclose(y, np.concatenate(expected), rtol=1e-4, atol=1e-4)
    counts = [kept.sum() for _, kept in parts]
    for variable, values in zip(
        layer.non_trainable_variables, zip(*found, strict=True), strict=True
    ):
        np.testing.assert_allclose(variable, np.average(values, 0, counts), rtol=1e-5)


def test_gradients_of_ghost_batches_are_those_of_the_slices():
    layers = BatchNormalization(virtual_batch_size=4), keras.layers.BatchNormalization()
    x, d = (RNG.normal(size=(11, 3)).astype("float32") for _ in range(2))
    for layer in layers:
        layer.build(x.shape)
    state = [v.value for v in layers[1].non_trainable_variables]

    def loss(layer):
        def of(weights, x, d):
            return (layer.stateless_call(weights, state, x, training=True)[0] * d).sum()

        return jax.jit(jax.grad(of, argnums=(0, 1)))

    weights = [np.array([1.0, 2.0, 3.0], "float32"), np.ones(3, "float32")]
    (dgamma, dbeta), dx = loss(layers[0])(weights, x, d)
    slices = [loss(layers[1])(weights, x[rows], d[rows]) for rows in (slice(4), slice(4, 11))]
    np.testing.assert_allclose(dx, np.concatenate([part[1] for part in slices]), atol=1e-5)
    np.testing.assert_allclose(dgamma, sum(part[0][0] for part in slices), rtol=1e-4)
    np.testing.assert_allclose(dbeta, sum(part[0][1] for part in slices), rtol=1e-4)


def test_one_slice_is_plain_batch_normalisation():
    [y], [expected] = (
        train(layer, BATCHES[0])
        for layer in (BatchNormalization(virtual_batch_size=10), keras.layers.BatchNormalization())
    )
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


OPTIONS = [
    {"momentum": None},
    {"renorm": True, "renorm_schedule": PAPER_SCHEDULE},
    {
        "renorm": True,
        "momentum": None,
        "renorm_schedule": (0, 1, 1),
        "renorm_clipping": {"rmax": 2.0},
    },
    {"virtual_batch_size": 4, "axis": 1},
    {"axis_name": "data"},
    {"synchronized": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_option_survives_a_file(options, tmp_path):
    layer = BatchNormalization(name="norm", **options)
    assert BatchNormalization.from_config(layer.get_config()).get_config() == layer.get_config()
    model = keras.Sequential([keras.Input((3,)), layer])
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(1, 2, w.shape).astype(w.dtype) for w in model.get_weights()])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].get_config() == layer.get_config()
    for name, value in variables(layer).items():
        np.testing.assert_array_equal(variables(loaded.layers[0])[name], value)


@pytest.mark.parametrize("settings", [{}, {"renorm": True, "momentum": 0.5, "axis": 1}], ids=str)
def test_weights_and_configuration_are_interchangeable_with_keras(settings, tmp_path):
    theirs = keras.layers.BatchNormalization(name="norm", **settings)
    model = keras.Sequential([keras.Input((4, 3)), theirs])
    train(model, RNG.normal(size=(5, 4, 3)).astype("float32"))
    ours = BatchNormalization.from_config(theirs.get_config())
    assert ours.get_config() == theirs.get_config()
    assert keras.layers.BatchNormalization.from_config(ours.get_config())
    mine = keras.Sequential([keras.Input((4, 3)), ours])
    model.save(tmp_path / "theirs.keras")
    mine.load_weights(tmp_path / "theirs.keras")
    for name, value in variables(theirs).items():
        np.testing.assert_array_equal(variables(ours)[name], value)
    x = RNG.normal(size=(2, 4, 3)).astype("float32")
    np.testing.assert_array_equal(mine(x), model(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"renorm_schedule": PAPER_SCHEDULE},
            "renorm_schedule without renorm; .*; try renorm=True",
        ),
        ({"renorm": True, "renorm_schedule": (5, 4, 9)}, "=\\(5, 4, 9\\); expected .* the fewest;"),
        ({"renorm": True, "renorm_schedule": (1, 2)}, "renorm_schedule=\\(1, 2\\); expected"),
        (
            {"renorm": True, "renorm_schedule": (1, 2, 3), "renorm_clipping": {"rmin": 0.1}},
            "rmin is its inverse; expected no rmin",
        ),
        (
            {"renorm": True, "renorm_schedule": (1, 2, 3), "renorm_clipping": {"rmax": 0.5}},
            "an rmax of at least 1; try",
        ),
        ({"momentum": 99}, "momentum=99, the weight of the old .* from 0 to 1; try momentum=0.99"),
        ({"momentum": -0.1}, "momentum=-0.1, .* expected a number from 0 to 1"),
        ({"momentum": float("nan")}, "momentum=nan, .* expected a number from 0 to 1"),
        ({"renorm": True, "renorm_momentum": 1.5}, "renorm_momentum=1.5, .* from 0 to 1"),
        ({"virtual_batch_size": 1}, "virtual_batch_size=1; expected .* at least 2"),
        ({"virtual_batch_size": 2.5}, "virtual_batch_size=2.5; expected a whole number"),
        ({"virtual_batch_size": 4, "renorm": True}, "beside renorm=True.*; try renorm=False"),
        ({"virtual_batch_size": 4, "axis_name": "i"}, "beside axis_name='i'.*try axis_name=None"),
        ({"virtual_batch_size": 4, "synchronized": True}, "beside synchronized=True"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    for kind in (LayerError, ValueError):
        with pytest.raises(kind, match=message):
            BatchNormalization(**options)


def test_ghost_batches_of_channels_are_refused():
    with pytest.raises(LayerError, match=r"channels along axis 0 of 2, .*; try axis=-1"):
        BatchNormalization(virtual_batch_size=4, axis=0).build((8, 3))
