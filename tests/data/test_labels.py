import numpy as np
import pytest
from sklearn.preprocessing import LabelEncoder

from normwise.data import find_dataset, from_arrays
from normwise.data.labels import labelling
from normwise.errors import DataError

ROWS = np.arange(60)


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        pytest.param(ROWS % 2 + 1, "binary", id="1-2"),
        pytest.param(ROWS % 2 * 2 - 1, "binary", id="minus-1-1"),
        pytest.param(ROWS % 2 * 2.0 + 3, "binary", id="floats"),
        pytest.param(ROWS % 2 == 0, "binary", id="booleans"),
        pytest.param(np.array(["no", "yes"])[ROWS % 2], "binary", id="text"),
        pytest.param(ROWS % 3 * 2 + 3, "classes", id="3-5-7"),
        pytest.param(ROWS % 3, "classes", id="0-1-2"),
        pytest.param(ROWS % 12 + 1, "classes", id="months-five-times"),
        pytest.param(ROWS % 13 + 1, "regression", id="too-seldom"),
        pytest.param(np.tile(ROWS % 21 + 1, 10), "regression", id="too-many"),
        pytest.param(ROWS % 30, "classes", id="counted-from-0"),
        pytest.param(ROWS, "regression", id="counted-and-never-twice"),
        pytest.param(ROWS % 2 / 2, "regression", id="halves"),
        pytest.param(np.array([*"abc"])[ROWS % 3], "classes", id="letters"),
    ],
)
def test_labels_say_what_they_ask_for(labels, task):
    assert labelling("y", labels).task == task


@pytest.mark.parametrize(
    "labels",
    [ROWS % 2 + 1, ROWS % 2 * 2 - 1, ROWS % 3 * 2 + 3, np.array([*"hgfe"])[ROWS % 4]],
    ids=["1-2", "minus-1-1", "3-5-7", "letters"],
)
def test_classes_are_numbered_as_scikit_learn_numbers_them(labels):
    encoder = LabelEncoder().fit(labels)
    found = labelling("y", labels)
    np.testing.assert_array_equal(found.encode(labels).ravel(), encoder.transform(labels))
    assert found.names == tuple(map(str, encoder.classes_))


def test_a_given_task_wins_over_the_inferred_one():
    data = from_arrays(np.random.default_rng(0).normal(size=(60, 2)), ROWS % 3, task="regression")
    assert (data.task, data.y_train.shape, data.classes) == ("regression", (48, 1), 0)
    assert set(data.y_train.ravel()) == {0, 1, 2}
    assert "y goes from 0 to 2 (mean 1)." in data.notes


def test_ratings_in_halves_can_be_classes():
    found = labelling("y", ROWS % 5 / 2, "classes")
    assert found.names == ("0", "0.5", "1", "1.5", "2")
    np.testing.assert_array_equal(found.encode(np.array([2.0, 0.5])), [4, 1])


def test_many_classes_need_to_be_asked_for():
    labels = np.repeat(np.arange(150), 3)
    assert labelling("y", labels).task == "regression"
    assert labelling("y", labels, "classes").encode(labels).max() == 149


def test_two_classes_may_stand_for_several():
    found = labelling("y", ROWS % 2, "classes")
    assert found.encode(ROWS % 2).shape == (60,)


NAMES = np.array([f"name {row}" for row in ROWS])
# No task fits a name a row: none is offered.
ELSEWHERE = "check which column or array holds the labels$"


@pytest.mark.parametrize(
    ("labels", "task", "message"),
    [
        pytest.param(
            ROWS % 3, "binary", "y has 3 different values; .* try --task classes", id="three"
        ),
        pytest.param(np.sqrt(ROWS), "binary", "y has 60 .* try --task regression", id="numbers"),
        pytest.param(NAMES, "binary", f"y has 60 .* binary; {ELSEWHERE}", id="names-binary"),
        pytest.param(NAMES, "classes", f"y has 60 .* each; {ELSEWHERE}", id="names-classes"),
        pytest.param(NAMES, "regression", f"y is text.* regression; {ELSEWHERE}", id="names"),
        pytest.param(NAMES, None, f"y is text .* 100 classes; {ELSEWHERE}", id="names-inferred"),
        pytest.param(
            np.array(["a", "b"])[ROWS % 2],
            "regression",
            "y is text, such as 'a', and cannot be a quantity; .* --task classes",
            id="text",
        ),
        pytest.param(
            np.sqrt(ROWS),
            "classes",
            "y has 60 different values in 60 rows; expected classes .* --task regression",
            id="quantity",
        ),
        pytest.param(
            np.ones((60, 2)) * ROWS[:, None],
            "classes",
            r"y has shape \(60, 2\); expected one label an example for the task classes",
            id="two-columns",
        ),
        pytest.param(ROWS * 0 + 2, "regression", "y is 2 in every row", id="one-value"),
        pytest.param(np.zeros((4, 2, 2)), None, r"y has shape \(4, 2, 2\); expected", id="rank"),
    ],
)
def test_labels_that_do_not_fit_the_task_are_refused(labels, task, message):
    with pytest.raises(DataError, match=message):
        labelling("y", labels, task)


def test_a_built_in_data_set_has_its_task():
    assert find_dataset("circles", task="binary").task == "binary"
    with pytest.raises(DataError, match="'circles' has labels for the task binary, and classes"):
        find_dataset("circles", task="classes")


