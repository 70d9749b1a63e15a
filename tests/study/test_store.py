import dataclasses
import json
import math
import shutil

import pytest

from normwise.domain import RunKey, RunRecord, Summary, Target
from normwise.errors import StoreError, StudyIncomplete
from normwise.spec import Spec
from normwise.study.curves import curve_columns, write_curves
from normwise.study.event_log import EventLog
from normwise.study.history import History
from normwise.study.ledger import Ledger
from normwise.study.store import Store, held
from tests.old_journal import old_line

SPEC = Spec.make({"model": "circles", "data": "circles", "seeds": 2})


def record(seed=0, **changes):
    settings = {
        "key": RunKey("none", seed, "abc"),
        "learning_rate": 0.01,
        "curves": {"loss": (0.5, 0.25), "val_loss": (0.6, 0.3)},
        "seconds": 1.5,
    }
    return RunRecord(**settings | changes)


def add(store, those):
    store.append(json.loads(old_line(one)) for one in those)


def records(store):
    ledger = Ledger(EventLog(store))
    return [dataclasses.replace(ledger.record(run, 2, 2), batch_size=None) for run in ledger.runs]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_study_that_never_finished_a_run_leaves_no_trace(tmp_path):
    with held(tmp_path / "new" / "out", SPEC):
        assert (tmp_path / "new" / "out").is_dir()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_of_the_users_stays(folder):
    folder.mkdir()
    with held(folder, SPEC):
        pass
    assert contents(folder) == {}


def test_the_settings_are_written_with_the_first_record(folder):
    add(Store(folder, SPEC), [record()])
    assert sorted(contents(folder)) == ["journal.jsonl", "spec.toml"]
    assert Spec.from_toml(folder / "spec.toml", {}) == SPEC


def test_a_record_is_on_disk_and_readable_when_add_returns(folder, monkeypatch):
    synced = []
    store = Store(folder, SPEC)
    store.begin()
    monkeypatch.setattr("os.fsync", synced.append)
    add(store, [record(0), record(1)])
    assert len(synced) == 1
    assert records(Store(folder, SPEC)) == records(store) == [record(0), record(1)]


def test_runs_go_on_where_they_stopped(folder):
    first = Store(folder, SPEC)
    add(first, [record(0)])
    History(first).stopped(done=1, of=2)
    second = Store(folder, SPEC)
    add(second, [record(1)])
    History(second).finished()
    assert records(Store(folder, SPEC)) == [record(0), record(1)]


def test_curves_that_are_not_finite_come_back_as_they_were(folder):
    curves = {"loss": (0.5, math.nan), "val_loss": (math.inf, math.nan)}
    add(Store(folder, SPEC), [record(curves=curves, diverged_at=2)])
    (back,) = records(Store(folder, SPEC))
    assert back.curves["loss"][0] == 0.5
    assert math.isnan(back.curves["loss"][1])
    assert back.curves["val_loss"][0] == math.inf
    assert back.diverged_at == 2


def test_the_journal_is_json_that_every_reader_takes(folder):
    add(Store(folder, SPEC), [record(curves={"loss": (math.nan, math.inf)})])
    text = (folder / "journal.jsonl").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert json.loads(text)["curves"] == {"loss": [None, "inf"]}


@pytest.mark.parametrize("torn", [b'{"event": "r', b"\0\0\0", b'{"event": "run"}'], ids=repr)
def test_a_torn_last_line_is_dropped(folder, torn):
    add(Store(folder, SPEC), [record(0)])
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(torn)
    torn_journal = contents(folder)
    store = Store(folder, SPEC)
    assert records(store) == [record(0)]
    assert contents(folder) == torn_journal  # it may be written at this moment
    add(store, [record(1)])
    assert records(store) == [record(0), record(1)]


RUN = (
    b'{"event":"run","key":{"variant":"none","seed":0,"setting":"x"},"learning_rate":0.1,'
    b'"curves":{"loss":[1.0]},"diverged_at":null,"seconds":1.0}'
)


@pytest.mark.parametrize(
    "line",
    [b"", b"rubbish", b"3", b"null", b"{}", b"[1,2]", b"\xff\xfe", b"[" * 100_000,
     b'{"event":"run"}', b'{"event":"run","key":3}', RUN.replace(b"[1.0]", b'"abc"'),
     RUN.replace(b'{"loss":[1.0]}', b"{}"), RUN.replace(b'{"loss":[1.0]}', b'{"a":[1],"b":[]}'),
     RUN.replace(b'"seed"', b'"sed"'), RUN.replace(b":0.1", b':"fast"')],
    ids=lambda line: line[:40].decode(errors="replace"),
)  # fmt: skip
def test_a_line_in_the_middle_that_does_not_read_is_an_error(folder, line):
    add(Store(folder, SPEC), [record(0)])
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + line + b"\n" + RUN + b"\n")
    before = contents(folder)
    with pytest.raises(StoreError, match=r"line 2 of '.*journal.jsonl' is .*; move the folder"):
        records(Store(folder, SPEC))
    assert contents(folder) == before


