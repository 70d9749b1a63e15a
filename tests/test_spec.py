import dataclasses
import hashlib
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normwise.domain import Condition
from normwise.errors import SpecError, UnknownNameError, VariantError
from normwise.spec import AXES, DEFAULT_MODEL, About, Spec, optimizer_parts, title_of
from normwise.studies import BUILT_IN, study_file

BASE = {"model": "circles", "data": "circles"}
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(
    st.fixed_dictionaries(
        {"model": TEXT, "data": TEXT},
        optional={
            "study": st.from_regex(r"[A-Za-z0-9_.-]+", fullmatch=True),
            "target_column": TEXT,
            "task": st.sampled_from(["binary", "classes", "regression"]),
            "variants": st.just(("none", "after:momentum=0.9999999")),
            "learning_rate": st.floats(0, 1e300, exclude_min=True),
            "batch_size": st.integers(1, 10**6),
            "epochs": st.integers(1, 10**5),
            "seeds": st.integers(1, 10**5),
            "optimizer": st.just("adam:beta_1=0.5"),
            "target": st.just("val_loss<=0.1"),
        },
    )
)
def test_settings_read_back_from_the_file_they_were_written_to(tmp_path_factory, settings):
    spec = Spec.make(settings)
    path = tmp_path_factory.mktemp("spec") / "spec.toml"
    path.write_bytes(spec.to_toml().encode())
    assert Spec.from_toml(path, {}) == spec
    assert Spec.from_toml(path, {}).to_toml() == spec.to_toml()


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_studies_read(name):
    assert Spec.from_toml(study_file(name), {}).study == name


def test_the_command_line_wins_over_the_file():
    spec = Spec.from_toml(study_file("circles"), {"seeds": 3, "variants": ("none",)})
    assert (spec.seeds, spec.variants, spec.epochs) == (3, ("none",), 100)


def test_variants_become_canonical_and_one_may_be_a_text():
    spec = Spec.make({**BASE, "variants": ["none", "after+input:renorm"]})
    assert spec.variants == ("none", "input+after:renorm=true")
    assert Spec.make({**BASE, "variants": "after"}).variants == ("after",)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seeds", 0, "setting 'seeds' is 0; expected greater than 0; try --seeds 10"),
        ("seeds", -1, "setting 'seeds' is -1; expected greater than 0; try --seeds 10"),
        ("seeds", "ten", "setting 'seeds' is 'ten'; expected a valid integer.*; try --seeds 10"),
        ("seeds", True, "setting 'seeds' is True; expected a number; try --seeds 10"),
        ("seeds", 10**20, "setting 'seeds' is 1000.*; expected less than or equal to 100000"),
        ("seeds", 2.5, "setting 'seeds' is 2.5; expected a valid integer"),
        ("epochs", 0, "setting 'epochs' is 0; expected greater than 0; try --epochs 20"),
        ("epochs", 10**20, "setting 'epochs' is 1000.*; expected less than or equal to"),
        ("batch_size", -3, "setting 'batch_size' is -3; expected .* 0; try --batch-size 32"),
        ("learning_rate", 0, "'learning_rate' is 0; expected greater than 0; .*-rate 0.01"),
        ("learning_rate", -0.1, "'learning_rate' is -0.1; expected greater than 0"),
        ("learning_rate", float("nan"), "'learning_rate' is nan; expected a finite number"),
        ("learning_rate", float("inf"), "'learning_rate' is inf; expected a finite number"),
        ("learning_rate", "fast", "'learning_rate' is 'fast'; expected a valid number"),
        ("learning_rate", True, "'learning_rate' is True; expected a number"),
        ("variants", 3, "setting 'variants' is 3; expected a valid tuple; try --variant after"),
        ("variants", [1], "setting 'variants' is 1; expected a valid string; try --variant after"),
        ("variants", [], "variants are missing; expected at least one .*; try --variant none"),
        ("variants", ["after", "after:"], "variants are after, after:; .* each once"),
        ("study", "../x", "setting 'study' is '../x'; expected a text to match .*'my-study'"),
        ("initializer", "", "'initializer' is ''; expected a text to have at least 1 char"),
        ("optimizer", 3, "setting 'optimizer' is 3; expected a valid string"),
        ("optimizer", "sgd:momentum", "'sgd:momentum' has 'momentum'; .*'sgd:momentum=0.9'"),
        ("optimizer", "sgd:momentum=nan", "has 'momentum=nan'; expected OPTION=NUMBER"),
        ("target", "soon", "target 'soon' does not parse; .*; try 'val_accuracy>=0.8'"),
        (
            "task",
            "rgression",
            "'task' is 'rgression'; expected 'binary', 'classes' or 'regression'",
        ),
        ("probe_runs", 3, "probe_runs is 3 and probe was not given; expected both.*add --probe"),
        ("target_column", ["y"] * 9, r"'target_column' is \['y', 'y', .*; check --target-column"),
    ],
)
def test_a_wrong_setting_says_what_arrived_what_was_expected_and_what_to_type(name, value, message):
    with pytest.raises(SpecError, match=message):
        Spec.make({**BASE, name: value})


