"""The examples of README and docs, as a reader would type them."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(r"^```(python|sh|console|toml)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    page: str
    line: int
    language: str
    text: str

    @property
    def parts(self):
        """What is run at once: a block of Python, or each of several commands."""
        return [self.text] if self.language in ("python", "toml") else self.commands

    @property
    def commands(self):
        """What is typed into a shell, a command a line, its comments left out."""
        if self.language in ("python", "toml"):
            return []
        joined = self.text.replace("\\\n", " ").removeprefix("$ ").replace("\n$ ", "\n")
        return [shlex.join(typed) for line in joined.splitlines() if (typed := words(line))]


def words(line):
    return shlex.split(line, comments=True)


def examples_of(page):
    text = page.read_text("utf-8")
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 1
        yield Example(page.relative_to(ROOT).as_posix(), line, block[1], block[2])


EXAMPLES = {
    page.relative_to(ROOT).as_posix(): found for page in PAGES if (found := [*examples_of(page)])
}
