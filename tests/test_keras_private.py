"""Private parts of Keras: one file touches them, and each does what Keras shows publicly.

Where a test of a single function fails after an update, Keras has moved that part:
`src/normwise/keras_private.py` is the one file to change.
"""

import ast
import importlib
import inspect
from collections import namedtuple
from pathlib import Path

import jax
import keras
import numpy as np
import pytest
from keras import layers

import normwise
from normwise import keras_private as private
from normwise.errors import BackendError

ROOT = Path(normwise.__file__).parent
ALLOWED = ROOT / "keras_private.py"
FILES = sorted(set(ROOT.rglob("*.py")) - {ALLOWED})
# Python documents these, as of every named tuple, and `os._exit`.
TUPLE = {name for name in dir(namedtuple("Any", "")) if not name.startswith("__")}  # noqa: PYI024
DOCUMENTED = {*TUPLE, "_exit"}


# --- one file touches them -----------------------------------------------------------------------


def is_private(name):
    return name.startswith("_") and not name.startswith("__") and name != "_"


def names_of(tree):
    """What a file gives a name to: functions, classes, variables, attributes of its objects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield from [node.attr] if ast.unparse(node.value) == "self" else []


def touches(tree, own):
    """The private parts of others that a file touches: all that nothing of `own` is called."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if is_private(name) and name not in own | DOCUMENTED:
                yield name
            case ast.Call(
                func=ast.Name(id="getattr" | "hasattr" | "setattr" | "delattr"),
                args=[_, ast.Constant(value=str(name)), *_],
            ) if is_private(name) and name not in own:
                yield name
            case ast.ImportFrom(module=str(name)) | ast.alias(name=name) if "keras.src" in name:
                yield name
            # A class or function told apart by the module that Keras happens to keep it in.
            case ast.Constant(value=str(text)) if text == "keras." or "keras.src" in text:
                yield text


def parsed(path):
    return ast.parse(path.read_text("utf-8"))


def part_of(path):
    return path.relative_to(ROOT).parts[0]


@pytest.fixture(scope="module")
def own():
    """The names of our own, by the folder that they stand in."""
    found = {}
    for path in FILES:
        found.setdefault(part_of(path), set()).update(names_of(parsed(path)))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_other_file_touches_a_private_part(path, own):
    assert list(touches(parsed(path), own[part_of(path)])) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("layers = model._flatten_layers()", ["_flatten_layers"]),
        ("self.axes = tuple(self._reduction_axes)", ["_reduction_axes"]),
        ("optimizer._learning_rate = 0.0", ["_learning_rate"]),
        ("x = getattr(loss, '_fn_kwargs', {})", ["_fn_kwargs"]),
        ("from keras.src.models import functional", ["keras.src.models"]),
        ("import keras.src.ops as ops", ["keras.src.ops"]),
        ("own = kind.__module__.startswith(('keras.', 'jax.'))", ["keras."]),
        ("x = self._own(model._replace(a=1).layers, '_name', keras.layers.Dense)", []),
    ],
)
def test_the_check_sees_what_is_planted(line, found):
    assert list(touches(ast.parse(line), {"_own"})) == found


def our_layers():
    for path in FILES:
        module = importlib.import_module(
            ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        )
        for kind in vars(module).values():
            if inspect.isclass(kind) and kind.__module__ == module.__name__:
                yield kind, [base for base in kind.__mro__ if private.is_keras_own(base)]


def test_our_classes_override_no_private_part():
    overridden = [
        f"{kind.__name__}.{name}"
        for kind, bases in our_layers()
        for name in filter(is_private, vars(kind))
        if any(name in vars(base) for base in bases)
    ]
    assert overridden == []
    assert any(bases for _, bases in our_layers())


def test_the_file_itself_touches_them():
    assert set(touches(parsed(ALLOWED), set(names_of(parsed(ALLOWED))))) >= {"keras.src.ops."}


# --- whose code something is ---------------------------------------------------------------------


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.inside = layers.Dense(1, activation=lambda x: x)

    def call(self, inputs):
        return self.inside(inputs)


def test_keras_own_code_is_told_from_the_user_s():
    keras_own = [layers.Dense, keras.activations.relu, keras.losses.MeanSquaredError(), keras.Model]
    assert all(map(private.is_keras_own, keras_own))
    assert not any(map(private.is_keras_own, [Own, Own(), lambda x: x, np.mean]))


def exported(test):
    """The public names of the layers for which a test of kinds is true."""
    kinds = {name: kind for name, kind in vars(layers).items() if inspect.isclass(kind)}
    return {name for name, kind in kinds.items() if test(object.__new__(kind))}


