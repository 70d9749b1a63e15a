"""What `normwise check` and `normwise fix` print, a whole page at a time."""

import io

import pytest
from rich.console import Console

from normwise.checks import RULES, Fixed
from normwise.checks.terminal import print_findings, print_fixed
from normwise.domain import Finding


def found(layer, message="is wrong", fix="mend it", *, code="NW009", safe=False):
    """A finding of a rule, as it stands in `RULES`."""
    (rule,) = (rule for rule in RULES if rule.code == code)
    return Finding(code, rule.name, layer, rule.severity, message, fix, safe)


def printed(show, *arguments, color_system=None):
    """What a terminal of 80 columns shows."""
    console = Console(
        file=io.StringIO(),
        width=80,
        markup=False,
        force_terminal=color_system is not None,
        color_system=color_system,
    )
    show(console, *arguments)
    return console.file.getvalue()


def page(findings, *, quiet=(), left=None, norms=3, **options):
    rules = [rule for rule in RULES if rule.code in {"NW001", "NW003", "NW009", "NW016"}]
    quiet = [rule for rule in rules if rule.name in quiet]
    fixing = "normwise fix net.keras -o net-fixed.keras"
    return printed(
        print_findings, findings, rules, quiet, "net.keras", norms, left or {}, fixing, **options
    )


def test_findings_are_printed_by_rule_and_those_of_one_remedy_together():
    findings = [
        found("a", "its bias does nothing", "use_bias=False", code="NW001", safe=True),
        found("b", "its bias does nothing, either", "use_bias=False", code="NW001", safe=True),
        found("c", "is wrapped, and so " + "its bias stays " * 4, "use_bias=False", code="NW001"),
        found(None, "was frozen after it was compiled", "compile again"),
        found("d", "is frozen", "freeze both"),
    ]
    assert [line.rstrip() for line in page(findings).splitlines()] == [
        "NW001 redundant-bias (note): A bias in front of batch normalisation does",
        "nothing.",
        "  a: its bias does nothing",
        "  b: its bias does nothing, either",
        "  Fix (`normwise fix` does it): use_bias=False",
        "  c: is wrapped, and so its bias stays its bias stays its bias stays its bias",
        "  stays",
        "  Fix: use_bias=False",
        "",
        "NW009 frozen-norm (warning): Weights are frozen while statistics move, or",
        "statistics are frozen while weights move.",
        "  the model: was frozen after it was compiled",
        "  Fix: compile again",
        "  d: is frozen",
        "  Fix: freeze both",
        "",
        "5 findings in net.keras (2 warnings, 3 notes); 4 rules looked at 3 batch normalisations.",
        "2 can be mended: normwise fix net.keras -o net-fixed.keras",
    ]


def test_one_finding_is_counted_as_one():
    assert page([found("a", code="NW016")], norms=1) == (
        "NW016 not-finite (error): Weights, statistics or what data lead to are no finite\n"
        "numbers, or a variance is below 0.\n"
        "  a: is wrong\n"
        "  Fix: mend it\n"
        "\n"
        "1 finding in net.keras (1 error); 4 rules looked at 1 batch normalisation.\n"
    )


def test_what_no_rule_looked_at_is_said_below_the_count():
    left = {"block/norm": "it is inside 'block', a Block", "cell/norm": "it is inside 'cell'"}
    assert page([], quiet=["stale-statistics"], left=left) == (
        "No findings in net.keras; 3 rules looked at 3 batch normalisations.\n"
        "stale-statistics looks with --steps\n"
        "left: block/norm: it is inside 'block', a Block\n"
        "left: cell/norm: it is inside 'cell'\n"
    )


def test_an_option_is_named_as_it_is_typed():
    rules = [rule for rule in RULES if rule.needs]
    shown = printed(print_findings, [], rules, rules, "net.keras", 3, {}, "")
    assert shown.splitlines() == [
        "No findings in net.keras; 0 rules looked at 3 batch normalisations.",
        "stale-statistics looks with --steps",
        "moving-statistics-gap looks with --data",
        "tiny-batch looks with --batch-size",
    ]


@pytest.mark.parametrize("count", [10, 11, 13])
def test_of_many_ten_are_shown_and_the_rest_is_counted(count):
    more = {10: [], 11: ["1 more"], 13: ["3 more"]}[count]
    lines = page([found(f"norm{i}") for i in range(count)]).splitlines()
    assert [line.rstrip() for line in lines] == [
        "NW009 frozen-norm (warning): Weights are frozen while statistics move, or",
        "statistics are frozen while weights move.",
        *(f"  norm{i}: is wrong" for i in range(10)),
        "  Fix: mend it",
        *(f"  and {rest}, which --format json lists" for rest in more),
        "",
        f"{count} findings in net.keras ({count} warnings); 4 rules looked at 3 batch normalisations.",
    ]  # fmt: skip
    left = page([], left={f"block{i}": "it is hidden" for i in range(count)}).splitlines()
    assert left[1:] == [
        *(f"left: block{i}: it is hidden" for i in range(10)),
        *(f"and {rest}, which --format json lists" for rest in more),
    ]


def test_colours_say_how_severe_a_finding_is():
    """Red for errors, yellow for warnings, cyan for notes; the layer stands out, the fix does not."""
    findings = [found("a", code=code) for code in ("NW001", "NW009", "NW016")]
    shown = page(findings, color_system="standard")
    for start in (
        "\x1b[1;36mNW001 redundant-bias\x1b[0m (note): ",
        "\x1b[1;33mNW009 frozen-norm\x1b[0m (warning): ",
        "\x1b[1;31mNW016 not-finite\x1b[0m (error): ",
        "  \x1b[1ma:\x1b[0m is wrong\n",
        "  \x1b[2mFix: mend it\x1b[0m\n",
    ):
        assert start in shown
    assert shown.endswith(  # numbers and file names among them
        "3 findings in net.keras (1 error, 1 warning, 1 note); 4 rules looked at 3 batch "
        "normalisations.\n"
    )


def mended(count):
    return tuple(found(f"norm{i}", safe=True) for i in range(count))


def test_what_was_mended_and_what_was_left_is_printed_by_rule():
    bias = found("a", code="NW001", safe=True)
    fixed = Fixed(None, (bias, *mended(2)), (found(None), found("d"), found("e", code="NW016")))
    assert printed(print_fixed, fixed) == (
        "Mended: NW001 redundant-bias in a\n"
        "Mended: NW009 frozen-norm in norm0, norm1\n"
        "Left: NW009 frozen-norm in the model, d\n"
        "Left: NW016 not-finite in e\n"
    )


def test_nothing_that_can_be_mended_is_said():
    assert printed(print_fixed, Fixed(None, (), (found("a"),))) == (
        "Left: NW009 frozen-norm in a\nThere was nothing that can be mended safely.\n"
    )


@pytest.mark.parametrize(("count", "more"), [(10, ""), (11, " and 1 more"), (13, " and 3 more")])
def test_of_many_that_were_mended_ten_are_named(count, more):
    names = ", ".join(f"norm{i}" for i in range(10))
    shown = printed(print_fixed, Fixed(None, mended(count), ()), color_system="standard")
    # In no colours that a number would get.
    assert " ".join(shown.split()) == f"Mended: NW009 frozen-norm in {names}{more}"
