"""The stacked engine: many replicas of one Keras model in one compiled JAX program.

Read in this order: ``program`` (what one replica does), ``cohort`` (stacking,
chunks, devices), ``initial`` and ``orders`` (what differs between replicas),
``lower`` (layers that suit the CPU), ``solo`` (the proof).
"""

from normwise.engine.cohort import Chunk, Cohort, chunk_width
from normwise.engine.devices import configure, replica_mesh
from normwise.engine.initial import InitialValues
from normwise.engine.lower import fresh, lower, wants_turns
from normwise.engine.program import make_program, output_shape, replica_bytes
from normwise.engine.solo import largest_relative_difference, train_alone

__all__ = [
    "Chunk",
    "Cohort",
    "InitialValues",
    "chunk_width",
    "configure",
    "fresh",
    "largest_relative_difference",
    "lower",
    "make_program",
    "output_shape",
    "replica_bytes",
    "replica_mesh",
    "train_alone",
    "wants_turns",
]
