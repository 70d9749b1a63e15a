"""`normwise study`: train all variants side by side, and answer."""

from __future__ import annotations

import glob
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from normwise.backend import import_keras_alone
from normwise.commands.arguments import Export
from normwise.commands.output_folder import output_folder
from normwise.commands.progress import study_progress
from normwise.commands.study_options import with_options_of
from normwise.domain import kind_of
from normwise.errors import SoloCheckFailed, SpecError, StudyIncomplete, UnknownNameError
from normwise.spec import Spec

__all__ = ["EXAMPLES", "seconds_of", "study"]

EXAMPLES = """
**Examples**

`normwise study circles` — the tutorials' own question, answered in seconds

`normwise study churn --data Churn_Modelling.csv --target-column Exited`

`normwise study my.toml --seeds 30 --variant none --variant after:momentum=0.9`

`normwise study --model mymodels:build --data mydata.npz --epochs 20`

`normwise study --data customers.csv --target-column left` — by a small network that suits the data

`normwise study digits-cnn --executor ray --ray-address auto` — on all machines of a Ray cluster
"""

# Boxes of the help; what most studies need stands in the first one.
_SURE, _RUNNING = "How sure, and what else to say", "How and where it is run"

Budget = Annotated[
    str | None,
    typer.Option(
        help="Begin no round of --until-decided that ends later: 90s, 10m, 1h30m.",
        rich_help_panel=_SURE,
        show_default=False,
    ),
]
Executor = Annotated[
    str,
    typer.Option(
        metavar="local|ray",
        help="Who trains: this process, or those of a Ray cluster (pip install "
        "'normwise\\[ray]'), which is worth it from two machines on. The answer is the same, "
        "and a folder may be continued with the other one.",
        rich_help_panel=_RUNNING,
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="With --executor ray: HOST:PORT of a cluster, or auto: the one that this machine "
        "has joined. Default: that of RAY_ADDRESS, else one of this machine alone.",
        rich_help_panel=_RUNNING,
        show_default=False,
    ),
]
ShowModel = Annotated[
    bool,
    typer.Option(
        "--show-model",
        help="Print the default model for the data as Keras code, and train nothing.",
    ),
]


def _studies_like(typed: str) -> list[str]:
    """What a shell offers for a study's name: built-in ones, and files of settings."""
    from normwise.studies import BUILT_IN

    files = (path.as_posix() for path in Path().glob(f"{glob.escape(typed)}*.toml"))
    return [name for name in (*BUILT_IN, *files) if name.startswith(typed)]


@with_options_of(Spec)
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
    *,
    budget: Budget = None,
    executor: Executor = "local",
    ray_address: RayAddress = None,
    out: Annotated[
        str | None,
        typer.Option(help="Folder for the results. Default: normwise-out/NAME-HASH."),
    ] = None,
    show_model: ShowModel = False,
    export: Export = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print summary.json and nothing else.", rich_help_panel=_RUNNING
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            help="Say what is decided on the way, and below the verdict how sure it is and all "
            "else that the report says.",
            rich_help_panel=_RUNNING,
        ),
    ] = False,
    **settings: Any,
) -> None:
    """Say whether batch normalisation helps a model, where, and how sure that is.

    The model trains without it (the variant none) and with it after or before each activation,
    each from several seeds; variants are compared by the epochs that they need to a target. Name
    a built-in study, or bring --data, and --model if there is one.

    The same command again goes on where an interrupted study stopped.
    """
    seconds = None if budget is None else seconds_of(budget)
    _check_exports(export or ())
    spec = _spec(name, {key: value for key, value in settings.items() if value not in (None, [])})
    if show_model:
        from normwise.study import Study

        print(Study.from_spec(spec).show_model(), end="")
        return
    folder = output_folder(out, name=spec.study, identity=spec.identity, example="my-study")
    how = {"budget": seconds, "executor": executor, "ray_address": ray_address}
    _run(spec, folder, how, export or (), as_json=as_json, verbose=verbose)


def _check_exports(kinds: Sequence[str]) -> None:
    """See before anything trains whether all can be written."""
    if kinds:
        from normwise.runs import check_export

        for kind in kinds:
            check_export(kind)


def _spec(name: str | None, changes: dict[str, Any]) -> Spec:
    from normwise.studies import BUILT_IN, study_file

    if name is None:
        if "data" not in changes:
            raise SpecError(
                "no study was named; expected a built-in study, a SPEC.toml, or --data, with "
                "--model or for the default model; try 'normwise study circles'"
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
    if ":" in name or name.endswith((".keras", ".h5", ".hdf5")):
        return "--model"
    from normwise.data import is_image_folder

    return "--data" if kind_of(name) or is_image_folder(name) else None


def _run(
    spec: Spec,
    folder: Path,
    how: Mapping[str, Any],
    exports: Sequence[str],
    *,
    as_json: bool,
    verbose: bool,
) -> None:
    from rich.console import Console

    from normwise.report import print_page
    from normwise.study import Study
    from normwise.study.notes import heard

    if not _is_code(spec.model):
        import_keras_alone()
    try:
        with study_progress(quiet=as_json, verbose=verbose) as on_progress, heard() as said:
            result = Study.from_spec(spec).run(folder, on_progress, **how)
    except KeyboardInterrupt:
        # Typer would end with another exit code than the one of an unfinished study.
        raise StudyIncomplete(
            "the study was interrupted before anything was trained; nothing is lost; run the same "
            "command again"
        ) from None
    written = [str(result.export(kind)) for kind in exports]
    if as_json:
        print(json.dumps(result.summary(), indent=2))
    else:
        print_page(
            result.page, Console(), files=[str(folder), *written], said=said, verbose=verbose
        )
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


def _is_code(model: str) -> bool:
    """Whether a model is a function of the user's, in a module or a file."""
    return ":" in model


def _in_words(reused: int, trained: int, folder: Path) -> str:
    if not trained:
        return f"Nothing was trained: {str(folder)!r} held all runs ({reused}) already."
    return f"Runs trained: {trained}. Runs that {str(folder)!r} held already: {reused}."


# Seconds of what durations are typed in.
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0}


def seconds_of(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``10m``, ``1.5h`` or ``1h30m``.

    Raises:
        SpecError: It is none of these, or nothing; in ``1h30``, of what are there 30?

    >>> seconds_of("10m"), seconds_of("1h30m"), seconds_of("45")
    (600.0, 5400.0, 45.0)
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms]?)", text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    whole = "".join(number + unit for number, unit in parts) == text.strip()
    if not whole or seconds <= 0 or (len(parts) > 1 and not all(unit for _, unit in parts)):
        raise SpecError(
            f"budget {text!r} does not parse; expected a duration above 0 in seconds, minutes or "
            f"hours; try --budget 10m"
        )
    return seconds
