"""The command line. Each command imports what it needs, so that help is instant."""

from __future__ import annotations

import atexit
import gc
import glob
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from normwise.durations import seconds_of
from normwise.errors import NormwiseError, SoloCheckFailed, StudyIncomplete, WorseError

if TYPE_CHECKING:
    from normwise.spec import Spec

__all__ = ["main"]

Model = Annotated[Path, typer.Argument(metavar="MODEL.keras", help="A saved Keras model.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="The file to write: OUT.keras.")]
Column = Annotated[str | None, typer.Option(help="Column of the table that is predicted.")]
GroupColumn = Annotated[
    str | None, typer.Option(help="Column of the table that its study was split by.")
]
TaskOption = Annotated[
    Literal["binary", "classes", "regression"] | None,
    typer.Option(
        "--task",
        metavar="<task>",
        help="binary, classes or regression: what that column is taken for.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Write also where the loss rises.")]
Steps = Annotated[
    int | None,
    typer.Option(min=0, help="Training steps so far. Default: as the optimiser says."),
]
Unsafe = Annotated[
    bool,
    typer.Option(
        "--unsafe", help="Load a model with Lambda layers or custom classes, which runs their code."
    ),
]
Select = Annotated[
    list[str] | None,
    typer.Option(help="Rules to run, codes or names, with commas or repeated. Default: all."),
]
Ignore = Annotated[list[str] | None, typer.Option(help="Rules not to run.")]

app = typer.Typer(
    name="normwise",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def _studies_like(typed: str) -> list[str]:
    """What a shell offers for a study's name: built-in ones, and files of settings."""
    from normwise.studies import BUILT_IN

    files = (path.as_posix() for path in Path().glob(f"{glob.escape(typed)}*.toml"))
    return [name for name in (*BUILT_IN, *files) if name.startswith(typed)]


_EXAMPLES = """
**Examples**

`normwise study circles` — the tutorials' own question, answered in seconds

`normwise study churn --data Churn_Modelling.csv --target-column Exited`

`normwise study my.toml --seeds 30 --variant none --variant after:momentum=0.9`

`normwise study --model mymodels:build --data mydata.npz --epochs 20`
"""


_LIST_EXAMPLES = """
**Examples**

`normwise list` — then `normwise study circles`
"""

_REPORT_EXAMPLES = """
**Examples**

`normwise report my-study` — after `normwise study circles --out my-study`
"""


_RECALIBRATE_EXAMPLES = """
**Examples**

`normwise recalibrate best.keras --data circles -o better.keras`
"""


_CHECK_EXAMPLES = """
**Examples**

`normwise check model.keras` — exit code 1 if there are findings

`normwise check model.keras --data mnist --batch-size 64`

`normwise check model.keras --format sarif > findings.sarif`

In `pyproject.toml`: `[tool.normwise.check]` with `ignore = ["redundant-bias"]`.
"""


_FIX_EXAMPLES = """
**Examples**

`normwise fix model.keras -o fixed.keras`

`normwise fix model.keras -o fixed.keras --data mnist` — statistics, too
"""


_FOLD_EXAMPLES = """
**Examples**

`normwise fold best.keras -o folded.keras`

`normwise fold best.keras -o folded.keras --data circles --onnx folded.onnx`
"""


_DIAGNOSE_EXAMPLES = """
**Examples**

`normwise diagnose best.keras --data circles`

`normwise diagnose model.keras --data mnist --batch-size 512 --out my-model`
"""


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        print(f"normwise {metadata.version('normwise')}")
        raise typer.Exit


@app.callback(epilog=_EXAMPLES)
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Does batch normalisation help your model, where, and how sure is that?

    normwise trains every placement × seed of a Keras model at once, in one
    compiled program, and answers with a verdict.
    """


@app.command(epilog=_EXAMPLES)
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
    _run(spec, _folder(out, spec), seconds, as_json=as_json, verbose=verbose)


@app.command("list", epilog=_LIST_EXAMPLES)
def list_studies() -> None:
    """Show the built-in studies: question, variants, needs, runs and time."""
    from rich.console import Console

    from normwise.listing import print_list

    print_list(Console())


@app.command(epilog=_REPORT_EXAMPLES)
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A study's folder.")],
) -> None:
    """Draw the report again from a study's folder; nothing is trained."""
    from rich.console import Console

    from normwise.report import print_page, write_html, write_png
    from normwise.study import page_of_folder

    page = page_of_folder(folder)
    files = [write_html(page, folder / "report.html"), write_png(page, folder / "curves.png")]
    print_page(page, Console(), files=[str(file) for file in files])


@app.command(epilog=_CHECK_EXAMPLES)
def check(
    model: Model,
    data: Annotated[
        str | None,
        typer.Option(help="Built-in data, FILE.csv or FILE.npz: all its training rows count."),
    ] = None,
    target_column: Column = None,
    task: TaskOption = None,
    group_column: GroupColumn = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Examples of a training batch.")
    ] = None,
    steps: Steps = None,
    form: Annotated[
        Literal["text", "json", "sarif"], typer.Option("--format", help="What to print.")
    ] = "text",
    select: Select = None,
    ignore: Ignore = None,
    unsafe: Unsafe = False,
) -> None:
    """Look for what is known to go wrong with batch normalisation.

    Prints findings with their remedies and ends with exit code 1 if there are any. The model
    is not changed.
    """
    from normwise.checkup import check_file
    from normwise.datasets import TableOptions

    found = check_file(
        model,
        data=data,
        table=TableOptions(target_column, task, group_column),
        batch_size=batch_size,
        steps=steps,
        select=select or (),
        ignore=ignore or (),
        form=form,
        unsafe=unsafe,
    )
    raise typer.Exit(1 if found else 0)


@app.command(epilog=_FIX_EXAMPLES)
def fix(
    model: Model,
    out: Out,
    data: Annotated[
        str | None,
        typer.Option(
            help="Built-in data, FILE.csv or FILE.npz: mends statistics, and shows the "
            "loss before and after."
        ),
    ] = None,
    target_column: Column = None,
    task: TaskOption = None,
    group_column: GroupColumn = None,
    steps: Steps = None,
    select: Select = None,
    ignore: Ignore = None,
    force: Force = False,
    unsafe: Unsafe = False,
) -> None:
    """Mend what `normwise check` finds, where that is safe, in a new file.

    Predictions stay as they are; where data is given and statistics are wrong, they come from
    the data. Nothing is written where the loss would rise (exit code 1). The file that was read
    is not touched.
    """
    from normwise.checkup import fix_file
    from normwise.datasets import TableOptions

    fix_file(
        model,
        out,
        data=data,
        table=TableOptions(target_column, task, group_column),
        steps=steps,
        select=select or (),
        ignore=ignore or (),
        force=force,
        unsafe=unsafe,
    )


@app.command(epilog=_RECALIBRATE_EXAMPLES)
def recalibrate(
    model: Model,
    data: Annotated[
        str, typer.Option(help="Built-in data, FILE.csv or FILE.npz: all its training rows count.")
    ],
    out: Out,
    target_column: Column = None,
    task: TaskOption = None,
    group_column: GroupColumn = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Examples at a time: memory, not the result.")
    ] = 256,
    frozen: Annotated[
        bool,
        typer.Option("--frozen", help="Also layers that are frozen: they were so after training."),
    ] = False,
    force: Force = False,
    unsafe: Unsafe = False,
) -> None:
    """Replace moving statistics by those of the whole data; nothing else changes.

    Moving averages lag behind the weights, so a model can do worse in inference than in
    training on the same data. Here each batch normalisation gets the mean and variance of
    everything that it takes, layer after layer. Nothing is written where the loss would rise
    (exit code 1).
    """
    from normwise.care import recalibrate_file
    from normwise.datasets import TableOptions

    recalibrate_file(
        model,
        data,
        out,
        table=TableOptions(target_column, task, group_column),
        batch_size=batch_size,
        frozen=frozen,
        force=force,
        unsafe=unsafe,
    )


@app.command(epilog=_FOLD_EXAMPLES)
def fold(
    model: Model,
    out: Out,
    data: Annotated[
        str | None,
        typer.Option(help="Data to compare predictions on; random numbers unless given."),
    ] = None,
    target_column: Column = None,
    task: TaskOption = None,
    group_column: GroupColumn = None,
    onnx: Annotated[
        Path | None,
        typer.Option(help="Also export the folded model: OUT.onnx. Needs normwise[onnx]."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the certificate and nothing else.")
    ] = False,
    unsafe: Unsafe = False,
) -> None:
    """Put batch normalisation into the weights of its neighbours, for inference.

    Predictions stay the same and take less time; the certificate, written beside the model,
    says how far they differ, what was not folded, and why. Where they differ by more than
    rounding, nothing is written, and the exit code is 1. Train on with the unfolded model.
    """
    from normwise.care import fold_file
    from normwise.datasets import TableOptions

    holds = fold_file(
        model,
        out,
        data=data,
        table=TableOptions(target_column, task, group_column),
        onnx=onnx,
        as_json=as_json,
        unsafe=unsafe,
    )
    raise typer.Exit(0 if holds else 1)


@app.command(epilog=_DIAGNOSE_EXAMPLES)
def diagnose(
    model: Model,
    data: Annotated[str, typer.Option(help="Built-in data, FILE.csv or FILE.npz.")],
    target_column: Column = None,
    task: TaskOption = None,
    group_column: GroupColumn = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Examples in a batch, as the model was trained with.")
    ] = 32,
    out: Annotated[
        str | None,
        typer.Option(help="Folder for the results. Default: normwise-out/MODEL-HASH."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print gap.json and nothing else.")
    ] = False,
    unsafe: Unsafe = False,
) -> None:
    """Say why a model does otherwise in inference than in training.

    The same weights on the same data, normalised four ways, show how much of the gap is
    lagging statistics, batch noise or generalisation; and whether a prediction depends on its
    neighbours in the batch. Nothing is trained, and the model stays as it is.
    """
    from normwise.datasets import TableOptions
    from normwise.diagnosis import diagnose_file

    diagnose_file(
        model,
        data,
        table=TableOptions(target_column, task, group_column),
        batch_size=batch_size,
        out=out,
        as_json=as_json,
        unsafe=unsafe,
    )


def main() -> None:
    """Run the command line; turn our own errors into one message and an exit code."""
    # Keras, JAX and their traces stay to the end: to look for garbage among them, and once more
    # at the exit, costs a tenth of a short study.
    gc.set_threshold(100_000, 50, 100)
    atexit.register(gc.freeze)
    try:
        app(standalone_mode=True, prog_name="normwise")
    except NormwiseError as error:
        # No Rich here: a message is to be read as it is, whatever brackets it holds.
        said = error.typed if isinstance(error, WorseError) else error
        print(f"normwise: {said}", file=sys.stderr)
        sys.exit(error.exit_code)


def _spec(name: str | None, changes: dict[str, Any]) -> Spec:
    from normwise.errors import SpecError, UnknownNameError
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


def _folder(out: str | None, spec: Spec) -> Path:
    from normwise.errors import SpecError

    if out is not None and not out.strip():
        raise SpecError(
            f"--out is {out!r}; expected a folder; try --out my-study, or leave --out out"
        )
    if out is not None:
        return Path(out)
    digest = hashlib.sha256(spec.to_toml().encode()).hexdigest()[:8]
    return Path("normwise-out") / f"{spec.study}-{digest}"


def _run(spec: Spec, folder: Path, budget: float | None, *, as_json: bool, verbose: bool) -> None:
    from rich.console import Console

    from normwise.progress import shown
    from normwise.report import print_page
    from normwise.study import Study

    try:
        with shown(quiet=as_json, verbose=verbose) as on_progress:
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
