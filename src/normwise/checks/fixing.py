"""Applying the safe fixes of the check's findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from normwise.checks.rules import select_rules
from normwise.checks.rules.placement import can_merge, redundant_biases, repeated_norms
from normwise.checks.rules.rule import number
from normwise.checks.rules.weights import is_rounding
from normwise.checks.running import findings_of, subject_of
from normwise.checks.subject import Subject
from normwise.data import Given
from normwise.domain import Finding
from normwise.keras_private import compile_arguments, decays
from normwise.models.affine import affine, inference_statistics
from normwise.models.compiled import is_compiled
from normwise.models.graph import has_graph
from normwise.models.kinds import unwrapped
from normwise.models.linear import as_array
from normwise.models.loss_comparison import loss_before, refuse_rise, restoring
from normwise.models.optimizers import clone_optimizer, inner_optimizer
from normwise.models.rebuild import Edits, rebuild
from normwise.models.recalibrating import recalibrate, why_worse
from normwise.models.steps import OnStep, ignore_step
from normwise.report import Page, Shown, findings_page, findings_section

__all__ = ["Fixed", "fix"]

# Rules whose findings population statistics mend.
_STATISTICS = ("stale-statistics", "moving-statistics-gap", "unmoved-statistics")
# What to do where those would make the loss rise: from Python, and on the command line.
_WAYS_OUT = (
    f"try ignore={list(_STATISTICS)} to mend the rest alone, or force=True",
    f"try --ignore {','.join(_STATISTICS)} to mend the rest alone, or --force",
)
# Means that a batch normalisation remembers: in inference, and with renormalisation in training.
_MEANS_OF_INPUTS = ("moving_mean", "renorm_mean")


@dataclass(frozen=True, slots=True, repr=False)
class Fixed(Shown):
    """A model whose safe fixes were applied; a notebook shows what they were.

    Attributes:
        model: The mended model, compiled as the one that was given; its optimiser goes on.
        mended: Findings that are gone.
        left: Findings that are still there.
    """

    model: Any
    mended: tuple[Finding, ...]
    left: tuple[Finding, ...]

    def _shown(self) -> Page:
        return findings_page(
            "fix",
            self.model.name,
            f"{number(len(self.mended), 'finding')} mended, {len(self.left)} left",
            findings_section("Mended", self.mended, mended=True),
            findings_section("Left", self.left),
        )


def fix(
    model: Any,
    data: Any = None,
    *,
    batch_size: int | None = None,
    steps: int | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    force: bool = False,
    on_layer: OnStep = ignore_step,
) -> Fixed:
    """Apply the safe fixes: predictions stay as they are, or come from the data's statistics.

    With labels, a compiled model is fixed only where its loss does not rise. It is taken over the
    validation part where there is one, else over all that was given.

    - ``redundant-bias``: the bias goes into the moving mean, and out of the layer.
    - ``time-distributed-norm``: the normalisation is called on the whole sequence.
    - ``repeated-norm``: two batch normalisations become one.
    - ``not-finite``: moving variances that are below 0 by rounding become 0.
    - ``stale-statistics``, ``moving-statistics-gap``: population statistics, where there is data;
      ``unmoved-statistics`` where there are labels, too.

    Args:
        model: Any built Keras model. It stays untouched; one without a graph (subclassed)
            cannot be copied, so its statistics are mended in place.
        data: Inputs in any form that ``fit`` takes, alone or with labels, as in
            :func:`normwise.check`.
        batch_size: Examples of a training batch.
        steps: Training steps that the moving statistics have seen; unless given, those of the
            model's optimiser.
        select: Codes or names of the rules whose findings are fixed; all unless given.
        ignore: Codes or names of the rules whose findings stay.
        force: Fix also where the loss rises.
        on_layer: Called with (layers recalibrated, of, name of the next one).

    Raises:
        ModelError: ``model`` is no Keras model, or not built; or a layer cannot be copied from its
            configuration.
        DataError: The data are empty, or do not fit the model.
        UnknownNameError: There is no such rule.
        SpecError: ``batch_size`` or ``steps`` is out of range.
        WorseError: The loss would rise, by more than a hundredth.

    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dense(8, name="hidden"),
    ...     keras.layers.BatchNormalization(), keras.layers.ReLU(), keras.layers.Dense(1),
    ... ])
    >>> fixed = fix(model)
    >>> [finding.rule for finding in fixed.mended], fixed.model.get_layer("hidden").use_bias
    (['redundant-bias'], False)
    """
    rules = select_rules(select, ignore)
    subject = subject_of(model, data, batch_size, steps)
    found = findings_of(subject, rules)
    wanted = {finding.rule for finding in found if finding.safe}
    mended = _mend(subject, wanted, on_layer, force=force)
    left = findings_of(Subject(mended, subject.given, batch_size, steps), rules)
    return Fixed(mended, _gone(found, left), tuple(left))


def _mend(subject: Subject, wanted: set[str], on_layer: OnStep, *, force: bool) -> Any:
    """Apply the fixes; one that makes the loss rise leaves the model as it was."""
    model = subject.model
    before = None if force else loss_before(model, subject.given)
    why = why_worse(norm for norm in subject.norms if norm.trainable)  # a frozen one stays
    with restoring(model):
        mended = _apply_fixes(subject, wanted, on_layer)
        refuse_rise(mended, before, why, _WAYS_OUT)
    return mended


def _gone(found: Sequence[Finding], left: Sequence[Finding]) -> tuple[Finding, ...]:
    still = {(finding.rule, finding.layer) for finding in left}
    return tuple(finding for finding in found if (finding.rule, finding.layer) not in still)


def _apply_fixes(subject: Subject, wanted: set[str], on_layer: OnStep) -> Any:
    model = subject.model
    if has_graph(model):
        model = rebuild(model, _remove_biases(subject) if "redundant-bias" in wanted else Edits())
        if "time-distributed-norm" in wanted:
            model = rebuild(model, _remove_wrappers(Subject(model)))
        while "repeated-norm" in wanted and (edits := _merge_first_pair(Subject(model))):
            model = rebuild(model, edits)
        _compile_like(subject.model, model)
    if "not-finite" in wanted:
        for norm in Subject(model).norms:
            variance = as_array(norm.moving_variance)
            if is_rounding(variance, norm):
                norm.moving_variance.assign(np.maximum(variance, 0))
    if wanted.intersection(_STATISTICS) and subject.x is not None:
        recalibrate(model, Given(subject.x), on_layer=on_layer)
    return model


def _remove_biases(subject: Subject) -> Edits:
    """Remove each redundant bias, and subtract it from the moving mean behind the layer."""
    edits = Edits()
    for _, call, layer in redundant_biases(subject):
        norm = call.operation
        if layer is unwrapped(layer) and layer.bias_regularizer is None:
            edits.settings[layer]["use_bias"] = False
            bias = as_array(layer.bias)
            for name in _MEANS_OF_INPUTS:
                if hasattr(norm, name):
                    edits.values.append((norm, name, as_array(getattr(norm, name)) - bias))
    return edits


def _remove_wrappers(subject: Subject) -> Edits:
    """Put each normalisation in ``TimeDistributed`` in the place of its wrapper."""
    edits = Edits()
    for graph in subject.graphs:
        for call in graph.calls:
            wrapper = call.operation
            norm = unwrapped(wrapper)
            wrapped = isinstance(wrapper, keras.layers.TimeDistributed)
            if not wrapped or not isinstance(norm, keras.layers.BatchNormalization):
                continue
            # Inside the wrapper the axis of steps, behind that of the examples, is missing.
            axis = norm.axis if norm.axis <= 0 else norm.axis + 1
            config = {**norm.get_config(), "axis": axis, "name": wrapper.name}
            new = type(norm).from_config(config)
            edits.removed.add(call)
            edits.appended[call].append(new)
            edits.values.extend((new, variable.name, variable) for variable in norm.variables)
    return edits


def _merge_first_pair(subject: Subject) -> Edits | None:
    """Merge the first two batch normalisations in a row, in the place of the second."""
    pairs = repeated_norms(subject)
    pair = next((pair for pair in pairs if can_merge(*pair)), None)
    if pair is None:
        return None
    _, first, second = pair
    mean, variance = inference_statistics(first.operation)
    (scale, offset), (scale_2, offset_2) = affine(first.operation), affine(second.operation)
    # Both together, expressed as γ and β behind the statistics of the first.
    both = scale * scale_2
    gamma = both * np.sqrt(variance + second.operation.epsilon)
    beta = offset * scale_2 + offset_2 + both * mean
    edits = Edits()
    edits.removed.add(first)
    values = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": variance}
    edits.values.extend((second.operation, name, value) for name, value in values.items())
    return edits


def _compile_like(old: Any, new: Any) -> None:
    """Compile a model as another one is, with an optimiser that goes on where that one is."""
    if not is_compiled(old):
        return
    settings = compile_arguments(old)
    settings["optimizer"] = clone_optimizer(old.optimizer)
    _exclude_alike(old, settings["optimizer"], new)
    new.compile(**settings)
    new.optimizer.build(new.trainable_variables)
    # The optimiser's variables are named after the weights, which kept their names.
    state = {variable.path: variable for variable in old.optimizer.variables}
    for variable in new.optimizer.variables:
        if variable.path in state:
            variable.assign(np.array(state[variable.path].value))


def _exclude_alike(old: Any, optimizer: Any, new: Any) -> None:
    """Exclude from decay what the old model excluded: a configuration does not hold that."""
    inner = inner_optimizer(old.optimizer)
    excluded = {weight.path for weight in old.trainable_variables if not decays(inner, weight)}
    if excluded:
        kept = [weight for weight in new.trainable_variables if weight.path in excluded]
        inner_optimizer(optimizer).exclude_from_weight_decay(var_list=kept)
