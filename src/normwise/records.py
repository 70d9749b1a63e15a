"""The core types: read this file first.

A *study* trains one model on one data set in several *variants* (plans of
normalisation), each as many *replicas* (training runs with a seed of their
own). A replica leaves a :class:`RunRecord`; the records of a variant become
:class:`Estimate` values, two variants' records a :class:`Comparison`, and all
of it one :class:`Summary`, which is the file ``summary.json``.

Everything here is frozen data; it knows NumPy and the standard library only.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from normwise.errors import SpecError, UnknownNameError, VariantError

__all__ = [
    "SOLO_LIMIT",
    "Ablation",
    "AblationStep",
    "Comparison",
    "Condition",
    "EarlyStopping",
    "EpochsToTarget",
    "Estimate",
    "Finding",
    "Outcome",
    "OutcomeKind",
    "RunKey",
    "RunRecord",
    "Severity",
    "SoloCheck",
    "Summary",
    "Target",
    "Task",
    "Variant",
    "VariantSummary",
    "VerdictKind",
    "derive_seed",
]

# Above this in the first epoch, training has amplified rounding already.
SOLO_LIMIT = 1e-3

Task = Literal["binary", "classes", "regression"]
Place = Literal["before", "after", "input"]
NormKind = Literal["batch", "layer", "group", "rms", "zscore", "minmax", "mean"]
OutcomeKind = Literal["reached", "censored", "diverged", "failed"]
VerdictKind = Literal["helps", "hurts", "no difference", "undecided"]
Severity = Literal["error", "warning", "note"]

_PLACES: tuple[str, ...] = get_args(Place)
_BOOLEANS = {"true": True, "false": False}
# Normalisers of the inputs alone, with statistics of the training part.
_FIXED_NORMS = ("zscore", "minmax", "mean")


def derive_seed(seed: int, purpose: str) -> int:
    """A 31-bit seed that depends on ``(seed, purpose)`` and nothing else.

    Every random stream of a replica starts here, so a replica is the same
    alone, in any stack, on any number of devices, and resumed.

    >>> derive_seed(0, "order") == derive_seed(0, "order")
    True
    >>> derive_seed(0, "order") == derive_seed(0, "dropout")
    False
    """
    digest = hashlib.sha256(f"{seed}:{purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1


@dataclass(frozen=True, slots=True)
class Variant:
    """A plan of normalisation: which normaliser, where, with which settings.

    Written ``PLACE[:OPTION,…]``: PLACE is ``none`` or one or more of ``before``
    and ``after`` (the activation) and ``input``, joined by ``+``. An option is
    ``name=value``; a bare name means ``name=true``.

    Attributes:
        places: Where normalisation goes; empty for the baseline ``none``.
        center: Whether to learn an offset β.
        scale: Whether to learn a factor γ.
        momentum: Weight of the old moving statistics, in [0, 1).
        epsilon: Added to the variance, > 0.
        bias: Keep a layer's bias where β makes it redundant (``before`` only).
        renorm: Batch renormalisation (Ioffe 2017), as Keras does it.
        ghost: Ghost batches (Hoffer et al. 2017) of so many examples, ≥ 2: each slice of a batch
            is normalised by its own statistics; 0 for whole batches.
        norm: Another normaliser than batch normalisation, as a comparator:
            ``layer``, ``group`` or ``rms``; at ``input`` also data preparation with
            statistics of the whole training part, which stay fixed: ``zscore``
            (x − mean) / deviation, ``minmax`` (x − min) / (max − min), ``mean``
            (x − mean) / (max − min).
        drop_before: Dropout rate directly in front of each normalisation, in [0, 1).
        drop_after: Dropout rate behind the activation and its normalisation, in
            [0, 1); the one option that ``none`` takes, too.
        only: Numbers of the normalisation layers to keep, from 1 in the order they run
            (joined by ``+``); empty for all.

    >>> Variant.parse("after:momentum=0.9,scale=false")
    Variant.parse('after:scale=false,momentum=0.9')
    >>> Variant.parse("none").is_baseline
    True
    """

    places: tuple[Place, ...] = ()
    center: bool = True
    scale: bool = True
    momentum: float = 0.99
    epsilon: float = 1e-3
    bias: bool = False
    renorm: bool = False
    ghost: int = 0
    norm: NormKind = "batch"
    drop_before: float = 0.0
    drop_after: float = 0.0
    only: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Variant:
        """Read ``PLACE[:OPTION,…]``.

        Raises:
            VariantError: A place, an option or a value that is not known.
        """
        place_text, _, option_text = text.strip().partition(":")
        places = _parse_places(text, place_text)
        parsed = [_parse_option(text, item) for item in option_text.split(",") if item]
        options = dict(parsed)
        if len(options) < len(parsed):
            raise VariantError(
                f"variant {text!r} sets an option twice; expected each at most once; "
                f"leave all but one out"
            )
        variant = cls(places=places, **options)
        _check_places(text, option_text, variant, set(options) - {"drop_after"})
        return variant

    @property
    def is_baseline(self) -> bool:
        """Whether this is ``none``: the model as it is without normalisation."""
        return self == Variant()

    @property
    def is_fixed(self) -> bool:
        """Whether the normaliser's statistics come from the whole training part."""
        return self.norm in _FIXED_NORMS

    @property
    def name(self) -> str:
        """The canonical text: ``parse(name)`` gives an equal variant."""
        options = [
            f"{item.name}={_option_text(getattr(self, item.name))}"
            for item in dataclasses.fields(self)
            if item.name != "places" and getattr(self, item.name) != item.default
        ]
        place = "+".join(self.places) or "none"
        return f"{place}:{','.join(options)}" if options else place

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Variant.parse({self.name!r})"


