"""Jobs in, events out: training as work that may run here or elsewhere, stop and go on.

``job`` says what is to be trained, ``event`` what has been, and ``executor`` who does it: plain
data and a contract, which need neither Keras nor JAX. Behind them, ``setup`` holds what all jobs of
a study share, ``worker`` turns a job into events, ``checkpoint`` keeps states of runs, and
``local`` is this process as an executor.
"""

from normwise.execution.event import (
    Checkpointed,
    Compiled,
    Compiling,
    Event,
    Failed,
    Finished,
    Segment,
)
from normwise.execution.executor import Executor
from normwise.execution.job import Job, Origin

__all__ = [
    "Checkpointed",
    "Compiled",
    "Compiling",
    "Event",
    "Executor",
    "Failed",
    "Finished",
    "Job",
    "Origin",
    "Segment",
]
