"""What a study can train on; loads neither JAX nor Keras."""

from normwise.datasets.arrays import from_arrays
from normwise.datasets.dataset import Dataset, Task
from normwise.datasets.find import BUILT_IN, find_dataset, find_given, where_is
from normwise.datasets.formats import TableOptions
from normwise.datasets.given import Given, given_of

__all__ = [
    "BUILT_IN",
    "Dataset",
    "Given",
    "TableOptions",
    "Task",
    "find_dataset",
    "find_given",
    "from_arrays",
    "given_of",
    "where_is",
]
