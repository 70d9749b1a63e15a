"""The fields of a study, each with what it says of itself: a new one is an edit of this file."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Self

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from normwise.domain import (
    Condition,
    Target,
    Variant,
    data_files,
    image_size,
    selection_seeds,
)
from normwise.spec.about import About, abouts
from normwise.spec.contradictions import refuse_contradictions
from normwise.spec.data_settings import (
    ColorMode,
    GroupColumn,
    ImageSize,
    LabelsFile,
    TargetColumn,
    TaskOfLabels,
    Window,
)
from normwise.spec.engine_choice import EngineChoice
from normwise.spec.kinds import (
    BatchSize,
    Count,
    Name,
    Positive,
    Several,
    Weight,
    listed,
    named,
)
from normwise.spec.optimizer import optimizer_parts
from normwise.spec.refusals import as_usage_error, refuse_arguments_of_fit
from normwise.spec.series import series
from normwise.spec.settings_file import settings_in
from normwise.spec.variant_settings import Variants
from normwise.spec.verdict_settings import (
    Ablate,
    EndMargin,
    Margin,
    MaxSeeds,
    Patience,
    Population,
    Price,
    Probe,
    ProbeRuns,
    Prune,
    Remedy,
    UntilDecided,
)

__all__ = ["AXES", "DEFAULT_MODEL", "LEARNING_RATE", "OPTIMIZER", "Spec"]

# The name of what is trained where no model is given.
DEFAULT_MODEL = "default"

# What a study trains with where neither the user nor a compiled model says.
OPTIMIZER, LEARNING_RATE = "sgd", 0.01

# Rounds of seeds, each doubling their number, that `until_decided` may take unless told.
ROUNDS = 4
# A box of `--help` below the first one, which has what most studies need.
_TRAINING = "How each run trains"


class Spec(BaseModel):
    """One question: model, data, variants, training, target.

    Every field is a key of the TOML file and, unless it says otherwise, with dashes for
    underscores, an option of ``normwise study``: ``normwise study --help`` says what each
    means. Where ``optimizer``, ``learning_rate`` or ``loss`` is ``None``, a compiled model's
    own counts, and :data:`OPTIMIZER` and :data:`LEARNING_RATE` otherwise.

    >>> Spec(model="circles", data="circles", seeds=3).variants
    ('none', 'after', 'before')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: Annotated[
        str,
        Field(pattern=r"^[\w.-]+$"),
        About(
            "answer",
            "Name of the study.",
            in_file_only=True,
            example="'my-study'",
            hashed_at_default=True,
        ),
    ] = "study"
    question: Annotated[
        str | None,
        About(
            "answer",
            "What it asks, in a sentence.",
            in_file_only=True,
            example="'Does normalisation help?'",
        ),
    ] = None
    model: Annotated[
        str,
        About(
            "training",
            "Built-in model, FILE.keras, FILE.h5, FILE.py:function or package.module:function. "
            "Default: a small network that suits the data; --show-model prints it.",
            example="circles",
            hashed_at_default=True,
        ),
    ] = DEFAULT_MODEL
    data: Annotated[
        str,
        About(
            "training",
            f"Built-in data, {data_files()}. Arrays of an .npz are x_train and y_train, or "
            f"called like the model's inputs and outputs.",
            example="circles",
            hashed_at_default=True,
        ),
    ]
    target_column: TargetColumn = None
    group_column: GroupColumn = None
    labels: LabelsFile = None
    image_size: ImageSize = None
    color_mode: ColorMode = None
    window: Window = None
    task: TaskOfLabels = None
    standardize_targets: Annotated[
        bool | None,
        About(
            "training",
            "Whether training standardises the targets of a regression; losses, metrics and "
            "predictions keep their units. Default: unless the model was compiled for them.",
            # Names as long as these would leave others of their box no room.
            panel="Regression",
        ),
    ] = None
    variants: Variants = ("none", "after", "before")
    optimizer: Annotated[
        str | None,
        About(
            "training",
            "Keras optimiser, such as sgd:momentum=0.9 or adam. Default: the compiled "
            f"model's, else {OPTIMIZER}.",
            panel=_TRAINING,
            hashed_at_default=True,
        ),
    ] = None
    learning_rate: Annotated[
        Several[Positive] | None,
        BeforeValidator(series),
        About(
            "axis",
            "Learning rate, > 0, repeatable: 0.01,0.1 are two; 1e-4:1:9 are nine, evenly on a "
            "logarithmic scale. Each variant is compared at its own best. Default: the compiled "
            "model's, else "
            f"{LEARNING_RATE}.",
            example="0.01",
            panel=_TRAINING,
            hashed_at_default=True,
        ),
    ] = None
    initializer: Annotated[
        Several[Name] | None,
        BeforeValidator(listed),
        About(
            "axis",
            "Keras initialiser for all kernels, such as he_normal or random_normal:stddev=0.5, "
            "repeatable. Default: each layer's own.",
            panel=_TRAINING,
            hashed_at_default=True,
        ),
    ] = None
    loss: Annotated[
        str | None,
        About(
            "training",
            "Keras loss. Default: the compiled model's, else what suits the labels.",
            panel=_TRAINING,
            hashed_at_default=True,
        ),
    ] = None
    batch_size: Annotated[
        Several[BatchSize],
        BeforeValidator(series),
        About(
            "axis",
            "Examples in a batch, repeatable.",
            example="32",
            panel=_TRAINING,
            hashed_at_default=True,
        ),
    ] = (32,)
    depth: Annotated[
        Several[Count] | None,
        BeforeValidator(series),
        About(
            "axis",
            "What a function of a model gets as its argument depth, repeatable: 2,10,30 are three "
            "networks. Default: the function's own.",
            example="2,10,30",
            panel=_TRAINING,
        ),
    ] = None
    epochs: Annotated[
        Count, About("training", "Epochs of each run.", example="20", hashed_at_default=True)
    ] = 20
    seeds: Annotated[
        Count,
        About(
            "extent",
            "Runs of each variant, which begin with other weights and see the data in other "
            "orders: the more, the surer.",
            example="10",
            hashed_at_default=True,
        ),
    ] = 10
    until_decided: UntilDecided = False
    max_seeds: MaxSeeds = None
    target: Annotated[
        str | None,
        About(
            "answer",
            "What runs are timed to, such as 'val_accuracy>=0.8': variants are compared by the "
            "epochs that it takes. Default: what the baseline reaches at its end, if that is more "
            "than guessing.",
        ),
    ] = None
    margin: Margin = 1.25
    end_margin: EndMargin = None
    patience: Patience = None
    population: Population = True
    prune: Prune = False
    remedy: Remedy = True
    ablate: Ablate = False
    probe: Probe = False
    probe_runs: ProbeRuns = 2
    engine: EngineChoice = "auto"
    price: Price = None
    class_weight: Annotated[
        dict[str, Weight] | None,
        BeforeValidator(named),
        Field(min_length=1),
        About(
            "training",
            "Class to the weight of its examples in the loss.",
            in_file_only=True,
            example="{0 = 1.0, 1 = 4.0}",
        ),
    ] = None

    @classmethod
    def make(cls, settings: Mapping[str, Any]) -> Self:
        """Validate settings from anywhere.

        Raises:
            SpecError: A value is out of range or missing.
            UnknownNameError: There is no such setting.
            VariantError: A variant does not parse.
        """
        refuse_arguments_of_fit(settings)
        try:
            spec = cls(**settings)
        except ValidationError as error:
            raise as_usage_error(error, cls.model_fields) from None
        refuse_contradictions(spec, AXES)
        if spec.target is not None:
            Target.parse(spec.target)
        if spec.image_size is not None:
            image_size(spec.image_size)
        if spec.optimizer is not None:
            optimizer_parts(spec.optimizer)
        # Which variants were asked for stays known: the default ones need not suit the model.
        names = tuple(Variant.parse(text).name for text in spec.variants)
        return spec.model_copy(update={"variants": names} if "variants" in settings else {})

    @classmethod
    def from_toml(cls, path: Path, changes: Mapping[str, Any]) -> Self:
        """Read a file; ``changes`` (from the command line) win over it.

        Raises:
            SpecError: The file is missing, is no TOML, or a setting is wrong.
        """
        return cls.make({**settings_in(path), **changes})

    @classmethod
    def abouts(cls) -> dict[str, About]:
        """What each setting says of itself, by name."""
        return abouts(cls.model_fields)

    def to_toml(self) -> str:
        """The settings as a file that :meth:`from_toml` reads back."""
        return self._toml(set())

    @property
    def identity(self) -> str:
        """A text that is the same for the same study, also once new settings have come."""
        return self._toml(self._unsaid())

    @property
    def conditions(self) -> list[Condition]:
        """The points of the grid, the first axis fastest; one where there is no grid.

        >>> spec = Spec(model="circles", data="circles", learning_rate=[0.1, 1], batch_size=8)
        >>> [str(condition) for condition in spec.conditions]
        ['learning rate 0.1, batch size 8', 'learning rate 1, batch size 8']
        """
        rates, initializers = self.learning_rate or (None,), self.initializer or (None,)
        return [
            Condition(rate, initializer, size, depth)
            for depth in self.depths
            for size in self.batch_size
            for initializer in initializers
            for rate in rates
        ]

    @property
    def depths(self) -> tuple[int | None, ...]:
        """Those of the grid; ``(None,)`` where the model says."""
        return self.depth or (None,)

    @property
    def grid_seeds(self) -> Sequence[int]:
        """Seeds of the first round that are trained at every point of the grid.

        >>> list(Spec(model="circles", data="circles", seeds=5, prune=True).grid_seeds)
        [0, 2, 4]
        """
        seeds = range(self.seeds)
        return selection_seeds(seeds) if self.prune else seeds

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
        unshaping = {name for name, about in self.abouts().items() if not about.shapes_a_run}
        unsaid = self._unsaid()
        shaping = self.model_dump(exclude=unshaping | unsaid)
        shaping |= {name: value for name, value in asdict(condition).items() if name not in unsaid}
        # A study says the same whether it names a default or leaves it out.
        shaping["optimizer"] = shaping["optimizer"] or OPTIMIZER
        shaping["learning_rate"] = shaping["learning_rate"] or LEARNING_RATE
        text = f"{sorted(shaping.items())}|{fingerprint}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _unsaid(self) -> set[str]:
        """Settings that came later and have their default: what came before knows none of them."""
        fields = type(self).model_fields
        return {
            name
            for name, about in self.abouts().items()
            if not about.hashed_at_default and getattr(self, name) == fields[name].default
        }

    def _toml(self, left_out: set[str]) -> str:
        settings = self.model_dump(exclude_none=True, exclude=left_out)
        for axis in AXES:
            if len(settings.get(axis, ())) == 1:
                [settings[axis]] = settings[axis]
        return tomli_w.dumps(settings)


# Settings that may have several values, which form a grid.
AXES = tuple(name for name, about in Spec.abouts().items() if about.decides == "axis")
