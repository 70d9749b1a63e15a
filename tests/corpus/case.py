"""What a bad input is: files, a command, and words of the one message that answers it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# Content of a file: as it is, or what writes it, given its path.
Content = bytes | str | Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    """A command that is a mistake.

    Attributes:
        name: What is wrong, in a few words.
        command: As it is typed, without ``normwise``.
        says: Stands in the message.
        files: Path in the current folder to content.
    """

    name: str
    command: str
    says: str
    files: dict[str, Content] = field(default_factory=dict)

    def make(self, folder: Path) -> None:
        """Write the files."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if callable(content):
                content(path)
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)


def directory(path: Path) -> None:
    """A folder where a file is expected."""
    path.mkdir()
