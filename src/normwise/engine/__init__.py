"""The stacked engine: many replicas of one Keras model in one compiled JAX program.

Read in this order: ``program`` (what one replica does), ``stack`` (chunks, devices), ``cohort``
(data on the devices) and ``streamed`` (data in windows), ``population`` (metrics without the lag of
moving statistics), ``sample_error`` (what statistics of a sample miss), ``schedule`` (how many side
by side), ``memory`` (how many fit), ``initial_values`` and ``orders`` (what differs between
replicas), ``lower`` and ``kernels`` (layers that suit the CPU), ``deadlocks`` (what XLA's CPU
backend would wait for), ``keras_fit`` (Keras' own, as proof and in the stack's stead),
``steps_ahead`` (compiled side by side), ``looks`` (what probes see in either), ``stopwatch`` (what
a training alone takes).
"""

from normwise.engine.cohort import Cohort
from normwise.engine.deadlocks import shares_out
from normwise.engine.devices import configure, on_host, replica_mesh
from normwise.engine.differences import largest_relative_difference
from normwise.engine.fit_data import check_batches, check_eager
from normwise.engine.initial_values import InitialValues, Replica
from normwise.engine.initializers import named_initializer
from normwise.engine.keras_fit import Fit, Fitted, fit_on
from normwise.engine.looks import Looked, StackLooks, looked_at_by_fit, probed_in_fit
from normwise.engine.lower import lower, reinitialised_copy, trains_sequentially
from normwise.engine.memory import (
    bytes_in_all,
    bytes_needed,
    bytes_usable,
    narrower,
)
from normwise.engine.orders import whole_batches
from normwise.engine.population import Population, population_of
from normwise.engine.program import make_program, training_flops
from normwise.engine.sample_error import SampleError, sample_error_of
from normwise.engine.schedule import Schedule, candidates, fastest_schedule, rule_of_thumb, sample
from normwise.engine.stack import Chunk, Stack, Stacked
from normwise.engine.state import State
from normwise.engine.steps_ahead import compile_steps
from normwise.engine.stopwatch import epoch_times
from normwise.engine.streamed import StreamedCohort, make_streamed_program

__all__ = [
    "Chunk",
    "Cohort",
    "Fit",
    "Fitted",
    "InitialValues",
    "Looked",
    "Population",
    "Replica",
    "SampleError",
    "Schedule",
    "Stack",
    "StackLooks",
    "Stacked",
    "State",
    "StreamedCohort",
    "bytes_in_all",
    "bytes_needed",
    "bytes_usable",
    "candidates",
    "check_batches",
    "check_eager",
    "compile_steps",
    "configure",
    "epoch_times",
    "fastest_schedule",
    "fit_on",
    "largest_relative_difference",
    "looked_at_by_fit",
    "lower",
    "make_program",
    "make_streamed_program",
    "named_initializer",
    "narrower",
    "on_host",
    "population_of",
    "probed_in_fit",
    "reinitialised_copy",
    "replica_mesh",
    "rule_of_thumb",
    "sample",
    "sample_error_of",
    "shares_out",
    "training_flops",
    "trains_sequentially",
    "whole_batches",
]
