"""Columns of data frames: a model knows them by their places alone."""

import keras
import numpy as np
import pandas as pd
import pytest

from normwise.data import from_arrays
from normwise.data.frames import REORDERED, in_columns_of
from normwise.errors import DataError
from normwise.models.fit_data import given_to

TRAIN = pd.DataFrame({"age": np.arange(20.0), "height": np.arange(20.0) + 100})
VAL = TRAIN[["height", "age"]].iloc[:6]
Y = np.arange(20) % 2


def model():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])


def test_a_study_judges_on_the_columns_that_it_trains_on():
    data = from_arrays(TRAIN, Y, VAL, Y[:6])
    np.testing.assert_array_equal(data.x_val, data.x_train[:6])
    assert REORDERED in data.notes
    assert REORDERED not in from_arrays(TRAIN, Y, TRAIN[:6], Y[:6]).notes


@pytest.mark.parametrize(
    "data",
    [
        ((TRAIN, Y), (VAL, Y[:6])),
        (TRAIN, Y, VAL, Y[:6]),
        ((TRAIN, Y, np.ones(20)), (VAL, Y[:6], np.ones(6))),
    ],
    ids=["pairs", "four", "weights"],
)
def test_a_finished_model_gets_the_columns_that_it_was_trained_on(data, caplog):
    given = given_to(model(), data)
    np.testing.assert_array_equal(given.validation[0], given.x[:6])
    np.testing.assert_array_equal(given.x, TRAIN)
    assert REORDERED in caplog.text


def test_columns_of_other_names_are_refused():
    other = VAL.rename(columns={"age": "weight"})
    message = "validation part has the columns weight, and the training part age; .*split it then"
    with pytest.raises(DataError, match=message):
        from_arrays(TRAIN, Y, other, Y[:6])
    with pytest.raises(DataError, match=message):
        given_to(model(), ((TRAIN, Y), (other, Y[:6])))


@pytest.mark.parametrize(
    "other", [VAL.to_numpy(), pd.DataFrame(VAL.to_numpy()), VAL["age"], None, [[1, 2]]]
)
def test_what_has_no_names_stays_as_it_is(other):
    kept, notes = in_columns_of(TRAIN, other)
    assert kept is other
    assert notes == []


def test_columns_that_share_a_name_have_to_stand_in_the_same_order():
    twice = pd.DataFrame(np.ones((3, 3)), columns=["a", "a", "b"])
    assert in_columns_of(twice, twice)[1] == []
    with pytest.raises(DataError, match="columns a, b, a, and the training part a, a, b; expected"):
        in_columns_of(twice, twice.iloc[:, [0, 2, 1]])


def test_four_frames_are_the_inputs_of_a_model_that_has_four():
    inputs = [keras.Input((1,)) for _ in range(4)]
    many = keras.Model(inputs, keras.layers.Concatenate()(inputs))
    frames = tuple(pd.DataFrame({name: np.ones(3)}) for name in "abcd")
    assert len(given_to(many, frames).x) == 4