def named(*parts):
    return {name for name in vars(layers) if any(part in name for part in parts)}


def test_pooling_and_regularisation_are_told_by_their_public_names():
    assert exported(private.is_pooling) == named("Pool")
    assert exported(private.is_regularization) == named(
        "Dropout", "Noise", "ActivityRegularization"
    )


def test_augmentation_is_preprocessing_and_no_layer_with_weights_is():
    augmentation, prepares = exported(private.is_augmentation), exported(private.is_preprocessing)
    assert named("Random", "MixUp", "CutMix", "CenterCrop", "Resizing") <= augmentation < prepares
    assert {"Rescaling", "Normalization", "StringLookup"} <= prepares - augmentation
    assert not prepares & named("Dense", "Conv", "Pool", "Embedding", "BatchNormalization", "GRU")


# `result_type` and the like give no tensor; these take one and give one.
@pytest.mark.parametrize("name", ["relu", "add", "layer_normalization", "reshape", "mean", "exp"])
def test_what_a_function_of_ops_leaves_in_a_graph_is_an_operation(name):
    x = keras.Input((2, 3))
    more = {"add": [x], "reshape": [(-1, 6)]}.get(name, [])
    assert private.is_operation(private.operation_behind(getattr(keras.ops, name)(x, *more)))
    assert not private.is_operation(private.operation_behind(layers.ReLU()(x)))


# --- layers --------------------------------------------------------------------------------------


def nested():
    """A model in which layers stand in a model, in a wrapper and in a layer of the user's."""
    inner = keras.Sequential([keras.Input((2,)), layers.Dense(2, name="inner")], name="model")
    own = Own()
    own.name, own.inside.name = "own", "inside"
    wrapped = layers.TimeDistributed(layers.Dense(2, name="wrapped"), name="wrapper")
    x = keras.Input((3, 2), name="input")
    flat = layers.Flatten(name="flat")(wrapped(x))
    return keras.Model(x, own(inner(layers.Dense(2, name="first")(flat))), name="all")


def test_every_layer_is_found_however_deep():
    model = nested()
    names = [layer.name for layer in private.every_layer(model)]
    inside = ["input", "wrapper", "wrapped", "flat", "first", "model", "inner", "own", "inside"]
    assert names[0] == "all"
    assert {*inside} <= {*names[1:]}
    assert names.index("wrapper") < names.index("wrapped")
    assert [layer.name for layer in private.every_layer(model, itself=False)] == names[1:]
    held = {id(variable) for layer in private.every_layer(model) for variable in layer.variables}
    assert held == {id(variable) for variable in model.variables}


def test_direct_sublayers_are_those_of_one_level():
    model = nested()
    assert private.direct_sublayers(model) == model.layers
    assert private.direct_sublayers(model.get_layer("own")) == [model.get_layer("own").inside]


def test_a_layer_s_constructor_arguments_are_those_that_it_was_made_with():
    layer = layers.RandomShear(0.5, y_factor=0.25, name="shear")
    arguments = private.constructor_arguments(layer)
    assert {"x_factor": 0.5, "y_factor": 0.25}.items() <= arguments.items()
    assert layers.RandomShear(**arguments, name="shear").get_config() == layer.get_config()


@pytest.mark.parametrize("shape", [None, (2,), lambda shape: shape])
def test_a_lambda_s_output_shape_is_what_it_was_made_with(shape):
    assert private.lambda_output_shape(layers.Lambda(abs, output_shape=shape)) == shape


def test_axes_of_an_equation_are_those_that_scale_what_keras_draws():
    draw = keras.initializers.GlorotUniform(seed=3)
    if "input_axes" not in draw.get_config():
        pytest.skip(f"Keras {keras.__version__} does not scale by them")
    layer = layers.EinsumDense("abc,cde->abde", (5, 4, 6), kernel_initializer=draw)
    layer.build((None, 5, 7))
    summed, given = private.equation_axes(layer)
    again = keras.initializers.GlorotUniform(seed=3, input_axes=summed, output_axes=given)
    np.testing.assert_array_equal(layer.kernel, again((7, 4, 6)))
    assert np.any(layer.kernel.value != draw((7, 4, 6)))


