"""A model trained by the engine, and the same by a plain ``fit`` of Keras'."""

import keras
import numpy as np

from normwise.engine import Cohort, InitialValues, Replica, lower, make_program, replica_mesh
from normwise.engine.orders import epoch_orders

EPOCHS, BATCH, SEED = 2, 16, 5


def curves_of_the_engine(compile_model, model, dataset):
    lowered = lower(model)
    compile_model(lowered)
    cohort = Cohort(
        program=make_program(lowered, dataset, BATCH),
        initial=InitialValues(lowered),
        dataset=dataset,
        epochs=EPOCHS,
        width=2,
        mesh=replica_mesh(),
    )
    (chunk,) = cohort.run(
        cohort.compile(cohort.lower()), [Replica(1), Replica(SEED)], lambda *_: None
    )
    return {name: values[1] for name, values in chunk.curves.items()}, cohort, chunk


def taken(arrays, rows):
    return keras.tree.map_structure(lambda one: None if one is None else one[rows], arrays)


def curves_of_keras(compile_model, model, cohort, dataset, **given):
    """A plain ``fit`` an epoch, on arrays in the replica's order, with Keras' own arguments."""
    compile_model(model)
    start = cohort.start([Replica(SEED)] * cohort.mesh.size)
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    for variable, value in zip(variables, [*start.trainable, *start.non_trainable], strict=True):
        variable.assign(np.array(value[0]))
    history = {}
    orders = epoch_orders(SEED, dataset.examples)
    for _ in range(EPOCHS):
        order = next(orders)
        ordered = {
            key: taken(value, order) if key == "sample_weight" else value
            for key, value in given.items()
        }
        done = model.fit(
            taken(dataset.x_train, order),
            taken(dataset.y_train, order),
            batch_size=BATCH,
            shuffle=False,
            verbose=0,
            validation_batch_size=BATCH,
            **{"validation_data": (dataset.x_val, dataset.y_val), **ordered},
        )
        for name, values in done.history.items():
            history.setdefault(name, []).extend(values)
    return history


def assert_alike(compile_model, model, dataset, *, rtol=2e-5, **given):
    ours, cohort, chunk = curves_of_the_engine(compile_model, model, dataset)
    keras_own = curves_of_keras(compile_model, model, cohort, dataset, **given)
    assert set(ours) == set(keras_own)
    for name, values in keras_own.items():
        np.testing.assert_allclose(ours[name], values, rtol=rtol, err_msg=name)
    for variable, value in zip(model.trainable_variables, chunk.trainable, strict=True):
        np.testing.assert_allclose(value[1], variable.value, rtol=1e-3, atol=1e-5)
    return ours
