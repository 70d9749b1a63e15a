"""Time to target, intervals, verdicts: what the curves of a study say."""

from normwise.analysis._ablation import Subset, ablation, subsets_to_try
from normwise.analysis._compare import Decision, compare
from normwise.analysis._direction import higher_is_better, rises_by_name, rises_in_training
from normwise.analysis._gradients import (
    RESOLUTION,
    GradientTrouble,
    first_over_last,
    gradient_troubles,
)
from normwise.analysis._grid import best_point, judging_runs, runs_at_best, split_seeds
from normwise.analysis._groups import baseline_of, paired_seeds
from normwise.analysis._judged import Times
from normwise.analysis._learning import as_learned
from normwise.analysis._mean import mean_estimate
from normwise.analysis._median import median_epochs
from normwise.analysis._outcome import outcome, reaching
from normwise.analysis._rounds import in_whole_rounds
from normwise.analysis._summary import summarise
from normwise.analysis._target import beyond_chance, default_metric, default_target
from normwise.analysis._verdict import withheld

__all__ = [
    "RESOLUTION",
    "Decision",
    "GradientTrouble",
    "Subset",
    "Times",
    "ablation",
    "as_learned",
    "baseline_of",
    "best_point",
    "beyond_chance",
    "compare",
    "default_metric",
    "default_target",
    "first_over_last",
    "gradient_troubles",
    "higher_is_better",
    "in_whole_rounds",
    "judging_runs",
    "mean_estimate",
    "median_epochs",
    "outcome",
    "paired_seeds",
    "reaching",
    "rises_by_name",
    "rises_in_training",
    "runs_at_best",
    "split_seeds",
    "subsets_to_try",
    "summarise",
    "withheld",
]