def test_another_study_is_not_overwritten(folder):
    add(Store(folder, SPEC), [record()])
    before = contents(folder)
    other = SPEC.model_copy(update={"seeds": 1})
    message = (
        r"folder '.*out' holds another study \(seeds is 2 there and 1 here\); expected an empty "
        r"folder, or the same study with as many seeds.*; try --out .*out-2"
    )
    with pytest.raises(StoreError, match=message):
        Store(folder, other)
    assert contents(folder) == before


def test_of_another_study_only_what_makes_it_another_is_named(folder):
    add(Store(folder, SPEC), [record()])
    other = SPEC.model_copy(update={"data": "digits", "variants": ("none",), "seeds": 1})
    with pytest.raises(StoreError, match=r"\(data is 'circles' there and 'digits' here\)"):
        Store(folder, other)


GRID = {"learning_rate": (0.1, 0.01), "variants": ("none", "after")}


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": 3},
        {"variants": ("after", "before", "none")},
        {"learning_rate": (0.001, 0.01, 0.1)},
        {"batch_size": (32, 64)},
        {"target": "val_loss<=0.3"},
        {
            "margin": 2.0,
            "end_margin": 0.02,
            "patience": 3,
            "price": 1.0,
            "ablate": True,
            "until_decided": True,
        },
        {"study": "mine", "question": "Why?"},
    ],
)
def test_a_study_is_extended(folder, changes):
    spec = Spec.make(SPEC.model_dump(exclude_none=True) | GRID)
    before = Store(folder, spec)
    add(before, [record(0)])
    before.write_text("summary.json", "{}")
    larger = spec.model_copy(update=changes)
    store = Store(folder, larger)
    assert store.there == spec
    assert (folder / "summary.json").exists()  # nothing is touched before something is written
    add(store, [record(1)])
    # The summary was of other settings.
    assert sorted(contents(folder)) == ["journal.jsonl", "spec.toml"]
    assert Spec.from_toml(folder / "spec.toml", {}) == larger
    assert records(Store(folder, larger)) == [record(0), record(1)]


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "churn"},
        {"data": "digits"},
        {"target_column": "y"},
        {"task": "classes"},
        {"optimizer": "adam"},
        {"loss": "huber"},
        {"epochs": 21},
        {"epochs": 19},
        {"class_weight": {"0": 2.0}},
        {"learning_rate": (0.1,)},
        {"learning_rate": None},
        {"initializer": ("he_normal",)},
        {"variants": ("none", "before")},
        {"prune": True},
        {"target": "val_loss<=0.3", "prune": True},
    ],
)
def test_a_study_of_other_runs_is_refused(folder, changes):
    spec = Spec.make(SPEC.model_dump(exclude_none=True) | GRID)
    add(Store(folder, spec), [record()])
    before = contents(folder)
    with pytest.raises(StoreError, match=f"holds another study .*{next(iter(changes))}"):
        Store(folder, spec.model_copy(update=changes))
    assert contents(folder) == before


def test_a_pruned_study_keeps_its_target(folder):
    spec = Spec.make(SPEC.model_dump(exclude_none=True) | GRID | {"prune": True})
    add(Store(folder, spec), [record()])
    with pytest.raises(StoreError, match="prune stopped runs by the target None there"):
        Store(folder, spec.model_copy(update={"target": "val_loss<=0.3"}))


def test_the_same_settings_in_another_layout_are_the_same_study(folder):
    add(Store(folder, SPEC), [record()])
    path = folder / "spec.toml"
    path.write_text("# mine\n" + path.read_text())
    assert records(Store(folder, SPEC)) == [record()]


def test_foreign_files_are_not_mixed_with(folder):
    folder.mkdir()
    (folder / "thesis.tex").write_text("x")
    message = r"holds 'thesis.tex' and no study; expected an empty .*; try --out .*out-study"
    with pytest.raises(StoreError, match=message):
        Store(folder, SPEC)
    assert contents(folder) == {"thesis.tex": b"x"}


def test_what_a_kill_at_the_first_write_leaves_is_not_foreign(folder):
    folder.mkdir()
    (folder / ".spec.4711.toml").write_text("mod")
    add(Store(folder, SPEC), [record()])
    assert records(Store(folder, SPEC)) == [record()]


