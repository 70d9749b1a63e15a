"""What is said of a gap, and drawn of it, in all its cases."""

import altair as alt
import pytest
from rich.console import Console

from normwise.report import diagnosis_page, print_page, write_html
from normwise.report.png import figure
from normwise.report.sections import gap


def found(lagging=0.0, generalisation=0.0, batch_noise=0.0, **changes):
    """The content of a gap.json with these parts, on top of a training loss of 1."""
    base = 1.0
    population = {"training": base + batch_noise, "validation": base + batch_noise + generalisation}
    moving = {"training": base, "validation": population["validation"] + lagging}
    ways = {"batch": {"training": base, "validation": base}, "moving": moving}
    ways["population"] = population
    layers = [
        {"layer": f"norm{i}", "is_fixed": False, "shift": 0.1 * i, "largest_shift": 1.0 * i,
         "ratio": 1.5, "farthest_ratio": 0.2, "divergence": 0.1 * i}
        for i in range(8)
    ]  # fmt: skip
    parts = {"lagging": lagging, "generalisation": generalisation, "batch_noise": batch_noise}
    return {
        "model": "net",
        "batch_size": 32,
        "ways": {
            way: {part: {"loss": loss} for part, loss in losses.items()}
            for way, losses in ways.items()
        },
        "gap": {"total": sum(parts.values()), **parts},
        "layers": layers,
        "notes": ["A note [in brackets]."],
        "leakage": {"leaks": False, "change": 0.0, "layer": None, "is_random": False},
        **changes,
    }


@pytest.fixture
def said(capsys):
    def call(content):
        page = diagnosis_page(content, "normwise re")
        print_page(page, Console(width=80), files=["gap.json"])
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize(
    ("parts", "advice"),
    [
        ({"lagging": 0.5, "generalisation": 0.1}, "a validation loss of 1.10: normwise re"),
        ({"lagging": -0.5}, "keep the moving statistics"),
        ({"generalisation": 0.5, "batch_noise": -0.1}, "more data or more regularisation"),
        ({"generalisation": -0.5}, "is easier"),
        ({"batch_noise": 0.5}, "larger batches in training; weights that rely on"),
        ({"batch_noise": -0.5}, "suffers from the noise of batches of 32"),
        ({"lagging": 0.01, "batch_noise": 0.01}, "Next: nothing; no part"),
    ],
)
def test_the_largest_part_decides_what_to_do_next(said, parts, advice):
    out = said(found(**parts))
    assert advice in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80
    assert "[in brackets]" in out


def test_frozen_layers_make_the_repair_conditional(said):
    content = found(lagging=0.5)
    content["layers"][3]["is_fixed"] = True
    assert "if frozen layers may have new statistics" in said(content)


def test_the_layers_that_are_farthest_off_come_first(said):
    out = said(found(lagging=0.5))
    places = [out.find(f"norm{i}: ") for i in (7, 6, 5, 4, 3)]
    assert sorted(places) == places
    assert places[0] > 0
    assert "norm2: " not in out
    assert "and 3 layers that are less far off" in out


@pytest.mark.parametrize(
    ("leak", "sentence"),
    [
        ({"leaks": True, "change": 0.24, "layer": "inner"}, "by 24%; it begins in 'inner'"),
        ({"leaks": True, "change": 0.24, "layer": None}, "change a prediction by 24%. ╭─ gap"),
        ({"is_random": True}, "twice gives two predictions"),
    ],
)
def test_leakage_is_said(said, leak, sentence):
    content = found()
    content["leakage"] = {**content["leakage"], **leak}
    assert sentence in " ".join(said(content).split())


def test_without_leakage_or_losses_less_is_said(said):
    out = said(found(ways={}, gap=None, leakage=None))
    assert "leakage" not in out
    assert out.endswith("normwise re\n")
    assert "only its statistics" in gap.sentence(found(gap=None))


@pytest.mark.parametrize("content", [found(lagging=0.5), found(ways={}, gap=None)])
def test_the_picture_is_valid_and_shows_every_layer_in_its_place(content):
    picture = figure(diagnosis_page(content, "normwise re"))
    alt.Chart.from_dict(picture)  # refuses what the schema does not know
    charts = picture["concat"]
    assert len(charts) == (3 if content["ways"] else 2)
    names = [layer["layer"] for layer in content["layers"]]
    for chart in charts[-2:]:
        assert chart["encoding"]["y"]["sort"] == names
        assert [row["layer"] for row in chart["data"]["values"]] == names
    assert [row["median"] for row in charts[-2]["data"]["values"]] == [
        layer["shift"] for layer in content["layers"]
    ]
    if content["ways"]:
        bars = {(row["way"], row["part"]): row["loss"] for row in charts[0]["data"]["values"]}
        assert bars["moving", "validation"] == content["ways"]["moving"]["validation"]["loss"]


@pytest.fixture
def html_of(monkeypatch, tmp_path):
    monkeypatch.setattr("normwise.report.html.vega_javascript", lambda: "/* vega */")
    return lambda page: write_html(page, tmp_path / "report.html").read_text("utf-8")


def test_the_html_has_all_layers_losses_and_the_command(html_of):
    text = html_of(diagnosis_page(found(lagging=0.5), "normwise re"))
    assert "Of a gap of 0.500" in text
    assert "<code>normwise re</code>" in text
    assert all(f"norm{i}</span>" in text for i in range(8))
    assert "its batch&#39;s own" in text
    assert 'class="chips"' not in text
    assert "no prediction depends" in text


def test_without_losses_the_html_has_the_layers(html_of):
    text = html_of(diagnosis_page(found(ways={}, gap=None, leakage=None), "normwise re"))
    assert "Loss, four ways" not in text
    assert "norm7</span>" in text
