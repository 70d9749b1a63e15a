"""The core types, one idea a file: read this package first.

A *study* trains one model on one data set in several *variants* (plans of
normalisation), each as many *replicas* (training runs with a seed of their
own). A replica leaves a :class:`RunRecord`; the records of a variant become
:class:`Estimate` values, two variants' records a :class:`Comparison`, and all
of it one :class:`Summary`, which is the file ``summary.json``.

Everything here is frozen data; it knows the standard library only.
"""

from normwise.domain.ablation import Ablation, AblationStep
from normwise.domain.comparison import Comparison, VerdictKind
from normwise.domain.condition import Condition
from normwise.domain.confidence import CONFIDENCE
from normwise.domain.data_file import DATA_FILES, DataFile, data_files, kind_of
from normwise.domain.ending import Ending, EndingKind
from normwise.domain.epoch_times import EpochTimes
from normwise.domain.epochs_text import epochs_text
from normwise.domain.estimate import Estimate
from normwise.domain.finding import Finding, Severity
from normwise.domain.fingerprint import fingerprint_at, joined_fingerprint
from normwise.domain.image_size import image_size
from normwise.domain.inside import Inside
from normwise.domain.lag import Lag
from normwise.domain.metric import (
    POPULATION,
    VALIDATION,
    is_of_training,
    is_with_population,
)
from normwise.domain.momentum import momentum_for, momentum_text, steps_needed
from normwise.domain.named_options import named_options
from normwise.domain.outcome import EpochsToTarget, Outcome, OutcomeKind
from normwise.domain.overfitting import Overfitting
from normwise.domain.population_sample import PopulationSample
from normwise.domain.program import ProgramKey
from normwise.domain.run import Run, RunKey, RunRecord
from normwise.domain.seeds import derive_seed, holdout_seeds, selection_seeds
from normwise.domain.segment import segment_length
from normwise.domain.sensitivity import AxisPoint, Sensitivity
from normwise.domain.solo_check import SoloCheck
from normwise.domain.summary import EarlyStopping, Summary, VariantSummary
from normwise.domain.target import Target
from normwise.domain.task import Task
from normwise.domain.variant import Variant

__all__ = [
    "CONFIDENCE",
    "DATA_FILES",
    "POPULATION",
    "VALIDATION",
    "Ablation",
    "AblationStep",
    "AxisPoint",
    "Comparison",
    "Condition",
    "DataFile",
    "EarlyStopping",
    "Ending",
    "EndingKind",
    "EpochTimes",
    "EpochsToTarget",
    "Estimate",
    "Finding",
    "Inside",
    "Lag",
    "Outcome",
    "OutcomeKind",
    "Overfitting",
    "PopulationSample",
    "ProgramKey",
    "Run",
    "RunKey",
    "RunRecord",
    "Sensitivity",
    "Severity",
    "SoloCheck",
    "Summary",
    "Target",
    "Task",
    "Variant",
    "VariantSummary",
    "VerdictKind",
    "data_files",
    "derive_seed",
    "epochs_text",
    "fingerprint_at",
    "holdout_seeds",
    "image_size",
    "is_of_training",
    "is_with_population",
    "joined_fingerprint",
    "kind_of",
    "momentum_for",
    "momentum_text",
    "named_options",
    "segment_length",
    "selection_seeds",
    "steps_needed",
]
