"""`normwise study`: train all variants side by side, and answer."""

from __future__ import annotations

import glob
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from normwise.commands.output_folder import output_folder
from normwise.commands.progress import study_progress
from normwise.errors import SoloCheckFailed, SpecError, StudyIncomplete, UnknownNameError

if TYPE_CHECKING:
    from normwise.spec import Spec

__all__ = ["EXAMPLES", "seconds_of", "study"]

EXAMPLES = """
**Examples**

`normwise study circles` — the tutorials' own question, answered in seconds

`normwise study churn --data Churn_Modelling.csv --target-column Exited`

`normwise study my.toml --seeds 30 --variant none --variant after:momentum=0.9`

`normwise study --model mymodels:build --data mydata.npz --epochs 20`
"""


def _studies_like(typed: str) -> list[str]:
    """What a shell offers for a study's name: built-in ones, and files of settings."""
    from normwise.studies import BUILT_IN

    files = (path.as_posix() for path in Path().glob(f"{glob.escape(typed)}*.toml"))
    return [name for name in (*BUILT_IN, *files) if name.startswith(typed)]


def study(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME|SPEC.toml]",
            help="A built-in study (see `normwise list`) or a file of settings.",
            show_default=False,
            autocompletion=_studies_like,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Built-in model, FILE.keras or package.module:function."),
    ] = None,
    data: Annotated[str | None, typer.Option(help="Built-in data, FILE.csv or FILE.npz.")] = None,
    target_column: Annotated[
        str | None, typer.Option(help="Column of the table to predict.")
    ] = None,
    group_column: Annotated[
        str | None,
        typer.Option(
            help="Column of the table that says which rows belong together, such as a patient's: "
            "none of them validates what others trained."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="binary, classes or regression: whole numbers can be either. Default: what the "
            "labels look like."
        ),
    ] = None,
    standardize_targets: Annotated[
        bool | None,
        typer.Option(
            help="Whether training standardises the targets of a regression; losses, metrics and "
            "predictions keep their units. Default: unless the model was compiled for them.",
            show_default=False,
            # Two names as long as these are cut off in a row of 80 columns: the title shows them.
            rich_help_panel="Regression: --standardize-targets or --no-standardize-targets",
        ),
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            help="PLACE[:OPTION,…], repeatable. PLACE: none, before, after (the "
            "activation), input, joined by +. OPTION: center=false, scale=false, "
            "momentum=0.9, epsilon=1e-5, bias=true, renorm, ghost=16, "
            "norm=layer|group|rms, only=1+2 (of its layers), "
            "drop_before=0.3, drop_after=0.3; at input also norm=zscore|minmax|mean."
        ),
    ] = None,
    learning_rate: Annotated[
        list[str] | None,
        typer.Option(
            help="Learning rate, > 0, repeatable; 1e-4:1:9 are nine, evenly on a logarithmic "
            "scale. Each variant is compared at its own best."
        ),
    ] = None,
    initializer: Annotated[
        list[str] | None, typer.Option(help="Keras initialiser for all kernels, repeatable.")
    ] = None,
    batch_size: Annotated[
        list[str] | None, typer.Option(help="Examples in a batch, repeatable.")
    ] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="Keras optimiser, such as sgd:momentum=0.9 or adam.")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="Keras loss; inferred from the labels unless given.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Replicas of each variant.")] = None,
    until_decided: Annotated[
        bool,
        typer.Option(
            "--until-decided",
            help="Double the seeds, round after round, until every comparison is decided.",
        ),
    ] = False,
    max_seeds: Annotated[
        int | None,
        typer.Option(help="Most seeds of --until-decided. Default: 8 times --seeds."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(help="Begin no round that ends later: 90s, 10m, 1h30m.", show_default=False),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of each replica.")] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="Metric to reach, such as 'val_accuracy>=0.8'. Default: the baseline's end."
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="A speed-up within this factor is no difference. Default: 1.25."),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Say what early stopping with this patience would have saved."),
    ] = None,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Stop points of the grid early that will not be the best. Saves more than half "
            "of a large grid; there is no working range then.",
        ),
    ] = False,
    ablate: Annotated[
        bool,
        typer.Option("--ablate", help="Also say which of the normalisation layers matter."),
    ] = False,
    price: Annotated[
        float | None,
        typer.Option(help="Of an hour on this machine: says what reaching the target costs."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(help="Folder for the results. Default: normwise-out/NAME-HASH."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print summary.json and nothing else.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Say what is decided on the way.")
    ] = False,
) -> None:
    """Train all variants side by side and say whether normalisation helps.

    The same command again goes on where an interrupted study stopped.
    """
    given = {
        "model": model,
        "data": data,
        "target_column": target_column,
        "group_column": group_column,
        "task": task,
        "standardize_targets": standardize_targets,
        "variants": variant and tuple(variant),
        "learning_rate": learning_rate or None,
        "initializer": initializer or None,
        "batch_size": batch_size or None,
        "optimizer": optimizer,
        "loss": loss,
        "seeds": seeds,
        "until_decided": until_decided or None,
        "max_seeds": max_seeds,
        "epochs": epochs,
        "target": target,
        "margin": margin,
        "patience": patience,
        "prune": prune or None,
        "ablate": ablate or None,
        "price": price,
    }
    seconds = None if budget is None else seconds_of(budget)
    spec = _spec(name, {key: value for key, value in given.items() if value is not None})
    folder = output_folder(out, name=spec.study, identity=spec.to_toml(), example="my-study")
    _run(spec, folder, seconds, as_json=as_json, verbose=verbose)


def _spec(name: str | None, changes: dict[str, Any]) -> Spec:
    from normwise.spec import Spec
    from normwise.studies import BUILT_IN, study_file

    if name is None:
        if "model" not in changes or "data" not in changes:
            raise SpecError(
                "no study was named; expected a built-in study, a SPEC.toml, or both --model and "
                "--data; try 'normwise study circles'"
            )
        return Spec.make(changes)
    if name.endswith(".toml"):
        return Spec.from_toml(Path(name), changes)
    if name not in BUILT_IN and (option := _option_for(name)):
        raise SpecError(
            f"{name!r} is no study; expected a built-in study or a SPEC.toml; try {option} {name}"
        )
    if name not in BUILT_IN:
        raise UnknownNameError("study", name, [*BUILT_IN, "SPEC.toml"])
    return Spec.from_toml(study_file(name), changes)


def _option_for(name: str) -> str | None:
    """The option that takes what was named as a study: a model's file or function, or data."""
    ending = ".keras" if ":" in name else Path(name).suffix
    return {".keras": "--model", ".csv": "--data", ".npz": "--data"}.get(ending)


def _run(spec: Spec, folder: Path, budget: float | None, *, as_json: bool, verbose: bool) -> None:
    from rich.console import Console

    from normwise.report import print_page
    from normwise.study import Study

    try:
        with study_progress(quiet=as_json, verbose=verbose) as on_progress:
            result = Study.from_spec(spec).run(folder, on_progress, budget=budget)
    except KeyboardInterrupt:
        # Typer would end with another exit code than the one of an unfinished study.
        raise StudyIncomplete(
            "interrupted while the study was prepared; expected to run to its end; "
            "run the same command again"
        ) from None
    if as_json:
        print(json.dumps(result.summary(), indent=2))
    else:
        print_page(result.page, Console(), files=[str(folder)])
    if result.reused:
        print(
            _in_words(result.reused, result.trained, folder), file=sys.stderr if as_json else None
        )
    if result.answer.solo_check and result.answer.solo_check.failed:
        raise SoloCheckFailed(
            f"the solo check failed, so there is no verdict and no best.keras; expected the "
            f"engine to train as Keras' own fit does; {str(folder)!r} holds the figures of both; "
            f"please report the model"
        )


def _in_words(reused: int, trained: int, folder: Path) -> str:
    if not trained:
        return f"Nothing was trained: {str(folder)!r} held all runs ({reused}) already."
    return f"Runs trained: {trained}. Runs that {str(folder)!r} held already: {reused}."


# Seconds of what durations are typed in.
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0}


def seconds_of(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``10m``, ``1.5h`` or ``1h30m``.

    Raises:
        SpecError: It is none of these, or nothing.

    >>> seconds_of("10m"), seconds_of("1h30m"), seconds_of("45")
    (600.0, 5400.0, 45.0)
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms]?)", text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text.strip() or seconds <= 0:
        raise SpecError(
            f"budget {text!r} does not parse; expected a duration above 0 in seconds, minutes or "
            f"hours; try --budget 10m"
        )
    return seconds
