"""What each column of a table is taken for, and its preparation for a model."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.raw_table import in_one_line, is_text
from normwise.errors import listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Columns", "prepare", "sort_columns"]

Array = NDArray[Any]
# A text column with more distinct values than this, or than half of its rows, names things rather
# than kinds of things; unless some of them come often: in so many rows, and such a share of all.
MOST_CATEGORIES = 50
OFTEN, OFTEN_SHARE = 5, 0.01
# So many repetitions that chance would have made tell that numbers were given out, not measured.
EXPECTED_REPETITIONS = 5
# One row a year is a series, and its years are no numbers that were given out.
YEARS = 1700, 2100
# `CustomerId`, `order_id`, `ID`, `uuid`; not `paid` or `humid`.
NAMED_IDENTIFIER = re.compile(r"(?:^|[\W_])(?i:id|uuid|guid)$|[a-z0-9](?:Id|ID)$")
# `subject`, `patient_nbr`, `Household No`, `userid`: whole numbers of that name, and texts with
# numbers in them, were given out, too.
NAMED_PERSON = re.compile(
    r"^(?i:(?:subject|patient|participant|respondent|person|household|customer|user|client|student"
    r"|member|employee)(?:[\W_]*(?:no|nr|nbr|num|number|code|id))?|pid|uid)\W*$"
)
# Of the values of such a column, how many have a digit.
CODES_SHARE = 0.9
# Missing values in fewer rows than this share are filled and not marked: a column that is
# nearly always 0 is large where it is not, once it is standardised.
MARKED_SHARE = 0.01
NO_CATEGORY = "missing"
# What scikit-learn calls the input of the categories that come seldom.
_OTHERS = re.compile("_infrequent_sklearn$")
KINDS = (
    "numbers", "categories", "crowded", "identifiers", "sparse", "repeated", "constant", "empty",
)  # fmt: skip


@dataclass(frozen=True)
class Columns:
    """The names of a table's columns by what they are taken for.

    Attributes:
        numbers: Taken as they are, missing values filled with the median.
        categories: One input a category.
        crowded: One input a frequent category, and one for all others.
        marked: Numbers whose missing values get an input of their own.
        identifiers: Dropped: they name a row.
        sparse: Dropped: text of kinds that come too seldom in so few rows.
        repeated: Dropped: they name what several rows belong to.
        constant: Dropped: they never change.
        empty: Dropped: they hold nothing.
        often: In so many rows a frequent category comes.
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    crowded: tuple[str, ...]
    marked: tuple[str, ...]
    identifiers: tuple[str, ...]
    sparse: tuple[str, ...]
    repeated: tuple[str, ...]
    constant: tuple[str, ...]
    empty: tuple[str, ...]
    often: int

    @property
    def taken(self) -> list[str]:
        """Those that become inputs."""
        return [*self.numbers, *self.categories, *self.crowded]

    def notes(self, table: pd.DataFrame) -> list[str]:
        """What happened to the columns, in sentences; ``table`` has the missing values."""
        texts = (*self.categories, *self.crowded)
        gaps = table[[*self.numbers, *texts]].isna().sum()
        filled = [f"{name} ({gaps[name]:,})" for name in self.numbers if gaps[name]]
        own = [f"{name} ({gaps[name]:,})" for name in texts if gaps[name]]
        kinds, few = (
            [f"{name} ({table[name].nunique():,} in all)" for name in names]
            for names in (self.crowded, self.sparse)
        )
        said = [
            ("Dropped as identifiers", self.identifiers),
            (f"Dropped, for no kind of them comes in {self.often} of so few rows", few),
            ("Dropped as identifiers of several rows each", self.repeated),
            ("Dropped, for they never change", self.constant),
            ("Dropped, for they are empty", self.empty),
            (f"Kinds in fewer than {self.often} rows are one, 'other'", kinds),
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
    kinds: dict[str, list[str]] = {kind: [] for kind in KINDS}
    often = max(OFTEN, math.ceil(OFTEN_SHARE * len(table)))
    for name in table.columns:
        kinds[_kind(str(name), table[name], often)].append(name)
    marked = [name for name in kinds["numbers"] if table[name].isna().mean() >= MARKED_SHARE]
    names = {kind: tuple(own) for kind, own in kinds.items()}
    return Columns(**names, marked=tuple(marked), often=often)


def _kind(name: str, column: pd.Series, often: int) -> str:
    values = column.dropna()
    if values.empty:
        return "empty"
    if len(values) == len(column) and (values == values.iloc[0]).all():
        return "constant"
    # With gaps between them, pandas has whole numbers as others.
    whole = values.dtype.kind in "iu" or (len(values) < len(column) and _are_whole(values))
    if values.dtype.kind == "f" and not whole:
        return "numbers"
    counts = values.value_counts()
    if _is_named_identifier(name, column, whole=whole):
        return "repeated" if len(counts) < len(values) else "identifiers"
    if is_text(column):
        return _kind_of_text(counts, len(values), often)
    return "identifiers" if _never_repeats(values, len(counts)) else "numbers"


def _kind_of_text(counts: pd.Series, rows: int, often: int) -> str:
    """Whether text is of few kinds, of many, or names things, by how often each comes."""
    if len(counts) <= min(MOST_CATEGORIES, rows / 2):
        return "categories"
    if counts.iloc[0] >= often:
        return "crowded"
    # Of more rows these would be categories.
    return "sparse" if len(counts) <= min(MOST_CATEGORIES, rows - 1) else "identifiers"


def _are_whole(values: pd.Series) -> bool:
    return values.dtype.kind == "f" and bool((values % 1 == 0).all())


def _is_named_identifier(name: str, column: pd.Series, *, whole: bool) -> bool:
    """Whether a column of text or ``whole`` numbers is called what identifiers are called."""
    if not (whole or is_text(column)):
        return False
    if NAMED_IDENTIFIER.search(name):
        return True
    return bool(NAMED_PERSON.search(name)) and (whole or _are_codes(column.dropna()))


def _are_codes(texts: pd.Series) -> bool:
    """Whether texts have digits in them, as ``P051`` has, and kinds of persons have not."""
    return bool(texts.astype(str).str.contains(r"\d").mean() >= CODES_SHARE)


def _never_repeats(values: pd.Series, distinct: int) -> bool:
    """Whether these are whole numbers without repetitions although chance would have made some."""
    if distinct < len(values) or values.dtype.kind not in "iu":
        return False
    numbers = values.to_numpy(np.float64)
    if YEARS[0] <= numbers.min() and numbers.max() <= YEARS[1]:
        return False
    span = numbers.max() - numbers.min() + 1
    return bool(len(numbers) * (len(numbers) - 1) / (2 * span) >= EXPECTED_REPETITIONS)


def prepare(table: pd.DataFrame, columns: Columns, train: Array) -> tuple[Array, list[str]]:
    """All rows as standardised inputs, ``(n, inputs)`` float32, and the inputs' names.

    Everything is learned from the rows ``train`` alone.
    """
    from sklearn.preprocessing import OneHotEncoder

    # A category that the training part never saw is encoded like the first one, all zeros.
    encoder = OneHotEncoder(drop="first", handle_unknown="ignore", sparse_output=False)
    # Of many, one that comes seldom or is new is one of the others.
    frequent = OneHotEncoder(
        min_frequency=columns.often,
        max_categories=MOST_CATEGORIES,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
    )
    numbers, marked = table[[*columns.numbers]], table[[*columns.marked]]
    categories, names = _encoded(table[[*columns.categories]], encoder, train)
    crowded, others = _encoded(table[[*columns.crowded]], frequent, train)
    names += [*others, *columns.numbers, *(f"{name} is missing" for name in columns.marked)]
    inputs = [
        categories,
        crowded,
        _standardised(_filled(numbers, train).to_numpy(np.float64), train),
        _standardised(marked.isna().to_numpy(np.float64), train),
    ]
    return np.hstack(inputs), [in_one_line(str(name)) for name in names]


def _standardised(values: Array, train: Array) -> Array:
    from sklearn.preprocessing import StandardScaler

    if not values.shape[1]:
        return values.astype(np.float32)
    values = np.ascontiguousarray(values)
    with np.errstate(all="ignore"):  # overflows are found in the result
        scaler = StandardScaler(copy=False).fit(values[train])
        scaled: Array = scaler.transform(values).astype(np.float32)
    return scaled


def _encoded(table: pd.DataFrame, encoder: Any, train: Array) -> tuple[Array, list[str]]:
    """One standardised input a category, and the inputs' names."""
    if table.empty:
        return np.empty((len(table), 0), np.float32), []
    kinds = table.fillna(NO_CATEGORY)
    with warnings.catch_warnings():  # unknown ones are meant to be, see above
        warnings.filterwarnings("ignore", "Found unknown categories", UserWarning)
        inputs: Array = encoder.fit(kinds.iloc[train]).transform(kinds)
    names = (str(name) for name in encoder.get_feature_names_out())
    return _standardised(inputs, train), [_OTHERS.sub("_other", name) for name in names]


def _filled(numbers: pd.DataFrame, train: Array) -> pd.DataFrame:
    gaps = [name for name in numbers.columns if numbers[name].hasnans]
    return numbers.fillna(numbers[gaps].iloc[train].median()) if gaps else numbers
