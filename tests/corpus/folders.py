"""Folders that hold no study, or a study that is damaged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from normwise.domain import Run, RunKey, RunRecord, Summary, Target
from normwise.execution import Segment
from normwise.spec import Spec
from normwise.study.event_log import EventLog
from normwise.study.history import History
from normwise.study.ledger import Ledger
from normwise.study.store import Store
from tests.corpus.case import Case, Content, directory
from tests.old_journal import old_line

SPEC = Spec.make({"model": "circles", "data": "circles", "seeds": 2, "epochs": 2})
STUDY = "study --model circles --data circles --seeds 2 --epochs 2 --out out"
REPORT = "report out"


def finished(path: Path, *, old: bool = False) -> None:
    """A folder as a study leaves it, or left it before there were segments.

    Args:
        path: The journal in it.
        old: Of those before.
    """
    folder = path.parent
    store = Store(folder, SPEC)
    [point] = SPEC.conditions
    setting = SPEC.setting("f", point)
    curves = dict.fromkeys(("loss", "val_loss", "accuracy", "val_accuracy"), (0.5, 0.4))
    keys = [RunKey(variant, seed, setting) for variant in SPEC.variants for seed in range(2)]
    History(store).started("f", ["Said of the data."])
    if old:
        store.append(json.loads(old_line(RunRecord(key, 0.01, curves))) for key in keys)
    else:
        ledger = Ledger(EventLog(store))
        arrays = {name: np.array([values]) for name, values in curves.items()}
        for key in keys:
            ledger.add(Segment((Run(key, point),), 0, arrays, (0.01,), 1.0))
    summary = Summary("study", Target("val_accuracy", ">=", 0.4), (), (), "words", "none")
    text = summary.to_json() | {"environment": {"fingerprint": "f"}}
    text["solo_check"] = {"variant": "none", "seed": 0, "max_relative_difference": 0.0,
                          "first_epoch_difference": 0.0}  # fmt: skip
    store.write_text("summary.json", json.dumps(text))


def journal(change: Callable[[bytes], bytes], *, old: bool = True) -> Content:
    def write(path: Path) -> None:
        finished(path, old=old)
        path.write_bytes(change(path.read_bytes()))

    return write


def line(change: Callable[[dict[str, Any]], object], *, old: bool = True) -> Content:
    """The journal with its last line changed."""

    def changed(content: bytes) -> bytes:
        *others, last = content.splitlines(keepends=True)
        event = json.loads(last)
        # As if it had been written so: what it says is refused, not that it was changed.
        event.pop("crc32", None)
        event.get("arrays", {}).pop("crc32", None)
        change(event)
        return b"".join(others) + json.dumps(event).encode() + b"\n"

    return journal(changed, old=old)


def segment(change: Callable[[dict[str, Any]], object]) -> Content:
    """The journal with its last segment changed."""
    return line(change, old=False)


def summary(change: Callable[[str], str | bytes]) -> Content:
    def write(path: Path) -> None:
        finished(path.with_name("journal.jsonl"))
        text = change(path.read_text())
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return write


def reported(name: str, content: Content, says: str, file: str = "journal.jsonl") -> Case:
    return Case(name, REPORT, says, {f"out/{file}": content})


CASES = [
    Case("a report of a file", REPORT, "holds no study", {"out": "x"}),
    Case("a report of nothing", "report ''", "holds no study"),
    Case("a report of an empty folder", REPORT, "holds no study", {"out": directory}),
    Case("a report of a verdict", REPORT, "a verdict on runs from elsewhere",
         {"out/summary.json": "{}"}),
    Case("settings that are a folder", REPORT, "holds no study", {"out/spec.toml": directory}),
    Case("settings of noise", REPORT, "cannot read", {"out/spec.toml": b"\xff\0\xff"}),
    Case("settings of another version", REPORT, "unknown setting 'layout'",
         {"out/spec.toml": SPEC.to_toml() + "\nlayout = 9\n"}),
    Case("a study in a thesis", STUDY, "holds 'thesis.tex' and no study", {"out/thesis.tex": "x"}),
    Case("a study in a file", STUDY, "cannot be written", {"out": "x"}),
    Case("a journal without settings", STUDY, "holds 'journal.jsonl' and no study",
         {"out/journal.jsonl": ""}),
    Case("a study over settings of noise", STUDY, "holds a spec.toml that is no study's",
         {"out/spec.toml": "rubbish"}),
    Case("another study there", STUDY, "holds another study (model is 'churn' there",
         {"out/spec.toml": 'model = "circles"\ndata = "digits"\n'.replace("circles", "churn")}),
    Case("fewer seeds than there", STUDY, "seeds is 20 there and 2 here",
         {"out/spec.toml": SPEC.model_copy(update={"seeds": 20}).to_toml()}),
    Case("a journal that is a folder", REPORT, "out",
         {"out/spec.toml": SPEC.to_toml(), "out/journal.jsonl": directory}),
    Case("a journal of no run", REPORT, "without a finished run",
         {"out/spec.toml": SPEC.to_toml(), "out/journal.jsonl": ""}),
    reported("a line of noise", journal(lambda text: b"\xff\0\xff\n" + text), "line 1 of"),
    reported("an empty line", journal(lambda text: b"\n" + text), "line 1 of"),
    reported("a number", journal(lambda text: text + b"3\n"), "is '3'"),
    reported("an event of no name", journal(lambda text: text + b'{"seed": 1}\n'), "line"),
    reported("a line in depth", journal(lambda text: text + b"[" * 99_999 + b"\n"), "line"),
    reported("two events in a line", journal(lambda text: text.replace(b"\n", b"", 1)), "line 1 of"),
    reported("a byte lost", journal(lambda text: text.replace(b'{"schema": 2, "event": "run"', b'"event": "run"', 1)),
             "line 2 of"),
    reported("a run without a key", line(lambda run: run.pop("key")), "line 7 of"),
    reported("a run without curves", line(lambda run: run.pop("curves")), "line 7 of"),
    reported("a run of no epochs", line(lambda run: run.update(curves={"loss": []})), "line 7 of"),
    reported("curves of another length", line(lambda run: run["curves"].update(loss=[1])), "line 7 of"),
    reported("curves of words", line(lambda run: run["curves"].update(loss=["a", "b"])), "line 7 of"),
    reported("curves of lists", line(lambda run: run["curves"].update(loss=[[1], [2]])), "line 7 of"),
    reported("curves of other metrics", line(lambda run: run.update(curves={"a": [1, 2]})), "unknown metric"),
    reported("a seed of words", line(lambda run: run["key"].update(seed="one")), "line 7 of"),
    reported("a seed below none", line(lambda run: run["key"].update(seed=-1)), "line 7 of"),
    reported("a variant of a list", line(lambda run: run["key"].update(variant=[1])), "line 7 of"),
    reported("a variant of no one", line(lambda run: run["key"].update(variant="befor")), "line 7 of"),
    reported("diverged at a word", line(lambda run: run.update(diverged_at="soon")), "line 7 of"),
    reported("stopped at a word", line(lambda run: run.update(stopped_at="soon")), "line 7 of"),
    reported("a rate of words", line(lambda run: run.update(learning_rate="fast")), "line 7 of"),
    reported("a batch of words", line(lambda run: run.update(batch_size="big")), "line 7 of"),
    reported("an initialiser of a list", line(lambda run: run.update(initializer=[1])), "line 7 of"),
    reported("seconds of words", line(lambda run: run.update(seconds="long")), "line 7 of"),
    reported("a segment of no runs", segment(lambda one: one.update(runs=[])), "line 7 of"),
    reported("a segment without arrays", segment(lambda one: one.pop("arrays")), "line 7 of"),
    reported("a segment of a later release", segment(lambda one: one.update(schema=99)), "line 7 of"),
    reported("a segment that ends before it begins", segment(lambda one: one.update(first=3)), "line 7 of"),
    reported("a segment behind a gap", segment(lambda one: one.update(first=5, until=7)),
             "has 0 epochs of variant 'before', seed 1, and then"),
    reported("a segment of another file", segment(lambda one: one["arrays"].update(file="../x")), "curves at byte"),
    reported("a segment behind its file", segment(lambda one: one["arrays"].update(at=99_999)), "curves at byte"),
    reported("a segment of another length", segment(lambda one: one.update(until=1)), "not of shape (1, 1)"),
    reported("a segment without a loss", segment(lambda one: one["arrays"].update(metrics=["a", "b"])), "unknown metric"),
    reported("a seed that is no number", segment(lambda one: one["runs"][0].update(seed="1")), "line 7 of"),
    reported("an empty summary", summary(lambda _: ""), "cannot read", "summary.json"),
    reported("a summary cut short", summary(lambda text: text[:-9]), "cannot read", "summary.json"),
    reported("a summary of bytes", summary(lambda _: b"\xff\xfe"), "cannot read", "summary.json"),
    reported("a summary of a list", summary(lambda _: "[]"), "cannot read", "summary.json"),
    reported("a summary of null", summary(lambda _: "null"), "cannot read", "summary.json"),
    reported("a summary in depth", summary(lambda _: "[" * 99_999), "cannot read", "summary.json"),
    reported("a summary without a target", summary(lambda text: text.replace('"target"', '"aim"')),
             "cannot read", "summary.json"),
    reported("a target of a list", summary(lambda text: text.replace('"val_accuracy"', "[1]")),
             "cannot read", "summary.json"),
    reported("a target of no metric", summary(lambda text: text.replace('"val_accuracy"', '"val_f1"')),
             "unknown metric 'val_f1'", "summary.json"),
    reported("a target of words", summary(lambda text: text.replace("0.4", '"high"')), "cannot read",
             "summary.json"),
    reported("a relation of no one", summary(lambda text: text.replace('">="', '"=="')), "cannot read",
             "summary.json"),
    reported("an environment of a list", summary(lambda text: text.replace('{"fingerprint": "f"}', "[]")),
             "cannot read", "summary.json"),
    reported("a check of a list", summary(lambda text: text.replace('"solo_check": {', '"solo_check": [], "s": {')),
             "cannot read", "summary.json"),
    reported("a check of words", summary(lambda text: text.replace("0.0", '"small"')), "cannot read",
             "summary.json"),
]  # fmt: skip
