"""A study's settings: what stands in ``spec.toml`` and on the command line."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import math
import reprlib
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from normwise.domain import Condition, Target, Task, Variant
from normwise.errors import SpecError, UnknownNameError, UsageError
from normwise.series import MOST, series

__all__ = ["AXES", "LEARNING_RATE", "OPTIMIZER", "Spec", "optimizer_parts"]

# What a study trains with where neither the user nor a compiled model says.
OPTIMIZER, LEARNING_RATE = "sgd", 0.01

# Settings that may have several values, which form a grid.
AXES = ("learning_rate", "initializer", "batch_size")

# What a run does not depend on.
NOT_SHAPING = {
    "study", "question", "variants", "seeds", "until_decided", "max_seeds", "target", "margin",
    "patience", "price", "ablate", "prune",
}  # fmt: skip

# Rounds of seeds, each doubling their number, that `until_decided` may take unless told.
ROUNDS = 4


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _no_boolean(value: object) -> object:
    # Pydantic would read `true` as 1.
    if isinstance(value, bool):
        raise PydanticCustomError("number_type", "Input should be a number")
    return value


def _named(value: object) -> object:
    # From Python, classes are numbers; a TOML key is always a text.
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else value


Count = Annotated[int, BeforeValidator(_no_boolean)]
LearningRate = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_no_boolean)]
BatchSize = Annotated[int, Field(gt=0), BeforeValidator(_no_boolean)]
Name = Annotated[str, Field(min_length=1)]
Item = TypeVar("Item")
Several = Annotated[tuple[Item, ...], Field(min_length=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(_no_boolean)]

# Arguments of Keras' `fit` that a study does not take: why, and what to type instead.
_OF_FIT = {
    "callbacks": (
        "they act between the steps of one training, and a study trains all in one program",
        "target='val_loss<=0.4' instead of early stopping (every epoch is recorded), and a model "  # noqa: ISC004
        "compiled with one of keras.optimizers.schedules instead of changing its learning rate",
    ),
    "validation_data": ("they stand in the data", "Study(model, ((x, y), (x_val, y_val)))"),
    "validation_split": ("a fifth of (x, y) validates", "Study(model, ((x, y), (x_val, y_val)))"),
    "shuffle": ("each seed and epoch has an order of its own", "Study(model, data)"),
    "steps_per_epoch": ("an epoch is the whole training part", "a smaller training part"),
}  # fmt: skip


class Spec(BaseModel):
    """One question: model, data, variants, training, target.

    Every field is a key of the TOML file and all but ``study``, ``question`` and
    ``class_weight``, with dashes for underscores, an option of ``normwise study``.
    Where ``optimizer``, ``learning_rate`` or ``loss`` is ``None``, a compiled model's
    own counts, and :data:`OPTIMIZER` and :data:`LEARNING_RATE` otherwise.

    >>> Spec(model="circles", data="circles", seeds=3).variants
    ('none', 'after', 'before')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str = Field("study", pattern=r"^[\w.-]+$", description="Name of the study")
    question: str | None = Field(None, description="What it asks, in a sentence")
    model: str = Field(description="Built-in model, FILE.keras or package.module:function")
    data: str = Field(description="Built-in data, FILE.csv or FILE.npz")
    target_column: str | None = Field(None, description="Column of a table to predict")
    group_column: str | None = Field(
        None, description="Column of a table whose rows of one value stay together in the split"
    )
    task: Task | None = Field(None, description="What to take the labels for; inferred from them")
    standardize_targets: bool | None = Field(
        None, description="Of a regression, in training; unless the model was compiled for them"
    )
    variants: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        ("none", "after", "before"), description="PLACE[:OPTION,…], the baseline first"
    )
    optimizer: str | None = Field(None, description="Keras optimiser, NAME[:OPTION=VALUE,…]")
    learning_rate: Annotated[Several[LearningRate] | None, BeforeValidator(series)] = Field(
        None, description="One or several; FIRST:LAST:COUNT is a logarithmic range"
    )
    initializer: Annotated[Several[Name] | None, BeforeValidator(_listed)] = Field(
        None, description="Keras initialisers for all kernels"
    )
    loss: str | None = Field(None, description="Keras loss; inferred from the labels")
    batch_size: Annotated[Several[BatchSize], BeforeValidator(series)] = (32,)
    epochs: Count = Field(20, gt=0, le=MOST)
    seeds: Count = Field(10, gt=0, le=MOST, description="Replicas of each variant")
    until_decided: bool = Field(
        default=False, description="Double the seeds until every comparison is decided"
    )
    max_seeds: Annotated[int, Field(gt=0, le=MOST), BeforeValidator(_no_boolean)] | None = Field(
        None, description="Most seeds that until_decided may train; 8 times the seeds unless told"
    )
    target: str | None = Field(None, description="METRIC>=VALUE or METRIC<=VALUE")
    margin: Annotated[float, Field(gt=1, allow_inf_nan=False), BeforeValidator(_no_boolean)] = (
        Field(1.25, description="A speed-up within this factor makes no difference that matters")
    )
    patience: Annotated[int, Field(ge=0, le=MOST), BeforeValidator(_no_boolean)] | None = Field(
        None, description="Epochs of patience of the early stopping that is simulated"
    )
    prune: bool = Field(
        default=False, description="Stop points of the grid early that will not be the best"
    )
    ablate: bool = Field(default=False, description="Also say which normalisation layers matter")
    price: (
        Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_no_boolean)] | None
    ) = Field(None, description="Of an hour on this machine, in any currency")
    class_weight: Annotated[dict[str, Weight] | None, BeforeValidator(_named)] = Field(
        None, min_length=1, description="Class to the weight of its examples in the loss"
    )

    @classmethod
    def make(cls, settings: Mapping[str, Any]) -> Spec:
        """Validate settings from anywhere.

        Raises:
            SpecError: A value is out of range or missing.
            UnknownNameError: There is no such setting.
            VariantError: A variant does not parse.
        """
        _refuse_of_fit(settings)
        try:
            spec = cls(**settings)
        except ValidationError as error:
            raise _as_usage_error(error) from None
        names = [Variant.parse(text).name for text in spec.variants]
        if len(set(names)) < len(names) or not names:
            raise SpecError(
                f"variants are {', '.join(spec.variants) or 'missing'}; expected at least one and "
                f"each once; try --variant none --variant after"
            )
        for axis in AXES:
            _refuse_repeated(axis, getattr(spec, axis) or ())
        _check_rounds(spec)
        _check_pruning(spec)
        if spec.ablate and not any(Variant.parse(text).places for text in names):
            raise SpecError(
                f"ablate was given with {', '.join(names)}, and there are no normalisation layers "
                f"to leave out; expected a variant that places some; add --variant after"
            )
        if spec.target is not None:
            Target.parse(spec.target)
        if spec.optimizer is not None:
            optimizer_parts(spec.optimizer)
        # Which variants were asked for stays known: the default ones need not suit the model.
        return spec.model_copy(update={"variants": tuple(names)} if "variants" in settings else {})

    @classmethod
    def from_toml(cls, path: Path, changes: Mapping[str, Any]) -> Spec:
        """Read a file; ``changes`` (from the command line) win over it.

        Raises:
            SpecError: The file is missing, is no TOML, or a setting is wrong.
        """
        try:
            # With or without the mark that Windows' editors put at the start.
            settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise SpecError(
                f"cannot read {str(path)!r} ({error}); expected a TOML file with settings such as "
                f"model, data and seeds; 'normwise study circles' writes one to copy from"
            ) from None
        return cls.make({**settings, **changes})

    def to_toml(self) -> str:
        """The settings as a file that :meth:`from_toml` reads back."""
        settings = self.model_dump(exclude_none=True)
        for axis in AXES:
            if len(settings.get(axis, ())) == 1:
                [settings[axis]] = settings[axis]
        return tomli_w.dumps(settings)

    @property
    def conditions(self) -> list[Condition]:
        """The points of the grid, the first axis slowest; one where there is no grid.

        >>> spec = Spec(model="circles", data="circles", learning_rate=[0.1, 1], batch_size=8)
        >>> [str(condition) for condition in spec.conditions]
        ['learning rate 0.1, batch size 8', 'learning rate 1, batch size 8']
        """
        rates, initializers = self.learning_rate or (None,), self.initializer or (None,)
        return [
            Condition(rate, initializer, size)
            for size in self.batch_size
            for initializer in initializers
            for rate in rates
        ]

    @property
    def rounds(self) -> tuple[int, ...]:
        """Seeds after which comparisons are looked at: doubling, up to the most.

        >>> Spec(model="circles", data="circles", seeds=10, until_decided=True).rounds
        (10, 20, 40, 80)
        >>> Spec(model="circles", data="circles", seeds=10).rounds
        (10,)
        """
        if not self.until_decided:
            return (self.seeds,)
        most = self.max_seeds or self.seeds * 2 ** (ROUNDS - 1)
        doubled = itertools.takewhile(
            lambda seeds: seeds < most, (self.seeds * 2**step for step in itertools.count())
        )
        return (*doubled, most)

    def setting(self, fingerprint: str, condition: Condition) -> str:
        """Hash of what shapes a run; see :class:`~normwise.domain.RunKey`.

        It does not depend on the rest of the grid, nor on the variants and seeds.
        """
        shaping = self.model_dump(exclude=NOT_SHAPING)
        shaping |= asdict(condition)
        # A study says the same whether it names a default or leaves it out.
        shaping["optimizer"] = shaping["optimizer"] or OPTIMIZER
        shaping["learning_rate"] = shaping["learning_rate"] or LEARNING_RATE
        for newer in (
            "class_weight",
            "task",
            "standardize_targets",
            "group_column",
        ):  # journals from before know nothing of them
            if shaping[newer] is None:
                del shaping[newer]
        text = f"{sorted(shaping.items())}|{fingerprint}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_rounds(spec: Spec) -> None:
    if spec.max_seeds is not None and not spec.until_decided:
        raise SpecError(
            f"max_seeds is {spec.max_seeds} and until_decided was not given; expected both, or "
            f"neither; add --until-decided, or set the number with --seeds {spec.max_seeds}"
        )
    if spec.max_seeds is not None and spec.max_seeds <= spec.seeds:
        raise SpecError(
            f"max_seeds is {spec.max_seeds} and the first round has {spec.seeds} seeds; expected "
            f"room for a second; try --max-seeds {4 * spec.seeds}, or fewer --seeds"
        )
    if spec.until_decided and len(spec.variants) < 2:
        raise SpecError(
            f"until_decided was given with {spec.variants[0]!r} alone, and there is nothing to "
            f"decide; expected two variants; add --variant after"
        )


