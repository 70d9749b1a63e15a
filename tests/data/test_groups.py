"""Identifiers that repeat: no inputs, named, and a split that keeps their rows together."""

import keras
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from normwise import Study
from normwise.commands.app import app
from normwise.data import TableOptions, find_dataset, find_given
from normwise.data.columns import sort_columns
from normwise.errors import DataError, SpecError, UnknownNameError
from normwise.spec import Spec
from normwise.study.inputs import arrived, as_dataset

GENERATOR = np.random.default_rng(23)
PEOPLE, VISITS = 30, 8
PERSON = np.repeat(GENERATOR.permutation(10_000)[:PEOPLE], VISITS)
# Tells the person, and so shows where a row went.
MARK = np.repeat(np.arange(PEOPLE) / 7, VISITS)


@pytest.fixture
def find(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(target="y", group_column=None, task=None, **columns):
        rows = len(PERSON)
        frame = {"mark": MARK, "a": GENERATOR.normal(size=rows), "y": np.arange(rows) % 2}
        pd.DataFrame({**frame, **columns}).to_csv("t.csv", index=False)
        return find_dataset("t.csv", target, task, group_column)

    return make


def people(data):
    """In which persons' rows the two parts of the data are."""
    place = data.feature_names.index("mark")
    parts = (np.unique(part[:, place].round(4)) for part in (data.x_train, data.x_val))
    return tuple(set(part.tolist()) for part in parts)


@pytest.mark.parametrize(
    "name", ["patient_id", "SubjectId", "ID", "user id", "subject", "patient_nbr", "Household No."]
)
def test_identifiers_that_repeat_are_no_inputs_and_named(find, name):
    data = find(**{name: PERSON})
    assert data.feature_names == ("mark", "a")
    assert f"Dropped as identifiers of several rows each: {name}." in data.notes
    assert (
        f"Rows of one {name} may stand in both parts and validate what they trained: "
        f"--group-column '{name}' keeps them together." in data.notes
    )
    assert set.intersection(*people(data))


@pytest.mark.parametrize("name", ["pid", "patient", "userid", "Customer No", "uid"])
@pytest.mark.parametrize("form", ["{}", "P{:04d}", "site-{}/a"])
def test_codes_of_persons_are_identifiers_too(name, form):
    table = pd.DataFrame({name: [form.format(one) for one in PERSON], "mark": MARK})
    assert sort_columns(table).repeated == (name,)


@pytest.mark.parametrize("name", ["patient_id", "subject"])
def test_identifiers_with_gaps_are_named_too(find, name):
    data = find(**{name: pd.Series(PERSON).where(np.arange(len(PERSON)) % 9 > 0).astype("Int64")})
    assert data.feature_names == ("mark", "a")


@pytest.mark.parametrize(
    "name", ["paid", "humid", "persons", "patients", "grid", "Android", "covid", "bid", "liquid"]
)
def test_what_only_sounds_like_an_identifier_is_an_input(find, name):
    assert name in find(**{name: PERSON}).feature_names


def test_identifiers_in_letters_that_repeat_are_named_too(find):
    data = find(person_id=[f"P{number}" for number in PERSON])
    assert data.feature_names == ("mark", "a")


def test_a_person_in_words_is_a_category():
    table = pd.DataFrame({"subject": ["maths", "art"] * 50, "x": np.arange(100) / 3})
    assert sort_columns(table).categories == ("subject",)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_no_group_stands_in_both_parts(find, task):
    y = np.arange(len(PERSON)) % 2 if task == "binary" else GENERATOR.normal(size=len(PERSON))
    data = find(group_column="person", y=y, person=PERSON)
    assert data.task == task
    train, val = people(data)
    assert not train & val
    assert (len(train), len(val)) == (24, 6)
    assert "192 rows train, 48 validate (split by person: 24 and 6 groups, seed 0)." in data.notes
    assert data.feature_names == ("mark", "a")
    assert not any("--group-column" in note for note in data.notes)


def test_rows_without_a_group_are_groups_of_their_own(find):
    person = np.where(np.arange(len(PERSON)) < 80, "", np.char.add("p", PERSON.astype(str)))
    data = find(group_column="person", person=person)
    train, val = people(data)
    # The first ten people have no name, and their rows go to either side; the others stay whole.
    ten = sorted(train | val)[:10]
    assert train & val
    assert train & val <= set(ten)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"group_column": "nobody"}, UnknownNameError, "unknown group column 'nobody'"),
        ({"group_column": "y"}, DataError, "named as target and as group; expected two columns"),
        ({"group_column": "one"}, DataError, "'one' has the same value in every row"),
        ({"group_column": "y2"}, DataError, "each split by them leaves a class without"),
    ],
)
def test_a_group_column_that_cannot_split_is_refused(find, settings, error, message):
    one = {"one": np.ones(len(PERSON)), "y2": np.arange(len(PERSON)) % 2}
    with pytest.raises(error, match=message):
        find(**settings, **one)


def test_only_a_table_has_a_group_column():
    with pytest.raises(DataError, match="'circles' has no column 'g' to group its rows by"):
        find_dataset("circles", group_column="g")
    spec = Spec.make({"model": "m", "data": "arrays", "group_column": "g"})
    with pytest.raises(SpecError, match="'g' was given with a tuple, which has no columns"):
        as_dataset(arrived((np.ones((9, 2)), np.ones(9))), spec)


def test_a_study_takes_the_group_column(find):
    expected = find(group_column="person", person=PERSON)
    spec = Study("circles", "t.csv", target_column="y", group_column="person").spec
    assert as_dataset(arrived("t.csv"), spec).fingerprint == expected.fingerprint


def test_a_finished_model_gets_the_table_as_its_study_read_it(find):
    visits = GENERATOR.poisson(1.4, len(PERSON)) % 4
    assert find(y=visits, person=PERSON).task == "classes"
    data = find("y", "person", "regression", y=visits, person=PERSON)
    given = find_given("t.csv", TableOptions("y", "regression", "person"))
    np.testing.assert_array_equal(given.x, np.concatenate([data.x_train, data.x_val]))
    np.testing.assert_array_equal(given.y, np.concatenate([data.y_train, data.y_val]))
    assert given.y.dtype == np.float32


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras' save
@pytest.mark.parametrize("command", ["check", "fix", "recalibrate", "fold", "diagnose"])
def test_every_command_that_takes_a_table_takes_its_options(command, tmp_path, monkeypatch):
    """Each reads them before anything else of the table, and refuses them alike."""
    monkeypatch.chdir(tmp_path)
    model = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization()])
    model.save("m.keras")
    out = [] if command in ("check", "diagnose") else ["--out", "o.keras"]
    asked = ["--data", "circles", "--task", "regression", "--group-column", "g"]
    result = CliRunner().invoke(app, [command, "m.keras", *asked, *out])
    assert isinstance(result.exception, DataError)
    assert "'circles' has no column 'g' to group its rows by" in str(result.exception)