@pytest.mark.parametrize("masked", [False, True])
def test_moments_of_a_batch_are_those_of_numpy(masked):
    x = np.random.default_rng(0).normal(2, 3, (4, 5, 3)).astype("float32")
    mask = np.random.default_rng(1).random((4, 5)) < 0.6 if masked else None
    layer = layers.BatchNormalization()
    layer.build(x.shape)
    counted = (x[mask] if masked else x.reshape(-1, 3)).astype("float64")
    mean, variance = private.batch_moments(layer, x, mask)
    np.testing.assert_allclose(mean, counted.mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, counted.var(0), rtol=1e-5)


# --- the graph of a model ------------------------------------------------------------------------


def test_a_mask_travels_with_what_a_layer_gives():
    layer, tokens = layers.Embedding(5, 2, mask_zero=True), np.array([[1, 0], [3, 4]])
    expected = np.asarray(layer.compute_mask(tokens))
    np.testing.assert_array_equal(np.asarray(private.mask_of(layer(tokens))), expected)
    assert private.mask_of(layers.Dense(2)(np.ones((1, 3)))) is None


def test_calls_show_each_use_of_a_shared_layer_with_its_arguments():
    x = keras.Input((2,), name="x")
    shared = layers.Dense(2, name="shared")
    once = shared(x)
    end = layers.Add(name="end")([once, shared(once)])
    dropped = layers.Dropout(0.5, name="drop")(end, training=True)
    calls = private.calls_in_order(keras.Model(x, dropped))
    assert [call.operation.name for call in calls] == ["x", "shared", "shared", "end", "drop"]
    assert [call.is_input for call in calls] == [True, False, False, False, False]
    assert calls[1].input_tensors[0] is x
    assert calls[1].outputs[0] is once
    assert calls[4].arguments.kwargs == {"training": True}
    assert calls[4].arguments.args[0] is end
    args, kwargs = calls[4].arguments.fill_in({id(end): 7})
    assert (args, kwargs) == ((7,), {"training": True})


def test_a_sequential_holds_its_graph_once_it_is_built():
    model = keras.Sequential([layers.Dense(1), layers.ReLU()])
    assert private.functional_inside(model) is None
    model.build((None, 2))
    inside = private.functional_inside(model)
    x = np.ones((3, 2), "float32")
    np.testing.assert_array_equal(inside(x), model(x))
    assert [call.operation for call in private.calls_in_order(inside)][1:] == model.layers


# --- what a model was compiled with --------------------------------------------------------------


def own_loss(labels, outputs):
    return keras.ops.mean((labels - outputs) ** 2, axis=-1)


def compiled(**options):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile(**options)
    return model


X, Y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")


def test_what_compile_was_given_comes_back_as_it_is():
    weighted = keras.metrics.MeanAbsoluteError()
    given = {
        "loss": own_loss,
        "loss_weights": 2.0,
        "metrics": ["mae"],
        "weighted_metrics": [weighted],
    }
    model = compiled(optimizer="sgd", **given)
    found = private.compile_arguments(model)
    assert found["loss"] is own_loss
    assert {name: found[name] for name in given} == given
    assert found["optimizer"] is model.optimizer
    assert {private.compile_arguments(compiled())[name] for name in given} == {None}


def test_a_second_compile_keeps_the_loss_and_the_metrics_of_the_first():
    model = compiled(loss="mse", metrics=["mae"])
    model.compile("sgd")
    found = private.compile_arguments(model)
    assert (found["loss"], found["metrics"]) == ("mse", ["mae"])
    assert model.evaluate(X, Y, verbose=0) == pytest.approx([4, 2])


def test_the_losses_of_outputs_are_named_as_evaluate_names_them():
    x = keras.Input((2,))
    model = keras.Model(x, {name: layers.Dense(1, name=name)(x) for name in "ab"})
    model.compile(loss={"a": "mse", "b": "mae"})
    found = model.evaluate(X, {"a": Y, "b": Y}, verbose=0, return_dict=True)
    assert {f"{one.name}" for one in private.compiled_losses(model).metrics} == {*found} - {"loss"}
    single = compiled(loss="mse")
    single.evaluate(X, Y, verbose=0)
    assert private.compiled_losses(single).metrics == []
    assert private.compiled_losses(compiled()) is None


def test_building_gives_the_metrics_that_evaluate_shows():
    model = compiled(loss="mse", metrics=["mae"])
    private.build_compiled(model, (X, Y))
    metric = private.compiled_metrics(model)
    start = [variable.value for variable in metric.variables]
    result = metric.stateless_result(metric.stateless_update_state(start, Y, model(X)))
    shown = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert {name: float(value) for name, value in result.items()} == {"mae": shown["mae"]}
    assert private.compiled_metrics(compiled(loss="mse")) is None


