"""What a study can train on; loads neither JAX nor Keras."""

from normwise.datasets.arrays import from_arrays
from normwise.datasets.dataset import Dataset, Task
from normwise.datasets.find import BUILT_IN, find_dataset, where_is

__all__ = ["BUILT_IN", "Dataset", "Task", "find_dataset", "from_arrays", "where_is"]
