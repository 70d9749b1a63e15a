"""Running the rules over a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from normwise.checks.findings import Findings
from normwise.checks.rules import select_rules
from normwise.checks.rules.rule import Rule
from normwise.checks.subject import Subject, require_model
from normwise.data.dataset import check_finite
from normwise.diagnose.untouched import untouched
from normwise.domain import Finding
from normwise.errors import SpecError
from normwise.models.fit_data import given_to
from normwise.models.steps import OnStep, ignore_step

__all__ = ["check", "findings_of", "rules_missing_input", "subject_of"]


def check(
    model: Any,
    data: Any = None,
    *,
    batch_size: int | None = None,
    steps: int | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Findings:
    """Look for what is known to go wrong with batch normalisation.

    The model is not changed. Rules that need to know more than the model, such as the data, are
    silent where that is not given.

    Args:
        model: Any built Keras model; of a subclassed one the layers are looked at, and how they
            are called, but not where they stand.
        data: Inputs in any form that ``fit`` takes, alone or with labels, as in
            :func:`normwise.recalibrate`; or a :class:`~normwise.data.Dataset`, a built-in
            name, or a file of data. All rows of the training part count.
        batch_size: Examples of a training batch.
        steps: Training steps that the moving statistics have seen; unless told, those of the
            model's optimiser.
        select: Codes or names of the rules to run; all unless given.
        ignore: Codes or names of the rules not to run.

    Returns:
        The findings, in the order of the rules' codes: a list, which a notebook shows as a table.

    Raises:
        ModelError: ``model`` is no Keras model, or not built.
        DataError: The inputs are empty, or do not fit the model.
        UnknownNameError: There is no such rule.
        SpecError: ``batch_size`` or ``steps`` is out of range.

    >>> import keras
    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dense(8, name="hidden"),
    ...     keras.layers.BatchNormalization(), keras.layers.ReLU(), keras.layers.Dense(1),
    ... ])
    >>> [(finding.code, finding.rule, finding.layer) for finding in check(model)]
    [('NW001', 'redundant-bias', 'hidden')]
    """
    rules = select_rules(select, ignore)
    with untouched(model):
        found = findings_of(subject_of(model, data, batch_size, steps), rules)
    return Findings(found, model.name)


def findings_of(
    subject: Subject, rules: Sequence[Rule], on_rule: OnStep = ignore_step
) -> list[Finding]:
    """What the rules find, in their order.

    Args:
        subject: What they look at.
        rules: The rules to run.
        on_rule: Called with (rules done, of, name of the next one): some go through the data.
    """
    found: list[Finding] = []
    for number, rule in enumerate(rules):
        on_rule(number, len(rules), rule.name)
        found.extend(rule.findings(subject))
    return found


def rules_missing_input(subject: Subject, rules: Sequence[Rule]) -> list[Rule]:
    """The rules that cannot look at a subject for lack of data, batch size or steps."""
    known = {"data": subject.x, "batch_size": subject.batch_size, "steps": subject.steps}
    given = {name for name, value in known.items() if value is not None}
    return [rule for rule in rules if rule.needs and not given.intersection(rule.needs)]


def subject_of(model: Any, data: Any, batch_size: int | None, steps: int | None) -> Subject:
    """The subject of a check, from the arguments of :func:`check`.

    Raises:
        NormwiseError: What :func:`check` raises of its arguments.
    """
    _require_at_least(1, "batch_size", batch_size)
    _require_at_least(0, "steps", steps)
    require_model(model)
    given = None if data is None else given_to(model, data)
    subject = Subject(model, given, batch_size, steps)
    for part in keras.tree.flatten(subject.x):
        if part is not None:
            check_finite("given to the check", "the inputs", part)
    return subject


def _require_at_least(least: int, name: str, value: int | None) -> None:
    if value is not None and value < least:
        raise SpecError(f"{name} is {value}; expected at least {least}; leave it out if unknown")