def _check_pruning(spec: Spec) -> None:
    if spec.prune and len(spec.conditions) < 2:
        raise SpecError(
            "prune was given and the grid has one point, which nothing can be stopped in favour "
            "of; expected several; add --learning-rate 1e-3:1:4, or leave --prune out"
        )
    if spec.prune and spec.until_decided:
        raise SpecError(
            "prune and until_decided were both given, and rounds of seeds would choose again and "
            "again what to stop; expected one of them; leave --prune out"
        )
    if spec.prune and spec.seeds < 2:
        raise SpecError(
            "prune was given with 1 seed; expected one to choose by and another to judge by; "
            "try --seeds 10"
        )


def _refuse_repeated(axis: str, values: Sequence[float | str]) -> None:
    seen = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    repeated = next((value for value, times in Counter(seen).items() if times > 1), None)
    if repeated is not None:
        raise SpecError(
            f"{axis} {repeated} was given twice ({', '.join(seen)}); expected each value once; "
            f"leave one out, or choose ranges that do not share a value"
        )


def optimizer_parts(text: str) -> tuple[str, dict[str, float | bool]]:
    """Split ``NAME[:OPTION=VALUE,…]``.

    >>> optimizer_parts("sgd:momentum=0.9,nesterov=true")
    ('sgd', {'momentum': 0.9, 'nesterov': True})
    """
    name, _, rest = text.partition(":")
    options: dict[str, float | bool] = {}
    for item in filter(None, rest.split(",")):
        option, _, value = (part.strip() for part in item.partition("="))
        try:
            number = value == "true" if value in ("true", "false") else float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise SpecError(
                f"optimizer {text!r} has {item!r}; expected OPTION=NUMBER or OPTION=true; "
                f"try 'sgd:momentum=0.9'"
            )
        options[option] = number
    return name.strip(), options