def test_what_could_be_a_quantity_is_told_with_the_way_out():
    note = labelling("y", ROWS % 3 * 2 + 3).note("y", ROWS % 3 * 2 + 3)
    assert note == (
        "Classes of y, with their rows: 3 (20), 5 (20), 7 (20). "
        "If they are a quantity: --task regression."
    )
    asked = labelling("y", ROWS % 3 * 2 + 3, "classes").note("y", ROWS % 3 * 2 + 3)
    assert asked == "Classes of y, with their rows: 3 (20), 5 (20), 7 (20)."


def test_a_large_quantity_keeps_its_units():
    note = labelling("price", ROWS * 1000.5).note("price", ROWS * 1000.5)
    assert note == "price goes from 0 to 59,029.5 (mean 29,514.8)."


def test_labels_that_are_their_numbers_need_no_note_but_the_way_out():
    assert labelling("y", ROWS % 2).note("y", ROWS % 2) == ""
    assert labelling("y", ROWS % 3, "classes").note("y", ROWS % 3) == ""
    note = labelling("y", ROWS % 3).note("y", ROWS % 3)
    assert note == "If y is a quantity: --task regression."


GENERATOR = np.random.default_rng(19)
# Years of schooling of 526 people (from 0 to 18), as Wooldridge's data have them.
SCHOOL = np.repeat(
    [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
    [2, 1, 1, 3, 1, 6, 4, 22, 17, 30, 29, 198, 39, 53, 21, 68, 12, 19],
)
QUANTITIES = {
    "goals": GENERATOR.poisson(1.4, 380),
    "goals-of-a-small-league": GENERATOR.poisson(1.4, 132),
    "visits": GENERATOR.negative_binomial(0.5, 0.15, 2000),
    "visits-of-half": GENERATOR.poisson(4, 800) * (GENERATOR.random(800) < 0.5),
    "children": np.minimum(GENERATOR.poisson(1.2, 900), 8),
    "schooling": SCHOOL,
    "ages": np.clip(GENERATOR.normal(35, 20, 3000), 0, 95).astype(int),
    "counts-of-ten": GENERATOR.poisson(10, 1000),
    "schooling-of-women": np.repeat(
        np.arange(5, 18), [4, 6, 8, 30, 25, 44, 43, 381, 44, 51, 14, 57, 46]
    ),
    "affairs": np.repeat([0, 1, 2, 3, 7, 12], [451, 34, 17, 19, 42, 38]),
    "incomes-in-brackets": np.repeat(
        [3, 6, 8, 9, 10, 11, 12, 16, 23, 25, 27, 35, 45, 60, 85, 100],
        [201, 2, 19, 397, 4, 4, 26, 330, 1, 386, 49, 216, 100, 62, 15, 15],
    ),
    "waiting": GENERATOR.geometric(0.3, 500) - 1,
}
# How many examples well-known data have of each class, in the order of their numbers.
CLASSES = {
    "covertype": [211840, 283301, 35754, 2747, 9493, 17367, 20510],
    "yeast": [463, 5, 35, 44, 51, 163, 244, 429, 20, 30],
    "glass": [70, 76, 17, 13, 9, 29],
    "shuttle": [45586, 50, 171, 8903, 3267, 10, 13],
    "ecoli": [143, 77, 2, 2, 35, 20, 5, 52],
    "dermatology": [112, 61, 72, 49, 52, 20],
    "digits-of-houses": [4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659],
    "page-blocks": [4913, 329, 28, 88, 115],
    "reuters": [55, 432, 74, 3159, 1949, 17, 48, 16, 139, 101, 124, 390, 49, 172, 26, 20, 444, 39,
                66, 549, 269, 100, 15, 41, 62, 92, 24, 15, 48, 19, 45, 39, 32, 11, 50, 10, 49, 19,
                19, 24, 36, 30, 13, 21, 12, 18],
    "balanced": [500] * 100,
    "stages": [120, 60, 12],
}  # fmt: skip


@pytest.mark.parametrize("labels", QUANTITIES.values(), ids=QUANTITIES)
def test_what_is_counted_or_measured_is_a_regression_with_a_way_out(labels):
    found = labelling("y", labels)
    assert found.task == "regression"
    note = found.note("y", labels)
    assert note.endswith("If these are classes: --task classes.") == (len(np.unique(labels)) <= 20)
    asked = labelling("y", labels, "regression")
    assert "--task" not in asked.note("y", labels)


@pytest.mark.parametrize("rows", CLASSES.values(), ids=CLASSES)
def test_classes_are_told_from_counts_by_their_spread(rows):
    labels = np.repeat(np.arange(len(rows)), np.minimum(rows, 10_000))
    labels = np.repeat(np.arange(len(rows)), rows) if max(rows) < 10_000 else labels
    found = labelling("y", labels)
    assert found.task == "classes"
    assert "--task regression" in found.note("y", labels)


def test_classes_of_any_spread_are_seldom_taken_for_a_quantity():
    """Of 300 sets of classes in any order, at most one in twenty."""
    wrong = 0
    for draw in range(300):
        shares = GENERATOR.dirichlet(np.ones(6 + draw % 15))
        labels = GENERATOR.choice(len(shares), 1000, p=shares)
        wrong += labelling("y", labels, None).task == "regression" and labels.max() < 100
    assert wrong <= 15


def test_several_whole_numbers_an_example_are_no_classes():
    labels = np.stack([ROWS % 7, ROWS % 5], axis=1)
    assert "--task" not in labelling("y", labels).note("y", labels)


def test_rows_with_a_single_1_are_classes_and_stay_rows():
    rows = np.eye(3)[ROWS % 3]
    found = labelling("y", rows)
    assert (found.task, found.names) == ("classes", ())
    assert np.array_equal(found.encode(rows), rows)
    assert labelling("y", rows, "regression").task == "regression"
