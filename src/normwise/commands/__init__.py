"""The command line: one file a command, named like it; ``app`` puts them together."""

from __future__ import annotations

import sys

from normwise.commands.interrupts import EXIT_CODE, listening

__all__ = ["main"]


def main() -> None:
    """Run the command line; one that is interrupted says so, whatever it had begun."""
    # A study that did not come to its end has the code of an unfinished one.
    code = 3 if sys.argv[1:2] == ["study"] else EXIT_CODE
    with listening(code):
        try:
            # Here, since Ctrl-C is heard while it is imported, too.
            from normwise.commands.app import run

            run()
        except KeyboardInterrupt:
            _end_interrupted(code)
        except SystemExit as ended:
            # As Typer ends what is interrupted, without a word.
            if ended.code != EXIT_CODE:
                raise
            _end_interrupted(code)


def _end_interrupted(code: int) -> None:
    print(
        "normwise: interrupted before it came to its end; run the same command again",
        file=sys.stderr,
    )
    sys.exit(code)
