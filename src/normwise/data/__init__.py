"""What a study can train on; loads neither JAX nor Keras."""

from normwise.data.arrays import from_arrays
from normwise.data.dataset import Dataset, Task
from normwise.data.find import BUILT_IN, find_dataset, find_given, is_image_folder, where_is
from normwise.data.formats import TableOptions
from normwise.data.given import Given, given_of

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
    "is_image_folder",
    "where_is",
]
