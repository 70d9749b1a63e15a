"""The solo check: what Keras' own ``fit`` makes of the same replicas."""

from __future__ import annotations

from normwise.domain import SoloCheck
from normwise.report.formatting import number
from normwise.report.results import StudyResults
from normwise.report.section import Section

__all__ = ["build"]

# Above this, training has amplified rounding; what is a failure, `study/verification.py` decides.
AMPLIFIED = 1e-3


def build(results: StudyResults) -> Section:
    """A sentence, also where it was not run."""
    summary = results.summary
    if summary.environment.get("engine") == "fit":
        said = "Nothing to check: Keras' own fit trained every run itself."
        return Section("Solo check", text=(said,))
    return Section("Solo check", text=(_sentence(summary.solo_check),))


def _sentence(check: SoloCheck | None) -> str:
    """What retraining one replica alone found.

    >>> _sentence(None)
    'Not run.'
    >>> grown = _sentence(SoloCheck("after", 3, 0.2, 0.1, {"none": 0.0, "after": 2e-6}))
    >>> "first batches 2e-06: the same training" in grown
    True
    >>> failed = SoloCheck("after", 3, 0.2, 0.1, {"none": 0.0, "after": 0.1}, ("after",))
    >>> print(_sentence(failed).rpartition("batches ")[2])
    0.10: more than rounding explains, in after.
    """
    if check is None:
        return "Not run."
    start, largest = check.first_epoch_difference, check.max_relative_difference
    steps = max(check.first_steps.values(), default=None)
    found = (
        f"{number(largest, 2)} over the whole run, {number(start, 2)} in the first epoch's losses"
    )
    if steps is not None:
        found += f"; over every variant's first batches {number(steps, 2)}"
    if check.failed:
        judged = f"more than rounding explains, in {' and '.join(check.failed)}"
    elif start > AMPLIFIED:
        judged = "the same training, which amplifies rounding, as it does that of two Keras fits"
    elif largest > AMPLIFIED:
        judged = "rounding, which training has amplified since"
    else:
        judged = "the same training, up to rounding"
    return (
        f"One replica ({check.variant}, seed {check.seed}) retrained alone by Keras' own fit on "
        f"the same batches: largest relative difference {found}: {judged}."
    )
