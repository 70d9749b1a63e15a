import copy
import pickle

import pytest

from normwise import errors
from normwise.errors import NormwiseError, StudyIncomplete, UnknownNameError, UsageError, listed

OF_USAGE = ["BackendError", "DataError", "ExecutorError", "ModelError", "SpecError", "StoreError",
            "VariantError"]  # fmt: skip


@pytest.mark.parametrize("name", [*OF_USAGE, "UnknownNameError"])
def test_a_mistake_of_the_user_ends_with_2(name):
    kind = getattr(errors, name)
    assert issubclass(kind, UsageError)
    assert kind.exit_code == 2


def test_a_study_that_did_not_finish_ends_with_3():
    assert not issubclass(StudyIncomplete, UsageError)
    assert StudyIncomplete.exit_code == NormwiseError.exit_code == 3


def test_all_errors_are_exported():
    kinds = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, NormwiseError)
    }
    assert kinds | {"first_line", "in_words", "is_out_of_memory", "listed"} == set(errors.__all__)


@pytest.mark.parametrize(
    ("arrived", "hint"),
    [
        ("circle", "did you mean 'circles'?"),
        ("CHURN", "did you mean 'churn'?"),
        ("xyz", "take one of these"),
        ("", "take one of these"),
    ],
    ids=["close", "case", "far", "empty"],
)
def test_an_unknown_name_offers_the_nearest(arrived, hint):
    message = str(UnknownNameError("study", arrived, ["circles", "churn"]))
    assert message == f"unknown study {arrived!r}; expected one of circles, churn; {hint}"


def test_the_only_name_that_there_is_is_no_guess():
    assert str(UnknownNameError("metric", "a", ["loss"])).endswith("one of loss; try 'loss'")


COLUMNS = ["RowNumber", "Surname", "CreditScore", "Age", "Balance", "EstimatedSalary", "Exited"]


@pytest.mark.parametrize("arrived", ["label", "churned", "outcome", "id", "y"])
def test_what_is_not_close_is_not_suggested(arrived):
    """A word that shares some letters with a column is no misspelling of it."""
    message = str(UnknownNameError("target column", arrived, COLUMNS))
    assert message.endswith(f"expected one of {', '.join(COLUMNS)}; take one of these")


@pytest.mark.parametrize("arrived", ["Exitd", "exited", "EXITED", "exit"])
def test_a_misspelling_is_mended(arrived):
    message = str(UnknownNameError("target column", arrived, COLUMNS))
    assert message.endswith("; did you mean 'Exited'?")


def test_an_unknown_name_among_none_is_still_a_message():
    assert str(UnknownNameError("metric", "a", [])).endswith("there is none")


def test_a_message_stays_readable_where_names_are_many():
    message = str(UnknownNameError("column", "c999x", [f"c{i}" for i in range(3000)]))
    assert "… (3000 in all)" in message
    assert "did you mean 'c999'" in message
    assert len(message) < 300


def test_names_that_fit_are_all_listed():
    assert listed([str(i) for i in range(30)]).endswith("28, 29")


@pytest.mark.parametrize(
    "error",
    [
        errors.WorseError("a model would do worse", ("try force=True", "try --force")),
        errors.UnknownNameError("study", "circle", ["circles", "churn"]),
        errors.LayerError("axis is 7; expected …"),
        errors.StudyIncomplete("stopped"),
        errors.DrawingError("not drawn"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_reaches_another_process_as_it_is(error):
    error.add_note("seen in the child")
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is type(error)
    assert (str(there), there.args, vars(there)) == (str(error), error.args, vars(error))
    assert repr(copy.copy(error)) == repr(error)