@pytest.mark.parametrize("content", [b"rubbish", b"\xff\xff", b"model = 'x'", b"seeds = 'a'", None])
def test_a_spoilt_spec_in_the_folder_is_refused(folder, content):
    folder.mkdir()
    path = folder / "spec.toml"
    path.write_bytes(content) if content else path.mkdir()
    with pytest.raises(StoreError, match=r"holds a spec.toml that is no study's .*; try --out"):
        Store(folder, SPEC)


@pytest.mark.parametrize(
    "where", ["file", "file/below", "/proc/nope/deep", "x" * 300], ids=lambda text: text[:20]
)
def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path, where):
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(StoreError, match=r"cannot be written \(.*\); .*; try --out ./my-study"),
        held(tmp_path / where, SPEC),
    ):
        pytest.fail("nothing to hold")
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_journal_that_is_a_folder_is_refused(folder):
    Store(folder, SPEC).write_text("note.txt", "x")
    (folder / "journal.jsonl").mkdir()
    with pytest.raises(StoreError, match=r"cannot read .*journal\.jsonl"):
        records(Store(folder, SPEC))
    with pytest.raises(StoreError, match=r"cannot read .*journal\.jsonl"):
        add(Store(folder, SPEC), [record()])


def test_a_folder_that_vanishes_while_training_is_a_store_error(folder):
    store = Store(folder, SPEC)
    folder.write_text("now a file")
    with pytest.raises(StoreError, match="cannot"):
        add(store, [record()])


@pytest.mark.parametrize(("folder_name", "hint"), [(".", "my-study"), ("a", "a-study")])
def test_the_folder_to_try_instead_is_one_that_can_be_typed(
    tmp_path, monkeypatch, folder_name, hint
):
    from pathlib import Path

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=f"try --out {hint}$"):
        Store(Path(folder_name), SPEC)


def test_a_failed_write_leaves_the_old_file(folder, monkeypatch):
    store = Store(folder, SPEC)
    store.write_text("report.html", "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(StoreError, match="No space left"):
        store.write_text("report.html", "new")
    assert contents(folder)["report.html"] == b"old"
    assert sorted(contents(folder)) == ["report.html", "spec.toml"]


def test_the_summary_is_written_as_json(folder):
    summary = Summary("s", Target("loss", "<=", 1.0), (), (), "words", "none")
    Store(folder, SPEC).write_summary(summary)
    assert json.loads((folder / "summary.json").read_text()) == summary.to_json()


def test_curves_are_one_row_a_replica_and_epoch(folder):
    import pyarrow.parquet as pq

    write_curves([record(0), record(1)], folder / "curves.parquet")
    table = pq.read_table(folder / "curves.parquet").to_pydict()
    assert table == curve_columns([record(0), record(1)])
    assert table["seed"] == [0, 0, 1, 1]
    assert table["epoch"] == [1, 2, 1, 2]
    assert table["val_loss"] == [0.6, 0.3, 0.6, 0.3]


def test_curves_of_many_replicas_are_written_some_at_a_time_and_all_there(folder):
    import pyarrow.parquet as pq

    # The first have neither initialiser nor batch size; those at the end have.
    own = ({}, {}, {}, {"initializer": "he_normal", "batch_size": 16})
    many = [record(seed, **own[seed // 625]) for seed in range(2500)]
    write_curves(many, folder / "curves.parquet")
    assert pq.read_table(folder / "curves.parquet").to_pydict() == curve_columns(many)
    assert pq.ParquetFile(folder / "curves.parquet").num_row_groups == 3


def test_a_study_stops_where_what_it_wrote_is_gone(folder):
    store = Store(folder, SPEC)
    add(store, [record(0)])
    shutil.rmtree(folder)
    for write in (lambda: add(store, [record(1)]), lambda: store.write_text("summary.json", "")):
        with pytest.raises(StudyIncomplete, match=r"deleted while .*; expected .*; run the same"):
            write()
    # No journal without its beginning: the same command begins again.
    assert not folder.exists()
    add(store := Store(folder, SPEC), [record(1)])
    assert records(store) == [record(1)]


def test_a_study_stops_where_another_one_writes(folder):
    # Where a file system knows no locks, or someone deleted the one that there was.
    first, second = Store(folder, SPEC), Store(folder, SPEC)
    add(first, [record(0)])
    add(second, [record(1)])
    with pytest.raises(
        StudyIncomplete, match=r"changed while the study ran; expected .* to itself"
    ):
        add(first, [record(1)])
    assert records(Store(folder, SPEC)) == [record(0), record(1)]