def _parse_places(text: str, place_text: str) -> tuple[Place, ...]:
    words = [word.strip() for word in place_text.split("+")]
    if words == ["none"]:
        return ()
    if "none" in words:
        raise VariantError(
            f"variant {text!r} joins 'none' with a place; expected one or the other; "
            f"try {'+'.join(word for word in words if word != 'none') or 'none'!r}"
        )
    for word in words:
        if word not in _PLACES:
            raise UnknownNameError(f"place in variant {text!r}:", word, ["none", *_PLACES])
    if len(set(words)) < len(words):
        raise VariantError(
            f"variant {text!r} names a place twice; expected each at most once; "
            f"try {'+'.join(dict.fromkeys(words))!r}"
        )
    # One spelling for one plan: `after+input` and `input+after` are the same variant.
    return tuple(place for place in ("input", "before", "after") if place in words)


def _check_places(text: str, option_text: str, variant: Variant, options: set[str]) -> None:
    """Refuse options that mean nothing where the variant puts its normalisation."""
    if options and not variant.places:
        raise VariantError(
            f"variant {text!r} sets options on 'none', which has no normalisation; "
            f"expected a place before ':', or drop_after alone; try 'after:{option_text}'"
        )
    if variant.is_fixed and variant.places != ("input",):
        raise VariantError(
            f"variant {text!r} puts norm={variant.norm} at {'+'.join(variant.places)!r}; it "
            f"prepares inputs with statistics of the training part, which hidden layers do not "
            f"have; expected it at 'input' alone; try 'input:norm={variant.norm}'"
        )


def _parse_option(text: str, item: str) -> tuple[str, Any]:
    name, _, value = (part.strip() for part in item.partition("="))
    defaults = {f.name: f.default for f in dataclasses.fields(Variant) if f.name != "places"}
    if name not in defaults:
        raise UnknownNameError(f"option in variant {text!r}:", name, defaults)
    if name == "norm":
        if value not in get_args(NormKind):
            raise UnknownNameError(f"norm in variant {text!r}:", value, get_args(NormKind))
        return name, value
    if name == "only":
        return name, _parse_numbers(text, item, value)
    if name == "ghost":
        return name, _parse_size(text, item, value)
    if isinstance(defaults[name], bool):
        if (value or "true") not in _BOOLEANS:
            raise VariantError(
                f"variant {text!r} has {item!r}; expected true or false; try '{name}=false'"
            )
        return name, _BOOLEANS[value or "true"]
    return name, _parse_number(text, item, name, value)