def _refuse_of_fit(settings: Mapping[str, Any]) -> None:
    for name, (reason, instead) in _OF_FIT.items():
        if name in settings:
            raise SpecError(
                f"{name!r} was given, an argument of Keras' fit ({reason}); expected a study's "
                f"settings; try {instead}"
            )


_EXAMPLES = {
    "seeds": "10",
    "epochs": "20",
    "batch_size": "32",
    "learning_rate": "0.01",
    "margin": "1.25",
    "patience": "5",
    "max_seeds": "80",
    "price": "2.5",
    "model": "circles",
    "data": "circles",
    "variants": "after",
}
_IN_A_FILE = {
    "study": "study = 'my-study'",
    "class_weight": "class_weight = {0 = 1.0, 1 = 4.0}",
}


def _as_usage_error(error: ValidationError) -> UsageError:
    first = error.errors()[0]
    name = str(first["loc"][0])
    option = f"--{name.removesuffix('s') if name == 'variants' else name.replace('_', '-')}"
    example = f"try {option} {_EXAMPLES[name]}" if name in _EXAMPLES else f"check {option}"
    if first["type"] == "literal_error":
        nearest = difflib.get_close_matches(str(first["input"]), get_args(Task), n=1, cutoff=0)
        example = f"try {option} {nearest[0]}"
    if name in _IN_A_FILE:
        example = f"try {_IN_A_FILE[name]}"
    if first["type"] == "extra_forbidden":
        return UnknownNameError("setting", name, Spec.model_fields)
    if first["type"] == "missing":
        return SpecError(f"no {name} was given; expected one; {example}")
    expected = first["msg"].removeprefix("Input should be ")
    if first["type"] == "too_short":
        expected = "one value or more"
    expected = expected.replace("String should ", "a text to ")
    return SpecError(
        f"setting {name!r} is {reprlib.repr(first['input'])}; expected {expected}; {example}"
    )
