"""The command line: one file a command, named like it; ``app`` puts them together."""

from normwise.commands.app import main

__all__ = ["main"]