def test_an_unknown_setting_offers_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown setting 'sedes'.*did you mean 'seeds'"):
        Spec.make({**BASE, "sedes": 3})


def test_a_variant_that_does_not_parse_is_found_before_anything_runs():
    with pytest.raises(VariantError, match="momentum=2"):
        Spec.make({**BASE, "variants": ["after:momentum=2"]})


def test_a_study_needs_data():
    settings = {key: value for key, value in BASE.items() if key != "data"}
    with pytest.raises(SpecError, match="no data was given; expected one; try --data circles"):
        Spec.make(settings)


def test_a_study_needs_no_model():
    settings = {key: value for key, value in BASE.items() if key != "model"}
    assert Spec.make(settings).model == DEFAULT_MODEL


HEAD = b'model = "circles"\ndata = "circles"\n'


@pytest.mark.parametrize(
    "content",
    [b"=", HEAD.decode().encode("utf-16"), bytes(range(256)), HEAD + b"seeds = 1" + b"0" * 5000,
     HEAD + b"x = " + b"[" * 5000, None],
    ids=["syntax", "utf-16", "binary", "endless-number", "endless-nesting", "folder"],
)  # fmt: skip
def test_a_file_that_is_no_toml_is_named(tmp_path, content):
    path = tmp_path / "s.toml"
    path.write_bytes(content) if content else path.mkdir()
    with pytest.raises(SpecError, match=r"cannot read '.*s.toml' \(.*\); expected a TOML file .*"):
        Spec.from_toml(path, {})


def test_the_byte_order_mark_of_windows_is_no_mistake(tmp_path):
    path = tmp_path / "s.toml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD)
    assert Spec.from_toml(path, {}).model == "circles"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("adam", ("adam", {})),
        (" sgd : momentum = 0.9 , nesterov=true", ("sgd", {"momentum": 0.9, "nesterov": True})),
        ("sgd:nesterov=false,", ("sgd", {"nesterov": False})),
    ],
)
def test_an_optimizer_is_a_name_and_options(text, parts):
    assert optimizer_parts(text) == parts


def setting(spec, fingerprint):
    [point] = spec.conditions
    return spec.setting(fingerprint, point)


def test_a_run_is_known_by_what_shapes_it():
    spec = Spec.make(BASE)
    # Golden: a journal from before must be found again.
    assert setting(spec, "data-model") == "01bc7abcc0455408"
    more = Spec.make({**BASE, "seeds": 99, "target": "loss<=1", "study": "x"})
    assert setting(more, "data-model") == "01bc7abcc0455408"
    assert setting(spec, "other") != "01bc7abcc0455408"


# Hashes that journals and folders of earlier versions hold, as those versions made them.
BEFORE = [
    ({}, ["d540c9c853bec7cb"], "4f29de02"),
    (
        {"optimizer": "adam", "learning_rate": 0.001, "epochs": 7},
        ["31e34d06b19bf3fd"],
        "0a3580ff",
    ),
    (
        {"model": "m:build", "data": "t.csv", "target_column": "y", "group_column": "who",
         "task": "regression", "standardize_targets": False, "loss": "huber"},
        ["8a02c8bb17ce69c5"],
        "3e35342d",
    ),
    (
        {"learning_rate": ["1e-3:1:2", 5], "initializer": ["he_normal", "zeros"], "batch_size": [8, 64]},
        ["bcdd51e3d33fcaa8", "377d1a9b8895deae", "7b24ef566550e0ef", "4bf69fa96431c01f", "2ec8a8c382732d97", "a1ee51971bd9bc8e", "71f2c73254d9f211", "2d325e6d221d6cb3", "5d2d00fa9ca74929", "b3b0c69f19abfad6", "2c139f7d3a4ed309", "6cc96ac95a398c8d"],
        "58b1620a",
    ),
    (
        {"class_weight": {0: 1.0, 1: 4.0}, "standardize_targets": True},
        ["353c1cf90db36abe"],
        "e200a5bb",
    ),
    (
        {"study": "x", "question": "Q?", "variants": ["none", "input:norm=zscore"], "seeds": 99,
         "until_decided": True, "max_seeds": 400, "target": "loss<=1", "margin": 2, "patience": 3,
         "price": 1.5, "learning_rate": [0.1, 1]},
        ["bbee5b004f2750d6", "fb1eccff1e454a9a"],
        "364f557b",
    ),
    (
        {"prune": True, "ablate": True, "learning_rate": [0.1, 1], "target": "loss<=1"},
        ["bbee5b004f2750d6", "fb1eccff1e454a9a"],
        "585a2d53",
    ),
    ({"task": "classes"}, ["61f905b2558ef347"], "6bc4f80f"),
    ({"group_column": "g"}, ["56a5e508f04fb00d"], "a00be92e"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "runs", "folder"), BEFORE, ids=[str(one) for one, *_ in BEFORE]
)
def test_earlier_journals_and_folders_are_found_again(settings, runs, folder):
    spec = Spec.make({**BASE, **settings})
    assert [spec.setting("f-1", point) for point in spec.conditions] == runs
    assert hashlib.sha256(spec.identity.encode()).hexdigest()[:8] == folder


