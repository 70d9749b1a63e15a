"""What each column of a table is taken for, and its preparation for a model."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normwise.datasets.reading import in_one_line, is_text
from normwise.errors import listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Columns", "prepare", "sort_columns"]

Array = NDArray[Any]
# A text column with more distinct values than this names things rather than kinds of things.
MOST_CATEGORIES = 50
# So many repetitions that chance would have made tell that numbers were given out, not measured.
EXPECTED_REPETITIONS = 5
# `CustomerId`, `order_id`, `ID`, `uuid`; not `paid` or `humid`.
NAMED_IDENTIFIER = re.compile(r"(?:^|[\W_])(?i:id|uuid|guid)$|[a-z0-9](?:Id|ID)$")
# `subject`, `patient_nbr`, `Household No`: whole numbers of that name were given out, too.
NAMED_PERSON = re.compile(
    r"^(?i:subject|patient|participant|respondent|person|household|customer|user|client|student)"
    r"(?:[\W_]*(?i:no|nr|nbr|num|number|code))?\W*$"
)
# Missing values in fewer rows than this share are filled and not marked: a column that is
# nearly always 0 is large where it is not, once it is standardised.
MARKED_SHARE = 0.01
NO_CATEGORY = "missing"


@dataclass(frozen=True)
class Columns:
    """The names of a table's columns by what they are taken for.

    Attributes:
        numbers: Taken as they are, missing values filled with the median.
        categories: One input a category.
        marked: Numbers whose missing values get an input of their own.
        identifiers: Dropped: they name a row.
        repeated: Dropped: they name what several rows belong to.
        constant: Dropped: they never change.
        empty: Dropped: they hold nothing.
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    marked: tuple[str, ...]
    identifiers: tuple[str, ...]
    repeated: tuple[str, ...]
    constant: tuple[str, ...]
    empty: tuple[str, ...]

    def notes(self, table: pd.DataFrame) -> list[str]:
        """What happened to the columns, in sentences; ``table`` has the missing values."""
        gaps = table[[*self.numbers, *self.categories]].isna().sum()
        filled = [f"{name} ({gaps[name]:,})" for name in self.numbers if gaps[name]]
        own = [f"{name} ({gaps[name]:,})" for name in self.categories if gaps[name]]
        said = [
            ("Dropped as identifiers", self.identifiers),
            ("Dropped as identifiers of several rows each", self.repeated),
            ("Dropped, for they never change", self.constant),
            ("Dropped, for they are empty", self.empty),
            ("Missing numbers, filled with the median", filled),
            ("Missing categories, a category of their own", own),
        ]
        return [f"{what}: {listed(names)}." for what, names in said if names] + self._way_out

    @property
    def _way_out(self) -> list[str]:
        if not self.repeated:
            return []
        name = self.repeated[0]
        note = f"Rows of one {name} may stand in both parts and validate what they trained"
        return [f"{note}: --group-column '{name}' keeps them together."]


def sort_columns(table: pd.DataFrame) -> Columns:
    """Judge each column by the rows of the training part.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"id": range(100), "age": [30, 40] * 50, "land": ["de"] * 100})
    >>> columns = sort_columns(table)
    >>> columns.numbers, columns.identifiers, columns.constant
    (('age',), ('id',), ('land',))
    """
    kinds: dict[str, list[str]] = {
        kind: []
        for kind in ("numbers", "categories", "identifiers", "repeated", "constant", "empty")
    }
    for name in table.columns:
        kinds[_kind(str(name), table[name])].append(name)
    marked = [name for name in kinds["numbers"] if table[name].isna().mean() >= MARKED_SHARE]
    return Columns(**{kind: tuple(names) for kind, names in kinds.items()}, marked=tuple(marked))


def _kind(name: str, column: pd.Series) -> str:
    values = column.dropna()
    distinct = values.nunique()
    if distinct == 0:
        return "empty"
    if distinct == 1 and len(values) == len(column):
        return "constant"
    if _is_named_identifier(name, values) and distinct < len(values):
        return "repeated"
    if is_text(column):
        names_things = distinct > min(MOST_CATEGORIES, len(values) / 2)
        return "identifiers" if names_things else "categories"
    return "identifiers" if _is_identifier(name, values, distinct) else "numbers"


def _is_named_identifier(name: str, values: pd.Series) -> bool:
    """Whether a column of text or whole numbers is called what identifiers are called."""
    import pandas as pd

    whole = pd.api.types.is_integer_dtype(values)
    named = NAMED_IDENTIFIER.search(name) or (whole and NAMED_PERSON.search(name))
    return bool(named) and (whole or is_text(values))


def _is_identifier(name: str, values: pd.Series, distinct: int) -> bool:
    """Whole numbers that never repeat although chance would have repeated them."""
    import pandas as pd

    if distinct < len(values) or not pd.api.types.is_integer_dtype(values):
        return False
    numbers = values.to_numpy(np.float64)
    span = numbers.max() - numbers.min() + 1
    repetitions = len(numbers) * (len(numbers) - 1) / (2 * span)
    return bool(repetitions >= EXPECTED_REPETITIONS or _is_named_identifier(name, values))


def prepare(table: pd.DataFrame, columns: Columns, train: Array) -> tuple[Array, list[str]]:
    """All rows as standardised inputs, ``(n, inputs)`` float32, and the inputs' names.

    Everything is learned from the rows ``train`` alone.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    # A category that the training part never saw is encoded like the first one, all zeros.
    encoder = OneHotEncoder(drop="first", handle_unknown="ignore", sparse_output=False)
    transformer = ColumnTransformer(
        [
            ("category", encoder, list(columns.categories)),
            ("number", SimpleImputer(strategy="median"), list(columns.numbers)),
            ("missing", MissingIndicator(features="all"), list(columns.marked)),
        ]
    )
    pipeline = make_pipeline(transformer, StandardScaler())
    table = table[[*columns.categories, *columns.numbers]].copy(deep=False)
    table[[*columns.categories]] = table[[*columns.categories]].fillna(NO_CATEGORY)
    # Overflows are found in the result; unknown categories are meant to be, see above.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Found unknown categories", UserWarning)
        pipeline.fit(table.iloc[train])
        inputs = pipeline.transform(table).astype(np.float32)
    return inputs, [_input_name(str(name)) for name in transformer.get_feature_names_out()]


def _input_name(name: str) -> str:
    kind, _, own = in_one_line(name).partition("__")
    if kind == "missing":
        return f"{own.removeprefix('missingindicator_')} is missing"
    return own
