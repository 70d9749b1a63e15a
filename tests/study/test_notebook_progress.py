"""Progress below a notebook's cell: when it is shown, and what stays."""

import IPython.display
import pytest

from normwise.study import Progress, notebook_progress
from normwise.study.notebook_progress import watched


class Notebook:
    """What a notebook would show in the place of one output, one after the other."""

    def __init__(self):
        self.shown = []

    def display(self, data, *, raw, display_id):
        assert raw
        assert display_id
        self.shown.append(data)
        return self

    def update(self, data, *, raw):
        assert raw
        self.shown.append(data)

    @property
    def lines(self):
        return [data["text/plain"] for data in self.shown]


@pytest.fixture
def notebook(monkeypatch):
    found = Notebook()
    monkeypatch.setattr(notebook_progress, "_is_in_notebook", lambda: True)
    monkeypatch.setattr(notebook_progress, "seconds", lambda _: "5 s")
    monkeypatch.setattr(IPython.display, "display", found.display)
    return found


def test_a_line_says_what_is_under_way_and_then_what_it_took(notebook):
    with watched(None) as tell:
        tell(Progress("preparing"))
        tell(Progress("compiling", of=6, programs=2, seconds=7.0))
        tell(Progress("training", "<after>", 2, 6, 3, 20, 0.25))
        tell(Progress("checking", share=1.0))
    assert notebook.lines == [
        "preparing, 5 s",
        "compiling 2 programs, about 10 s, 5 s",
        "training <after>, 2/6 replicas, epoch 3/20, 5 s",
        "checking, again by Keras' own fit, 5 s",
        "6 replicas, 5 s",
    ]
    bars = [data["text/html"] for data in notebook.shown]
    assert '<progress max="1" value="0.250">' in bars[2]
    assert "training &lt;after&gt;" in bars[2]
    assert "<progress" not in bars[-1]


def test_of_many_events_in_a_moment_one_is_shown(notebook):
    with watched(None) as tell:
        for epoch in range(50):
            tell(Progress("training", "after", 0, 3, epoch, 50, epoch / 50))
    assert len(notebook.lines) == 2


def test_of_a_run_that_stops_its_place_stays(notebook):
    def interrupted():
        with watched(None) as tell:
            tell(Progress("training", "after", 2, 6, 3, 20, 0.25))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert notebook.lines[-1] == "stopped while training after, 2/6 replicas, epoch 3/20, 5 s"
    assert "<progress" not in notebook.shown[-1]["text/html"]


def test_who_asked_alone_is_told(notebook):
    heard = []
    with watched(heard.append) as tell:
        tell(Progress("preparing"))
    assert heard == [Progress("preparing")]
    assert notebook.shown == []


def test_outside_of_a_notebook_nothing_is_shown(capsys):
    with watched(None) as tell:
        tell(Progress("preparing"))
    assert capsys.readouterr() == ("", "")