def test_a_wrapped_function_and_its_options_are_the_user_s():
    metric = keras.metrics.MeanMetricWrapper(own_loss, "own", scale=2)
    assert private.wrapped_function(metric) == (own_loss, {"scale": 2})


def test_a_loss_tells_its_options():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=9, axis=1)
    assert private.loss_options(loss) == {"from_logits": True, "ignore_class": 9, "axis": 1}
    assert private.loss_options("mse") == private.loss_options(own_loss) == {}


# --- optimisers and initialisers -----------------------------------------------------------------


class Halved(keras.optimizers.schedules.LearningRateSchedule):
    """Without the configuration that Keras asks for."""

    def __call__(self, step):
        return 0.5 / (step + 1)


def test_a_learning_rate_is_the_variable_or_the_schedule():
    schedule, plain = Halved(), keras.optimizers.SGD(0.25)
    assert private.learning_rate(plain) is plain.learning_rate
    optimizer = keras.optimizers.SGD(schedule)
    assert private.learning_rate(optimizer) is schedule
    assert float(optimizer.learning_rate) == 0.5


def test_options_are_read_where_the_rate_has_no_configuration():
    optimizer = keras.optimizers.SGD(Halved(), momentum=0.9, nesterov=True)
    with pytest.raises(NotImplementedError):
        optimizer.get_config()
    options = private.options_without_rate(optimizer)
    known = keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    plain = keras.optimizers.SGD(known, momentum=0.9, nesterov=True).get_config()
    assert {**options, "name": "", "learning_rate": 0} == {**plain, "name": "", "learning_rate": 0}
    assert float(optimizer.learning_rate) == 0.5


def test_steps_count_where_gradients_are_accumulated():
    model = compiled(optimizer=keras.optimizers.SGD(gradient_accumulation_steps=2), loss="mse")
    model.fit(X, Y, batch_size=2, epochs=3, verbose=0)
    assert private.steps_taken(model.optimizer) == 6
    assert int(model.optimizer.iterations) == 3


def test_an_optimiser_knows_the_weights_that_trained_when_it_was_built():
    model = compiled(optimizer="adam", loss="mse")
    model.optimizer.build(model.trainable_variables)
    trained = model.trainable_variables
    model.layers[0].trainable = False
    assert [*map(id, private.trained_variables(model.optimizer))] == [*map(id, trained)]


@pytest.mark.parametrize("by", ["names", "variables"])
def test_weights_that_do_not_decay_are_those_that_a_step_without_gradient_leaves(by):
    weights = [keras.Variable(np.ones(2, "float32"), name=name) for name in ("kernel", "bias")]
    optimizer = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(
        **({"var_names": ["bias"]} if by == "names" else {"var_list": weights[1:]})
    )
    optimizer.build(weights)
    optimizer.apply([np.zeros(2, "float32")] * 2)
    moved = [bool((np.asarray(weight.value) != 1).all()) for weight in weights]
    assert [private.decays(optimizer, weight) for weight in weights] == moved == [True, False]
    assert private.undecayed_pattern(optimizer) == ("bias" if by == "names" else None)
    assert private.excludes_variables_from_decay(optimizer) is (by == "variables")


def test_an_optimiser_that_was_told_nothing_excludes_nothing():
    optimizer = keras.optimizers.AdamW()
    assert private.undecayed_pattern(optimizer) is None
    assert not private.excludes_variables_from_decay(optimizer)


def test_an_initialiser_draws_from_a_key_as_jax_does():
    key, shape = np.array([7, 0], np.uint32), (3, 4)

    def drawn(key):
        return private.draw_from_key(keras.initializers.RandomNormal(1, 2), key, shape, "float32")

    expected = 1 + 2 * jax.random.normal(key, shape)
    np.testing.assert_allclose(jax.jit(drawn)(key), expected, rtol=1e-6)
    assert not np.allclose(jax.jit(drawn)(key + 1), expected)


def test_the_state_of_a_random_layer_has_its_name():
    (state,) = layers.Dropout(0.5).variables
    assert state.name == keras.random.SeedGenerator(0).state.name == private.RANDOM_STATE
    assert state.shape == (2,)


# --- where a version of Keras lacks a part -------------------------------------------------------


def test_a_part_that_is_gone_is_named():
    with pytest.raises(BackendError) as caught:
        private.learning_rate(object())
    said = str(caught.value)
    assert said.startswith(f"Keras {keras.__version__} has no object._learning_rate; expected")
    assert private.CHECKED in said
