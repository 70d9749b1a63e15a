"""The command line as a whole. Each command imports what it needs, so that help is instant."""

from __future__ import annotations

import atexit
import gc
import sys
from typing import Annotated

import typer

from normwise.backend import quieten_compiler
from normwise.commands import (
    check,
    diagnose,
    fix,
    fold,
    judge,
    lesson,
    recalibrate,
    report,
    study,
)
from normwise.commands import list as list_
from normwise.errors import NormwiseError, WorseError

__all__ = ["app", "run"]

app = typer.Typer(
    name="normwise",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        print(f"normwise {metadata.version('normwise')}")
        raise typer.Exit


@app.callback(epilog=study.EXAMPLES)
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


# In the order of the help.
app.command("study", epilog=study.EXAMPLES)(study.study)
app.command("judge", epilog=judge.EXAMPLES)(judge.judge)
app.command("list", epilog=list_.EXAMPLES)(list_.list_studies)
app.command("report", epilog=report.EXAMPLES)(report.report)
app.command("lesson", epilog=lesson.EXAMPLES)(lesson.lesson)
app.command("check", epilog=check.EXAMPLES)(check.check)
app.command("fix", epilog=fix.EXAMPLES)(fix.fix)
app.command("recalibrate", epilog=recalibrate.EXAMPLES)(recalibrate.recalibrate)
app.command("fold", epilog=fold.EXAMPLES)(fold.fold)
app.command("diagnose", epilog=diagnose.EXAMPLES)(diagnose.diagnose)


def run() -> None:
    """Run the command line; turn our own errors into one message and an exit code."""
    quieten_compiler()
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