def _parse_numbers(text: str, item: str, value: str) -> tuple[int, ...]:
    words = [word.strip() for word in value.split("+")]
    if not all(word.isascii() and word.isdigit() and int(word) > 0 for word in words):
        raise VariantError(
            f"variant {text!r} has {item!r}; expected numbers of normalisation layers, counted "
            f"from 1 and joined by '+'; try 'only=1+2'"
        )
    return tuple(sorted(set(map(int, words))))


def _parse_size(text: str, item: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) != 1):
        raise VariantError(
            f"variant {text!r} has {item!r}; expected the number of examples in a ghost batch, at "
            f"least 2, since one has no deviation; try 'ghost=16'"
        )
    return int(value)


# An example of each option that is a share of one; the others are positive numbers.
_SHARES = {"momentum": "0.9", "drop_before": "0.3", "drop_after": "0.3"}


def _parse_number(text: str, item: str, name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    inside = 0.0 <= number < 1.0 if name in _SHARES else 0.0 < number < math.inf
    if not inside:
        expected = "at least 0 and below 1" if name in _SHARES else "above 0"
        raise VariantError(
            f"variant {text!r} has {item!r}; expected a number {expected}; "
            f"try '{name}={_SHARES.get(name, '1e-5')}'"
        )
    return number + 0.0  # -0 is 0: one plan, one name


def _option_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "+".join(map(str, value))
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


@dataclass(frozen=True, slots=True)
class Target:
    """A metric and the value to reach, ``val_accuracy>=0.8`` or ``val_loss<=0.4``.

    >>> Target.parse("val_accuracy >= 0.8")
    Target(metric='val_accuracy', relation='>=', value=0.8)
    >>> Target.parse("val_loss<=0.4").is_reached(0.39)
    True
    """

    metric: str
    relation: Literal[">=", "<="]
    value: float

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``METRIC>=VALUE`` or ``METRIC<=VALUE``.

        Raises:
            SpecError: The text is not of that form.
        """
        match = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*(>=|<=)\s*([-+.\deE]+)\s*", text)
        try:
            metric, relation, number = match.groups()  # type: ignore[union-attr]
            value = float(number)
        except (AttributeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise SpecError(
                f"target {text!r} does not parse; expected METRIC>=VALUE or METRIC<=VALUE; "
                f"try 'val_accuracy>=0.8'"
            )
        return cls(metric, relation, value)  # type: ignore[arg-type]

    def is_reached(self, value: float) -> bool:
        """Whether ``value`` meets the target; NaN never does."""
        return value >= self.value if self.relation == ">=" else value <= self.value

    def __str__(self) -> str:
        return f"{self.metric}{self.relation}{self.value:g}"


@dataclass(frozen=True, slots=True)
class Condition:
    """A point of a study's grid: how a replica trains, beside its variant and seed.

    Attributes:
        learning_rate: Of the optimiser, > 0; ``None`` where the model or a default says.
        initializer: Keras initialiser of all kernels; ``None`` for each layer's own.
        batch_size: Examples in a batch.

    >>> print(Condition(0.1, "he_normal", 32))
    learning rate 0.1, he_normal, batch size 32
    """

    learning_rate: float | None = None
    initializer: str | None = None
    batch_size: int = 32

    def __str__(self) -> str:
        rate = "" if self.learning_rate is None else f"learning rate {self.learning_rate:g}"
        return ", ".join(filter(None, [rate, self.initializer, f"batch size {self.batch_size}"]))


@dataclass(frozen=True, slots=True)
class RunKey:
    """What makes a training run the one it is.

    Attributes:
        variant: Canonical name of the variant.
        seed: The replica's seed, ≥ 0.
        setting: Hash of everything else that shapes the run: model, data,
            optimiser, learning rate, batch size, epochs.
    """

    variant: str
    seed: int
    setting: str

    @property
    def digest(self) -> str:
        """A stable 16-digit name, the same in every process and on every machine."""
        return hashlib.sha256(f"{self.variant}|{self.seed}|{self.setting}".encode()).hexdigest()[
            :16
        ]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What one finished training run leaves behind.

    Attributes:
        key: Which run it was.
        learning_rate: Of the optimiser at the first step.
        curves: Metric name (``loss``, ``accuracy``, ``val_loss``, …) to one
            value an epoch, all of the same length. After a divergence the
            values are NaN.
        diverged_at: First epoch (from 1) whose training loss was not finite,
            or ``None``.
        seconds: This replica's share of its chunk's training time.
        initializer: Of all kernels; ``None`` for each layer's own.
        batch_size: Examples in a batch; ``None`` in journals that do not say.
        stopped_at: Epoch after which it was stopped, because its point of the grid was not
            going to be the best, or ``None``. After it the values are NaN.
    """

    key: RunKey
    learning_rate: float
    curves: Mapping[str, tuple[float, ...]]
    diverged_at: int | None = None
    seconds: float = 0.0
    initializer: str | None = None
    batch_size: int | None = None
    stopped_at: int | None = None

    @property
    def epochs(self) -> int:
        """How many epochs the run was given."""
        return len(next(iter(self.curves.values())))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a replica ended, measured against a target.

    Attributes:
        kind: ``reached`` (at ``epoch``), ``censored`` (not within the epochs it
            was given), ``diverged`` (its loss stopped being finite) or
            ``failed`` (it could not be trained).
        epoch: First epoch (from 1) that met the target; ``inf`` if none did.
        remedy: What to do about it; empty when the target was reached.
    """

    kind: OutcomeKind
    epoch: float
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its uncertainty.

    Attributes:
        value: Point estimate; ``inf`` where it lies beyond what was observed.
        low: Lower end of the 95% interval.
        high: Upper end; ``inf`` where the data set no bound.
        n: Replicas (or pairs of replicas) behind it.
        censored: How many of those never reached the target.
        method: How it was computed, in words for the report.
        seed: Seed of the resampling, or ``None`` if there was none.
    """

    value: float
    low: float
    high: float
    n: int = 0
    censored: int = 0
    method: str = ""
    seed: int | None = None

    def times(self, factor: float) -> Estimate:
        """The same in another unit: ``factor``, > 0, of it to one of this.

        >>> print(Estimate(2.0, 1.0, math.inf).times(60.0).high)
        inf
        """
        ends = (self.value * factor, self.low * factor, self.high * factor)
        return Estimate(*ends, self.n, self.censored, self.method, self.seed)


@dataclass(frozen=True, slots=True)
class EpochsToTarget:
    """When the replicas of one variant reached the target.

    Attributes:
        median: Median epoch with its 95% interval; ``inf`` if fewer than half
            of the replicas arrived.
        restricted_mean: Mean of the epochs, a replica that never arrived counted as
            the whole run: the area over the Kaplan-Meier curve.
        reached: How many arrived.
        censored: How many ran to the end without arriving.
        diverged: How many stopped being finite before arriving.
    """

    median: Estimate
    restricted_mean: Estimate
    reached: int
    censored: int
    diverged: int


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """What Keras' early stopping would have made of a variant's runs.

    Attributes:
        patience: Epochs without an improvement after which it stops.
        monitor: The metric it watches.
        epochs: Mean number of epochs trained.
        final: Mean of the target's metric at the restored epoch.
    """

    patience: int
    monitor: str
    epochs: Estimate
    final: Estimate


@dataclass(frozen=True, slots=True)
class VariantSummary:
    """One variant in numbers.

    Attributes:
        name: The variant's canonical name.
        seeds: How many replicas were trained.
        final: Metric to its mean at the last epoch, over replicas that did not
            diverge.
        epochs_to_target: When they reached the target.
        seconds_per_epoch: Training time of one epoch of this variant's model alone, by
            Keras' own ``fit`` on this machine, validation not counted; NaN where that
            was not measured.
        learning_rate: The rate this variant stands at.
        initializer: Likewise, of all kernels; ``None`` for each layer's own.
        batch_size: Likewise.
        working_range: Decades of learning rates at which it reaches the target;
            ``None`` where the grid has a single one.
        early_stopping: What it would have saved, if that was asked.
        cost: Of a training alone to the median epoch, at the price that was given.
    """

    name: str
    seeds: int
    final: Mapping[str, Estimate]
    epochs_to_target: EpochsToTarget
    seconds_per_epoch: float
    learning_rate: float
    initializer: str | None = None
    batch_size: int | None = None
    working_range: Estimate | None = None
    early_stopping: EarlyStopping | None = None
    cost: Estimate | None = None

    @property
    def seconds_to_target(self) -> Estimate:
        """Of a training alone to the median epoch; the epoch's interval, in seconds.

        >>> times = EpochsToTarget(Estimate(10, 8, 12), Estimate(10, 9, 11), 5, 0, 0)
        >>> VariantSummary("after", 5, {}, times, 0.5, learning_rate=0.1).seconds_to_target.high
        6.0
        """
        return self.epochs_to_target.median.times(self.seconds_per_epoch)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against the baseline.

    Ratios are baseline over variant: above 1 the variant gets there sooner.

    Attributes:
        variant: The variant's name.
        baseline: The baseline's name.
        outcome: ``helps``, ``hurts``, ``no difference`` or ``undecided``.
        epochs_ratio: Ratio of epochs to the target.
        seconds_ratio: Ratio of seconds to the target, of models that train alone.
        seeds_needed: Seeds that would decide it, if undecided and foreseeable.
        range_gain: By how many decades of learning rates the variant's working range is
            wider; ``None`` where the grid has a single one.
        confidence: Of the ratios' intervals: 0.95, or more where several comparisons
            are to be right together.
        final_difference: Of the target's metric at the last epoch, variant minus
            baseline, over the seeds that both have.
        epochs_saved: Restricted mean of the baseline minus that of the variant, likewise.
        seeds: Of a variant, behind the outcome; ``None`` where all came at once.
    """

    variant: str
    baseline: str
    outcome: VerdictKind
    epochs_ratio: Estimate
    seconds_ratio: Estimate
    seeds_needed: int | None = None
    range_gain: Estimate | None = None
    confidence: float = 0.95
    final_difference: Estimate | None = None
    epochs_saved: Estimate | None = None
    seeds: int | None = None


@dataclass(frozen=True, slots=True)
class SoloCheck:
    """One replica retrained alone by Keras' own ``fit`` on the same batches.

    Attributes:
        variant: Which variant it was.
        seed: Which replica.
        max_relative_difference: Largest |solo − stacked| / |solo| over all
            epochs and metrics. Training amplifies rounding from step to step,
            and one example on the other side of a threshold moves an accuracy
            by one over their number.
        first_epoch_difference: The same over the losses of the first epoch, where
            rounding has mostly not grown yet: what the two ways of training differ by.
        first_steps: The same over the losses of the first batches of one replica of each
            variant, where rounding has had no time to grow.
        failed: Variants whose first batches differ by more than rounding explains: what the
            engine trained is not what Keras' own ``fit`` trains, and no verdict stands.
    """

    variant: str
    seed: int
    max_relative_difference: float
    first_epoch_difference: float = 0.0
    first_steps: Mapping[str, float] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    @property
    def first_steps_difference(self) -> float | None:
        """That of the replica's own variant; ``None`` where it was not looked at."""
        return self.first_steps.get(self.variant)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        parts = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        own = self.first_steps_difference
        if own is not None:
            parts["first_steps_difference"] = own
        return {name: _plain(part) for name, part in parts.items()}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> SoloCheck:
        """What :meth:`to_json` wrote.

        >>> check = SoloCheck("after", 3, math.inf, math.inf, {"after": math.inf}, ("after",))
        >>> SoloCheck.from_json(check.to_json()) == check
        True
        """
        numbers = {
            name: _or_infinite(body.get(name, 0.0))
            for name in ("max_relative_difference", "first_epoch_difference")
        }
        steps = {name: _or_infinite(value) for name, value in body.get("first_steps", {}).items()}
        failed = tuple(body.get("failed", ()))
        return cls(body["variant"], body["seed"], **numbers, first_steps=steps, failed=failed)


@dataclass(frozen=True, slots=True)
class AblationStep:
    """A variant with some of its normalisation layers only.

    Attributes:
        layers: Names of those it kept.
        variant: Its own name.
        restricted_mean: Of the epochs to the target, as in :class:`EpochsToTarget`.
        final: Mean of the target's metric at the last epoch.
    """

    layers: tuple[str, ...]
    variant: str
    restricted_mean: Estimate
    final: Estimate


@dataclass(frozen=True, slots=True)
class Ablation:
    """Which of a variant's normalisation layers matter.

    Attributes:
        variant: The variant's name.
        layers: Names of all its normalisation layers, in the order they run.
        kept: The fewest that stay within the interval of the best.
        tried: What was trained, from all layers to none.
    """

    variant: str
    layers: tuple[str, ...]
    kept: tuple[str, ...]
    tried: tuple[AblationStep, ...]

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Ablation:
        """Read back what :meth:`Summary.to_json` made of one.

        Raises:
            LookupError: A part is missing.
            TypeError: There is one too many.
        """
        tried = [
            {
                **step,
                "layers": tuple(step["layers"]),
                "restricted_mean": _estimate(step["restricted_mean"]),
                "final": _estimate(step["final"]),
            }
            for step in body["tried"]
        ]
        return cls(
            variant=body["variant"],
            layers=tuple(body["layers"]),
            kept=tuple(body["kept"]),
            tried=tuple(AblationStep(**step) for step in tried),
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """A study's answer: the content of ``summary.json``, version 1.

    Attributes:
        study: The study's name.
        target: What the replicas were timed to.
        variants: Each in numbers, in the order they were given.
        comparisons: Each of the others against the baseline.
        verdict: The answer, in a sentence.
        recommended: Name of a variant.
        solo_check: One replica trained again by Keras' own ``fit``.
        environment: Where it ran, name to text.
        rounds: Seeds after which the comparisons could be decided; empty where all
            seeds came at once.
        ablation: Which normalisation layers matter, if that was asked.
    """

    study: str
    target: Target
    variants: tuple[VariantSummary, ...]
    comparisons: tuple[Comparison, ...]
    verdict: str
    recommended: str
    solo_check: SoloCheck | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    rounds: tuple[int, ...] = ()
    ablation: Ablation | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; what is not finite becomes ``null``.

        What only some studies have (a grid, early stopping) is left out where there is none.
        """
        body: dict[str, Any] = {"version": 1, **_plain(self)}
        if self.solo_check is not None:
            body["solo_check"] = self.solo_check.to_json()
        for variant in body["variants"]:
            variant["final"] = {
                metric: {"mean": final["value"], "low": final["low"], "high": final["high"]}
                for metric, final in variant["final"].items()
            }
            times = variant["epochs_to_target"]
            median = times.pop("median")
            median["median"] = median.pop("value")
            variant["restricted_mean"] = times.pop("restricted_mean")
            variant["epochs_to_target"] = {**median, **times}
        if not self.rounds:
            del body["rounds"]
        return body


_ENDS = ("value", "low", "high")
_OF_SOME = {
    "initializer", "batch_size", "working_range", "range_gain", "early_stopping", "cost", "seeds",
    "ablation",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule of the check found in a model.

    Attributes:
        code: Of the rule, such as ``NW001``.
        rule: Its name, such as ``redundant-bias``.
        layer: The layer it was found in; ``None`` for the whole model.
        severity: ``error`` (predictions are wrong), ``warning`` (likely to be), ``note``.
        message: What was found there.
        fix: What to do.
        safe: Whether ``normwise fix`` does it, with predictions as they were, or statistics
            of the data in place of others.

    >>> Finding("NW001", "redundant-bias", "a", "note", "…", "…", safe=True).to_json()["layer"]
    'a'
    """

    code: str
    rule: str
    layer: str | None
    severity: Severity
    message: str
    fix: str
    safe: bool

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return dataclasses.asdict(self)


def _estimate(body: Mapping[str, Any]) -> Estimate:
    value, low, high = (math.nan if body[end] is None else body[end] for end in _ENDS)
    return Estimate(value, low, high)


def _or_infinite(value: float | None) -> float:
    """A difference, which JSON cannot say where one side alone is a number."""
    return math.inf if value is None else float(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return {name: _plain(getattr(value, name)) for name in _ENDS}
    if dataclasses.is_dataclass(value):
        parts = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
        return {
            name: _plain(part)
            for name, part in parts.items()
            if not (part is None and name in _OF_SOME)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
