"""An option of a study is a field of its spec, and nothing else."""

import re
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from normwise.commands.study_options import with_options_of
from normwise.errors import SpecError
from normwise.spec import About, Spec

# In a test, a new option is this one edit.


class Longer(Spec):
    clip: Annotated[float | None, About("training", "Largest gradient that counts.")] = None
    rounds_off: Annotated[bool, About("answer", "Say fewer digits.")] = False
    folded: Annotated[bool | None, About("training", "Whether to fold.")] = None
    shapes: Annotated[tuple[int, ...], About("extent", "Of pictures.", option="--shape")] = (1,)
    order: Annotated[Literal["up", "down"] | None, About("training", "Which way.")] = None
    unseen: Annotated[str | None, About(in_file_only=True, example="'a'")] = None


def app_of(spec):
    """A command with the options of a spec, and what it was given last."""
    app, typed = typer.Typer(rich_markup_mode="markdown"), []

    @app.command()
    @with_options_of(spec)
    def study(name: str = "any", *, out: str | None = None, **settings: Any) -> None:
        given = {"name": name, "out": out, **settings}
        typed.append({key: one for key, one in given.items() if one not in (None, [], "any")})

    return app, typed


@pytest.fixture
def run():
    app, typed = app_of(Longer)

    def call(*arguments):
        done = CliRunner().invoke(app, arguments, env={"COLUMNS": "80"})
        return done.exit_code, typed[-1] if typed else None, done.output

    return call


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ((), {}),
        (("--clip", "0.5"), {"clip": 0.5}),
        (("--rounds-off",), {"rounds_off": True}),
        (("--folded",), {"folded": True}),
        (("--no-folded",), {"folded": False}),
        (("--shape", "8", "--shape", "9"), {"shapes": ["8", "9"]}),
        (("--order", "sideways"), {"order": "sideways"}),
        (("--seeds", "3", "--out", "o"), {"out": "o", "seeds": 3}),
    ],
)
def test_a_field_is_an_option_of_its_kind(run, arguments, settings):
    assert run(*arguments)[:2] == (0, settings)


@pytest.mark.parametrize(
    "arguments",
    [("--unseen", "a"), ("--class-weight", "1"), ("--no-rounds-off",), ("--shapes", "1")],
)
def test_what_is_no_option_is_none(run, arguments):
    code, typed, output = run(*arguments)
    assert (code, typed) == (2, None)
    assert "No such option" in output


def test_a_switch_that_was_turned_both_ways_is_refused():
    app, typed = app_of(Longer)
    done = CliRunner().invoke(app, ("--no-folded", "--folded"))
    assert isinstance(done.exception, SpecError)
    assert "--folded and --no-folded were both given; expected one of them" in str(done.exception)
    assert typed == []


@pytest.mark.parametrize("columns", ["80", "120"])
def test_help_shows_names_whole(columns):
    from normwise.commands.app import app

    text = CliRunner().invoke(app, ("study", "--help"), env={"COLUMNS": columns}).output
    assert "…" not in text.replace("[:OPTION,…]", "")
    assert "--no-standardize-targets" in text


def test_help_says_what_the_field_says(run):
    text = " ".join(run("--help")[2].replace("│", " ").split())
    assert "--clip <float> Largest gradient that counts." in text
    assert "unseen" not in text
    for name, about in Spec.abouts().items():
        if about.in_file_only:
            assert about.option_of(name) not in text
        else:
            assert f"{about.option_of(name)} <" in text
            assert f"> {about.help}" in text
    assert "--no-folded <bool> The opposite of --folded." in text


@pytest.mark.parametrize(
    ("option", "default"),
    [("--epochs", "20"), ("--seeds", "10"), ("--batch-size", "32"), ("--variant", "none, after, before"),
     ("--optimizer", "the compiled model's, else sgd"), ("--margin", "1.25"), ("--engine", "auto")],
)  # fmt: skip
def test_help_says_each_default_once(run, option, default):
    text = " ".join(run("--help")[2].replace("│", " ").split())
    own = re.search(rf" {option} <(.*?)( --[a-z-]+ (<|-)|$)", text).group(1)
    assert own.count("Default: ") == 1
    assert f"Default: {default}." in own


def test_a_refusal_names_the_option_and_a_value():
    with pytest.raises(SpecError, match=r"setting 'clip' is 'a'; expected .*; check --clip"):
        Longer.make({"model": "circles", "data": "circles", "clip": "a"})
    with pytest.raises(SpecError, match=r"'shapes' is 'a'; expected .*; check --shape$"):
        Longer.make({"model": "circles", "data": "circles", "shapes": ("a",)})
    with pytest.raises(SpecError, match="expected 'up' or 'down'; try --order down"):
        Longer.make({"model": "circles", "data": "circles", "order": "don"})
    with pytest.raises(SpecError, match=r"'unseen' is 3; expected .*; try unseen = 'a'"):
        Longer.make({"model": "circles", "data": "circles", "unseen": 3})


def test_the_command_itself_has_the_specs_options():
    from normwise.commands.app import app

    options = {
        name for one in typer.main.get_command(app).commands["study"].params for name in one.opts
    }
    typed = {one.option_of(name) for name, one in Spec.abouts().items() if not one.in_file_only}
    others = {
        "--no-population",
        "--no-remedy",
        "--no-standardize-targets",
        "name",
        "--budget",
        "--executor",
        "--ray-address",
        "--out",
        "--show-model",
        "--export",
        "--json",
        "--verbose",
    }
    assert options == typed | others
