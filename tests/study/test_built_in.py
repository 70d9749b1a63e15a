"""A name without data is a built-in study; with data it is a model, as ever."""

import re

import keras
import pytest

import normwise as nw
from normwise.errors import SpecError, UnknownNameError
from normwise.spec import Spec
from normwise.studies import BUILT_IN, study_file


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_name_is_the_study_that_the_command_runs(name):
    assert nw.Study(name).spec == Spec.from_toml(study_file(name), {})


def test_keywords_take_the_place_of_its_settings():
    study = nw.Study("circles", variants=["none", "before:momentum=0.9"], seeds=4)
    assert study.spec.variants == ("none", "before:momentum=0.9")
    assert (study.spec.seeds, study.spec.epochs, study.spec.target) == (4, 100, "val_accuracy>=0.8")
    assert repr(study) == "<Study of 'circles': Before or after the activation?>"


def test_with_data_it_is_a_model():
    spec = nw.Study("circles", "circles").spec
    assert (spec.model, spec.data, spec.study, spec.epochs) == ("circles", "circles", "study", 20)


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(UnknownNameError, match=re.escape(", ".join(BUILT_IN))):
        nw.Study("circels")
    with pytest.raises(UnknownNameError, match="unknown setting 'epoch'"):
        nw.Study("circles", epoch=3)


@pytest.mark.parametrize(
    "model",
    [None, "m.keras", "mine:build", keras.Sequential([keras.Input((2,))])],
    ids=["nothing", "a file", "a function", "a model"],
)
def test_a_model_without_data_is_told_that_they_are_missing(model):
    with pytest.raises(SpecError, match=r"given no data; expected \(x, y\), a name or a file"):
        nw.Study(model)
