"""The docs as a site: built without a warning, whole, and without anything from elsewhere."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import normwise as nw
from normwise.commands.app import app

ROOT = Path(__file__).parents[1]
WEBSITE = ROOT / "docs" / "website"
DOCUMENTED = (nw, nw.analysis, nw.errors, nw.layers)
# How messages are worded is no promise; modules are pages.
NOT_DOCUMENTED = {
    *(f"normwise.errors.{name}" for name in ("first_line", "in_words", "is_out_of_memory", "listed")),
    "normwise.analysis", "normwise.errors", "normwise.layers",
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("docs") / "site"
    built = run([str(WEBSITE / "build.py"), str(out)])
    assert built.returncode == 0, built.stderr
    return out


def run(arguments):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )


def text_of(page):
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))


def wider_than_a_phone(tab):
    """What a reader of a page would have to push aside; what scrolls by itself is left out."""
    return tab.evaluate("""() => {
        const width = document.documentElement.clientWidth;
        const scrolls = element => element.closest(".table-wrapper, pre, .output");
        return [...document.querySelectorAll("article *")]
            .filter(one => one.getBoundingClientRect().right > width + 1 && !scrolls(one))
            .map(one => one.outerHTML.slice(0, 80));
    }""")


# One test, since the site takes ten seconds and the tests two processes.
def test_the_site_is_whole(site, browser):
    reference = "".join(path.read_text("utf-8") for path in site.glob("reference/*.html"))
    public = {f"{module.__name__}.{name}" for module in DOCUMENTED for name in module.__all__}
    assert [
        name for name in sorted(public - NOT_DOCUMENTED) if f'id="{name}"' not in reference
    ] == []

    typed = text_of(site / "reference" / "commands.html")
    for name, command in typer.main.get_command(app).commands.items():
        assert f"normwise {name}" in typed
        for option in command.params:
            for flag in option.opts if option.param_type_name == "option" else ():
                assert flag in typed, (name, flag)

    rules = [page.stem for page in ROOT.glob("src/normwise/checks/pages/*.md")]
    assert all((site / "rules" / f"{rule}.html").exists() for rule in rules)
    menu = (site / "check.html").read_text("utf-8")
    assert all(f'href="rules/{rule}.html"' in menu for rule in rules)

    notebooks = [page.stem for page in ROOT.glob("docs/notebooks/*.ipynb")]
    assert all((site / "notebooks" / f"{name}.html").exists() for name in notebooks)
    for notebook in ROOT.glob("docs/notebooks/*.ipynb"):
        page = site / "notebooks" / f"{notebook.stem}.html"
        assert f'href="{notebook.name}" download' in page.read_text("utf-8")
        assert page.with_suffix(".ipynb").read_bytes() == notebook.read_bytes()
    for page in ROOT.glob("docs/*.html"):
        copied = (site / page.name).read_text("utf-8")
        links = re.findall(r'<a href="([^"#]+)', copied)
        assert [link for link in links if not (site / link).is_file()] == []
        assert len(links) >= page.read_text("utf-8").count('.md"')

    tab = browser.new_page(viewport={"width": 390, "height": 844})
    asked = []
    tab.on("request", lambda request: asked.append(request.url))
    for page in sorted(site.rglob("*.html")):
        tab.goto(page.as_uri())
        assert (page.name, wider_than_a_phone(tab)) == (page.name, [])
    tab.goto((site / "search.html").as_uri() + "?q=lag")
    tab.wait_for_selector("#search-results li")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_what_is_broken_fails(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "index.md").write_text("# Home\n\n```{toctree}\nother\n```\n")
    (source / "other.md").write_text(
        "# Other\n\n[a](missing.md), [b](index.md#nowhere), ![c](missing.png)\n"
    )
    (source / "outside.md").write_text("# Outside of the menu\n")
    code = "import sys, build; sys.exit(build.strictly(*sys.argv[1:]))"
    call = f"import sys; sys.path.insert(0, {str(WEBSITE)!r}); {code}"
    built = run(["-c", call, str(source), str(tmp_path / "site")])
    assert built.returncode == 1
    said = [
        "other.md:3: WARNING: 'myst' cross-reference target not found: 'missing.md'",
        "other.md:3: WARNING: local id not found in doc 'index': 'nowhere'",
        "other.md:3: WARNING: image file not readable: missing.png",
        "outside.md: WARNING: document isn't included in any toctree",
    ]
    assert [line for line in said if line not in built.stderr] == []


def test_every_benchmark_is_on_its_page():
    page = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    runnable = [path for path in ROOT.glob("benchmarks/*.py") if "__main__" in path.read_text()]
    scripts = [path.name for path in (*runnable, ROOT / "benchmarks" / "peers")]
    assert [name for name in scripts if f"`python benchmarks/{name}" not in page] == []
