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
    return f"{_what(check)}: largest relative difference {_found(check)}: {_judged(check)}."


def _what(check: SoloCheck) -> str:
    """What was trained again.

    >>> print(_what(SoloCheck("after", 3, 0, epochs_checked=2, epochs_trained=5))[-67:])
    , its first 2 of 5 epochs (more would take longer than a check may)
    >>> print(_what(SoloCheck("after", 3, 0, epochs_checked=0, epochs_trained=5))[-59:])
    first batches (an epoch would take longer than a check may)
    """
    how = "retrained alone by Keras' own fit on the same"
    if check.epochs_checked == 0:
        return (
            f"One replica of every variant {how} first batches "
            f"(an epoch would take longer than a check may)"
        )
    said = f"One replica ({check.variant}, seed {check.seed}) {how} batches"
    if check.epochs_checked == check.epochs_trained:
        return said
    count, of = check.epochs_checked, check.epochs_trained
    return f"{said}, its first {count} of {of} epochs (more would take longer than a check may)"


def _found(check: SoloCheck) -> str:
    steps = max(check.first_steps.values(), default=None)
    over_steps = "" if steps is None else number(steps, 2)
    if check.epochs_checked == 0:
        return over_steps
    whole = check.epochs_checked == check.epochs_trained
    found = (
        f"{number(check.max_relative_difference, 2)} over {'the whole run' if whole else 'these'}, "
        f"{number(check.first_epoch_difference, 2)} in the first epoch's losses"
    )
    return f"{found}; over every variant's first batches {over_steps}" if over_steps else found


def _judged(check: SoloCheck) -> str:
    if check.failed:
        return f"more than rounding explains, in {' and '.join(check.failed)}"
    if check.first_epoch_difference > AMPLIFIED:
        return "the same training, which amplifies rounding, as it does that of two Keras fits"
    if check.max_relative_difference > AMPLIFIED:
        return "rounding, which training has amplified since"
    return "the same training, up to rounding"
