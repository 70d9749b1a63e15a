"""The site: every page of the repository at its place, put together here and built by Sphinx.

    python docs/website/build.py site

Pages are written for a code host, and link to each other there. In the site some stand elsewhere,
and links follow them. Any warning of Sphinx (a dead link or anchor, a picture that is not there, a
page outside of the menu) is an error.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WEBSITE = DOCS / "website"
SHOWN = {".md", ".ipynb", ".png", ".html"}
ELSEWHERE = {
    ROOT / "README.md": "get-started.md",
    ROOT / "CHANGELOG.md": "changelog.md",
    DOCS / "studies" / "README.md": "studies/index.md",
}
# Pages of the menu, and the folder whose pages are below each.
BELOW = {"check.md": "rules", "studies/index.md": "studies"}
LINK = re.compile(r"(?<=\]\()(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=[)\s])")
HTML_LINK = re.compile(r'(?<=<a href=")(?P<path>[^"#:]+)(?P<anchor>#[^"]*)?(?=")')


def places() -> dict[Path, str]:
    """Where in the site each file of the repository stands."""
    rules = (ROOT / "src" / "normwise" / "checks" / "pages").glob("*.md")
    return {
        **_files(DOCS),
        **_files(WEBSITE),
        **{page: f"rules/{page.name}" for page in rules},
        **ELSEWHERE,
    }


def _files(folder: Path) -> dict[Path, str]:
    return {
        file: _page(file.relative_to(folder)).as_posix()
        for file in sorted(folder.rglob("*"))
        if file.suffix in SHOWN
    }


def _page(file: Path) -> Path:
    """A page that is copied as it is has a stand-in, for the menu and for links to it.

    >>> _page(Path("lesson.html")).as_posix()
    'lesson.md'
    """
    return file.with_suffix(".md") if file.suffix == ".html" else file


def text_of(file: Path, at: Mapping[Path, str]) -> str:
    """A page as Sphinx reads it: its links as they are in the site, and the menu below it."""
    text = file.read_text("utf-8")
    if file.suffix == ".html":
        return "# " + text.partition("<title>")[2].partition("</title>")[0]
    if file == ROOT / "README.md":
        text = text.replace("# normwise", "# Get started", 1)
    return without_empty(with_links(text, file, at), at.values()) + menu(at[file], at.values())


def with_links(text: str, file: Path, at: Mapping[Path, str], link: re.Pattern[str] = LINK) -> str:
    """A page's text with links that lead in the site to what they lead to in the repository.

    >>> at = {ROOT / "README.md": "get-started.md", DOCS / "studies" / "a.md": "studies/a.md"}
    >>> with_links("[a](../../README.md#b)", DOCS / "studies" / "a.md", at)
    '[a](../get-started.md#b)'
    """

    def moved(found: re.Match[str]) -> str:
        place = at.get((file.parent / found["path"]).resolve())
        if place is None:
            return found[0]
        return os.path.relpath(place, Path(at[file]).parent) + (found["anchor"] or "")

    return link.sub(moved, text)


def as_built(text: str, file: Path, at: Mapping[Path, str]) -> str:
    """A page of HTML that is copied as it is, but for links, which lead to what Sphinx builds.

    >>> at = {DOCS / "lesson.html": "lesson.md", ROOT / "README.md": "get-started.md"}
    >>> as_built('<a href="../README.md#b">c</a>', DOCS / "lesson.html", at)
    '<a href="get-started.html#b">c</a>'
    """
    pages = {page: re.sub(r"\.(md|ipynb)$", ".html", place) for page, place in at.items()}
    return with_links(text, file, pages, HTML_LINK)


def without_empty(text: str, pages: Iterable[str]) -> str:
    r"""A menu's text without the patterns that no page has yet, of which Sphinx would warn.

    >>> without_empty("lesson*\nnotebooks/*\ncheck\n", ["notebooks/a.ipynb"])
    'notebooks/*\ncheck\n'
    """
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if not re.fullmatch(r"[\w/]+\*\n", line)
        or any(fnmatch(page, line.strip()) for page in pages)
    )


def menu(place: str, all_places: Iterable[str]) -> str:
    """What the menu has below a page: the pages of a folder, by their names.

    >>> print(menu("check.md", ["rules/tiny-batch.md", "check.md"]))
    <BLANKLINE>
    ```{toctree}
    :hidden:
    <BLANKLINE>
    tiny-batch </rules/tiny-batch>
    ```
    <BLANKLINE>
    """
    folder = BELOW.get(place)
    if folder is None:
        return ""
    names = [
        Path(page).stem
        for page in sorted(all_places)
        if fnmatch(page, f"{folder}/*.md") and page != place
    ]
    entries = "\n".join(f"{name} </{folder}/{name}>" for name in names)
    return f"\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n"


def to_take_along(file: Path) -> str:
    """A notebook whose first cell links to the file as it is, which lies beside its page."""
    notebook = json.loads(file.read_text("utf-8"))
    link = f'\n\n<a href="{file.name}" download>Download this notebook</a>'
    notebook["cells"][0]["source"].append(link)
    return json.dumps(notebook)


def commands() -> str:
    """Every command with its arguments and options, as Typer writes them down."""
    typer = [sys.executable, "-m", "typer", "normwise.commands.app", "utils", "docs"]
    made = subprocess.run(
        [*typer, "--name", "normwise"], check=True, capture_output=True, text=True
    )
    # Typer cuts what each command does in its list; the menu of the page is that list.
    return re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+", "", made.stdout)


def assemble(folder: Path) -> None:
    """Put all pages and pictures of the site into an empty folder."""
    at = places()
    for file, place in at.items():
        there = folder / place
        there.parent.mkdir(parents=True, exist_ok=True)
        if there.suffix == ".md":
            there.write_text(text_of(file, at), "utf-8")
        elif there.suffix == ".ipynb":
            there.write_text(to_take_along(file), "utf-8")
        else:
            shutil.copyfile(file, there)
    (folder / "reference" / "commands.md").write_text(commands(), "utf-8")


def strictly(source: str, out: str) -> int:
    """Build a site from what was put together; the exit code is 1 where Sphinx warns."""
    from sphinx.cmd.build import main

    strict = ["--fail-on-warning", "--keep-going", "--quiet"]
    with TemporaryDirectory() as parsed:
        return main([*strict, "-c", str(WEBSITE), "-d", parsed, source, out])


def build(out: str) -> int:
    """Build the site into a folder, which is emptied first; the exit code is Sphinx's."""
    shutil.rmtree(out, ignore_errors=True)
    with TemporaryDirectory() as work:
        source, made = Path(work) / "source", Path(work) / "site"
        source.mkdir()
        assemble(source)
        code = strictly(str(source), str(made))
        # What notebooks need meanwhile lies beside the site, and goes.
        shutil.copytree(made, out)
    for page in DOCS.glob("*.html"):
        text = as_built(page.read_text("utf-8"), page, places())
        (Path(out) / page.name).write_text(text, "utf-8")
    for notebook in DOCS.glob("notebooks/*.ipynb"):
        shutil.copy(notebook, Path(out) / "notebooks")
    return code


if __name__ == "__main__":
    sys.exit(build(*sys.argv[1:]))