def test_every_setting_says_what_depends_on_it():
    silent = [
        name
        for name, field in Spec.model_fields.items()
        if not any(isinstance(one, About) for one in field.metadata)
    ]
    assert silent == []
    assert all(about.help for about in Spec.abouts().values())


def test_the_axes_are_what_a_condition_holds():
    assert tuple(field.name for field in dataclasses.fields(Condition)) == AXES


class Longer(Spec):
    """A study with a setting that says nothing of itself, one that does, and one of the answer."""

    warm_up: int = 0
    clip: Annotated[float | None, About("training", "Largest gradient.")] = None
    colour: Annotated[str, About("answer", "Of the curves.")] = "blue"


def test_what_was_trained_before_a_setting_came_is_found_again():
    settings, runs, folder = BEFORE[0]
    longer = Longer.make({**BASE, **settings})
    assert [longer.setting("f-1", point) for point in longer.conditions] == runs
    assert hashlib.sha256(longer.identity.encode()).hexdigest()[:8] == folder


@pytest.mark.parametrize(
    ("change", "shapes"),
    [({"warm_up": 3}, True), ({"clip": 1.0}, True), ({"colour": "red"}, False)],
)
def test_another_value_is_another_run_unless_the_setting_says_otherwise(change, shapes):
    longer = Longer.make({**BASE, **change})
    assert (setting(longer, "f-1") != BEFORE[0][1][0]) is shapes
    assert longer.identity != Longer.make(BASE).identity
    [(name, value)] = change.items()
    about = Longer.abouts()[name]
    assert about.allows(getattr(Longer.make(BASE), name), value) is not shapes


@pytest.mark.parametrize(
    ("decides", "old", "new", "allowed"),
    [
        ("training", 3, 3, True), ("training", 3, 4, False), ("training", ("a",), ("a", "b"), False),
        ("axis", (1.0,), (1.0, 2.0), True), ("axis", (1.0, 2.0), (1.0,), False),
        ("axis", None, (1.0,), False), ("axis", (1.0,), None, False), ("axis", None, None, True),
        ("extent", ("none", "after"), ("after", "none"), True), ("extent", 3, 4, True),
        ("extent", 4, 3, False), ("stopping", False, True, False), ("answer", 4, 3, True),
    ],
)  # fmt: skip
def test_a_folder_may_get_more_and_another_answer(decides, old, new, allowed):
    assert About(decides).allows(old, new) is allowed


def test_a_run_in_a_grid_is_the_run_that_it_is_alone():
    alone = [{"learning_rate": rate, "batch_size": size} for size in (8, 32) for rate in (0.1, 1)]
    grid = Spec.make({**BASE, "learning_rate": [0.1, 1], "batch_size": [8, 32]})
    assert [grid.setting("f", point) for point in grid.conditions] == [
        setting(Spec.make({**BASE, **one}), "f") for one in alone
    ]


@pytest.mark.parametrize(
    "change",
    [{"learning_rate": 0.02}, {"batch_size": 16}, {"epochs": 3}, {"optimizer": "adam"},
     {"initializer": "zeros"}, {"loss": "huber"}, {"target_column": "y"}, {"task": "classes"},
     {"model": "churn"}],
    ids=str,
)  # fmt: skip
def test_what_shapes_a_run_changes_its_key(change):
    assert setting(Spec.make(BASE), "f") != setting(Spec.make({**BASE, **change}), "f")


@pytest.mark.parametrize(
    ("settings", "title"),
    [
        ({"model": "models:build", "data": "logs/customers.csv.gz"}, "build on customers"),
        ({"model": "my.v2/net.keras", "data": "../shots"}, "net on shots"),
        ({"model": "default", "data": "t.parquet"}, "t"),
        ({"model": "functional", "data": "arrays"}, "functional"),
        ({"model": "default", "data": "arrays"}, "arrays"),
        ({"model": "circles", "data": "circles"}, "circles"),
        ({"model": "default", "data": "."}, Path.cwd().name),
        ({"model": "m", "data": "d", "study": "mine"}, "mine"),
    ],
)
def test_a_study_without_a_name_is_called_by_its_model_and_data(settings, title):
    spec = Spec(**settings)
    assert title_of(spec) == title
    # What a folder is found by, and what it holds, stays.
    assert f'study = "{settings.get("study", "study")}"' in spec.identity


def test_numbers_are_listed_with_commas_or_one_by_one():
    spec = Spec.make({"data": "circles", "learning_rate": "1e-3,1e-2", "batch_size": ["8,16", 32]})
    assert spec.learning_rate == (0.001, 0.01)
    assert spec.batch_size == (8, 16, 32)
