"""`normwise judge`: a verdict on runs that something else trained."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import typer

from normwise.commands.arguments import Verbose, with_groups
from normwise.commands.output_folder import output_folder

__all__ = ["EXAMPLES", "judge"]

EXAMPLES = """
**Examples**

`normwise judge runs.csv` — a row a run and epoch: variant, seed, epoch, val_accuracy and the like

`normwise judge logs --pattern '{variant}/run_{seed}.csv'` — files of Keras' CSVLogger

`normwise judge wandb.csv --variant-column Name --target 'val/accuracy>=0.9' --baseline plain`

`normwise judge tensorboard-logs` — event files (pip install 'normwise\\[tensorboard]')

`normwise judge mlflow:my-experiment` — (pip install 'normwise\\[mlflow]')
"""


@dataclass(frozen=True)
class Asked:
    """What is asked of the runs."""

    target: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC>=VALUE",
            help="What runs are timed to. Default: what the baseline reaches at its end.",
        ),
    ] = None
    metric: Annotated[
        str | None,
        typer.Option(
            help="The metric of that default target. Default: validation accuracy, else loss."
        ),
    ] = None
    mode: Annotated[
        Literal["auto", "min", "max"],
        typer.Option(
            metavar="auto|min|max",
            help="Whether less or more of the metric is better. auto: as its name says, or else as "
            "training moves it.",
        ),
    ] = "auto"
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="VARIANT",
            help="The variant that the others are compared with. Default: the one called none.",
        ),
    ] = None
    margin: Annotated[
        float,
        typer.Option(help="A speed-up within this factor makes no difference that matters."),
    ] = 1.25
    end_margin: Annotated[
        float | None,
        typer.Option(
            help="A final value worse by at most this, in the metric's unit, is no worse. "
            "Default: 0.01 of a score whose best is 1, or a fifth of what the baseline lacks to "
            "it if that is less; 2% of a loss."
        ),
    ] = None
    horizon: Annotated[
        int | None,
        typer.Option(
            help="Epochs up to which all are compared. Default: as far as every variant goes."
        ),
    ] = None


@dataclass(frozen=True)
class Where:
    """Where the runs say what they are, if that is not recognised."""

    variant_column: Annotated[
        str | None,
        typer.Option(
            help="Column that says the variant. Default: recognised by name and content, as "
            "the next two are."
        ),
    ] = None
    seed_column: Annotated[str | None, typer.Option(help="Column that says the seed.")] = None
    epoch_column: Annotated[
        str | None, typer.Option(help="Column that says the epoch or step.")
    ] = None
    pattern: Annotated[
        str | None,
        typer.Option(
            help="How the path of a run's file says variant and seed, such as "
            "'{variant}/run_{seed}.csv'; {} stands for any text."
        ),
    ] = None


@with_groups
def judge(
    runs: Annotated[
        str,
        typer.Argument(
            metavar="RUNS",
            help="A table (such as CSV or Parquet) with a row for each run and epoch, a folder of "
            "tables or event files with one for each run, mlflow:EXPERIMENT or a tracking URI.",
        ),
    ],
    asked: Asked,
    where: Where,
    out: Annotated[
        str | None,
        typer.Option(help="Folder for the results. Default: normwise-out/NAME-HASH."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print summary.json and nothing else.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Say which variant gets to a target sooner, from runs that something else trained.

    A run is one training: of a variant (what was changed, `none` being the baseline), from a seed,
    with metrics after each epoch. Bring at least three seeds of each variant; runs with the same
    seed are compared in pairs. Nothing is trained, and what the runs do not say, such as seconds,
    is left out.
    """
    from rich.console import Console

    from normwise.report import print_page
    from normwise.study.judging import judge as judged
    from normwise.study.judging import name_of

    options = {**asdict(asked), **asdict(where)}
    identity = json.dumps([runs, options])
    folder = output_folder(out, name=name_of(runs), identity=identity, example="judged")
    result = judged(runs, out=folder, **options)
    if as_json:
        print(json.dumps(result.summary(), indent=2))
    else:
        print_page(result.page, Console(), files=[str(folder)], verbose=verbose)
