"""What a study can train on; loads neither JAX nor Keras."""

from normwise.data.archive_keys import AskNames, Names, no_names
from normwise.data.arrays import from_arrays
from normwise.data.dataset import Dataset, Task
from normwise.data.find import BUILT_IN, find_dataset, find_given, is_image_folder, where_is
from normwise.data.formats import TableOptions
from normwise.data.frame_data import (
    columns_without_numbers,
    from_frame,
    from_frames,
    given_in_frames,
    is_frame,
    needs_preparation,
)
from normwise.data.given import Given, given_of

__all__ = [
    "BUILT_IN",
    "AskNames",
    "Dataset",
    "Given",
    "Names",
    "TableOptions",
    "Task",
    "columns_without_numbers",
    "find_dataset",
    "find_given",
    "from_arrays",
    "from_frame",
    "from_frames",
    "given_in_frames",
    "given_of",
    "is_frame",
    "is_image_folder",
    "needs_preparation",
    "no_names",
    "where_is",
]
