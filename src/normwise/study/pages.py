"""The report's page of a study, fresh from training or from its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from normwise.data import Dataset, is_image_folder
from normwise.data.labels import class_numbers
from normwise.data.mapped_rows import is_on_disk
from normwise.data.nested import is_nested
from normwise.domain import Ablation, Inside, RunRecord, Summary
from normwise.errors import StoreError, UsageError
from normwise.report import DataPreview, Page, question_page, study_page
from normwise.runs import check_export, export
from normwise.spec import Spec, title_of
from normwise.study.history import History
from normwise.study.input_scales import input_scales
from normwise.study.inputs import arrived, as_dataset
from normwise.study.inside_files import read_inside
from normwise.study.question import Question
from normwise.study.recorded_runs import recorded
from normwise.study.store import Store
from normwise.study.summary_file import population_samples_in, read_summary, solo_check_in

__all__ = ["exported", "make_page", "page_of_folder", "page_of_question"]

# Settings that a study may find in the model; its environment says what it found.
_FOUND_IN_MODEL = ("optimizer", "learning_rate", "loss", "engine")


def make_page(
    spec: Spec,
    summary: Summary,
    records: Sequence[RunRecord],
    dataset: Dataset | None,
    data_notes: Sequence[str],
    *,
    inside: Sequence[Inside] = (),
    incomplete: bool = False,
) -> Page:
    """The page of a study.

    Args:
        spec: The study's settings.
        summary: Its answer.
        records: Its runs.
        dataset: Its data; ``None`` where they are not at hand, and then there is no picture.
        data_notes: What was decided about the data for their owner, in sentences.
        inside: What probes saw inside some of the runs.
        incomplete: Whether runs are missing.
    """
    settings = _settings(spec)
    # What a model was compiled with, or a default says, counts as if it had been given.
    settings |= {
        key: summary.environment[key] for key in _FOUND_IN_MODEL if key in summary.environment
    }
    return study_page(
        summary,
        records,
        settings=settings,
        preview=None if dataset is None else _preview(dataset),
        scales=() if dataset is None else input_scales(dataset),
        notes=(*data_notes, *_notes(summary)),
        inside=inside,
        incomplete=incomplete,
    )


def page_of_question(spec: Spec) -> Page:
    """What a study asks, before anything is trained.

    >>> page_of_question(Spec(model="circles", data="circles")).answer.headline
    'Does normalisation help circles?'
    """
    seeds = f"{spec.seeds} seeds" if spec.seeds > 1 else "1 seed"
    points = len(spec.conditions)
    each = f" at each of {points} points of the grid" if points > 1 else ""
    extent = f"{', '.join(f'`{name}`' for name in spec.variants)}: {seeds} of each{each}, "
    return question_page(
        title_of(spec),
        spec.question or f"Does normalisation help {title_of(spec)}?",
        f"{extent}{spec.epochs} epochs a run.",
        _settings(spec),
    )


def _settings(spec: Spec) -> dict[str, str]:
    return {key: _text(value) for key, value in spec.model_dump(exclude_none=True).items()}


def _notes(summary: Summary) -> tuple[str, ...]:
    left_out = summary.environment.get("left_out", "")
    of_variants = [f"{left_out[0].upper()}{left_out[1:]}."] if left_out else []
    return (
        *_engine_notes(summary),
        *of_variants,
        *_target_notes(summary),
        *_guess_notes(summary),
    )


def _engine_notes(summary: Summary) -> list[str]:
    """Why Keras' own ``fit`` trained, where it did, and what that left out."""
    found = summary.environment
    if "engine_reason" not in found:
        return []
    said = f"Keras' own fit trained each run alone: {found['engine_reason']}."
    batches = found.get("batches", "")
    return [said, *([f"{batches[0].upper()}{batches[1:]}."] if batches else [])]


def _target_notes(summary: Summary) -> tuple[str, ...]:
    """What was done with the targets of a regression, and what predicting their mean reaches."""
    if "targets" not in summary.environment:
        return ()
    loss = float(summary.environment["mean_loss"])
    reached = f"Always predicting the mean has a validation loss of {loss:.4g}"
    if summary.target.metric == "val_loss" and summary.target.value == loss:
        reached += ", and as the baseline ends no better, that is the target"
    return summary.environment["targets"], f"{reached}."


def _guess_notes(summary: Summary) -> list[str]:
    """That a target asks for nothing that would have to be learned."""
    share = float(summary.environment.get("guessing", 0))
    if summary.target.metric != "val_accuracy" or summary.target.value > share:
        return []
    said = (
        f"Always naming the most frequent class has a validation accuracy of {share:.4g}, and the "
        f"target asks for no more: it may be reached before anything is learned. Try a higher "
        f"--target, more epochs or another learning rate."
    )
    return [said]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {part:g}" for key, part in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


class _Found(NamedTuple):
    """What a study's folder holds.

    Attributes:
        store: The folder.
        question: What the study asks.
        records: Its finished runs, at least one.
        finished: The content of ``summary.json``; empty where it has not finished.
        fingerprint: What tells its data and model from others, where that is known.
    """

    store: Store
    question: Question
    records: list[RunRecord]
    finished: dict[str, Any]
    fingerprint: str | None


def _found_in(folder: Path) -> _Found:
    """A study's runs, with nothing trained again.

    Raises:
        StoreError: The folder holds no study, or no finished run yet.
    """
    if not (folder / "spec.toml").is_file() and (folder / "summary.json").is_file():
        raise StoreError(
            f"folder {str(folder)!r} holds a verdict on runs from elsewhere; "
            f"expected a study; run the same normwise judge again to draw its report"
        )
    if not (folder / "spec.toml").is_file():
        raise StoreError(
            f"folder {str(folder)!r} holds no study; expected one with spec.toml and "
            f"journal.jsonl; try 'normwise study circles --out {folder}'"
        )
    spec = Spec.from_toml(folder / "spec.toml", {})
    store = Store(folder, spec)
    finished = read_summary(folder) or {}
    environment = finished.get("environment", {})
    fingerprint = environment.get("fingerprint") or History(store).fingerprint()
    question, records = recorded(
        store,
        spec,
        fingerprint,
        finished["target"]["metric"] if finished else None,
        float(environment["mean_loss"]) if "mean_loss" in environment else None,
        History(store).examples(fingerprint) if fingerprint else None,
        float(environment["guessing"]) if "guessing" in environment else None,
    )
    if not records:
        raise StoreError(
            f"folder {str(folder)!r} holds a study without a finished run; expected at least "
            f"one; run the study again with --out {folder}"
        )
    return _Found(store, question, records, finished, fingerprint)


def exported(folder: Path, kind: str) -> Path:
    """Write the curves of a study's runs for another tool, into its folder.

    Args:
        folder: The study's.
        kind: ``csv``, ``tensorboard`` or ``mlflow``.

    Returns:
        What was written.

    Raises:
        UsageError: The folder holds no study, or no finished run yet; there is no such kind, or its
            library is not installed.
    """
    check_export(kind)
    found = _found_in(folder)
    return export(found.records, kind, folder, title_of(found.question.spec))


def page_of_folder(folder: Path) -> Page:
    """The page from a study's journal and summary, with nothing trained again.

    Raises:
        StoreError: The folder holds no study, or no finished run yet.
    """
    store, question, records, finished, fingerprint = _found_in(folder)
    spec, history = question.spec, History(store)
    dataset = _data_at_hand(spec)
    summary = question.summary(
        records,
        times=history.times(fingerprint) if finished and fingerprint else {},
        solo_check=solo_check_in(finished) if finished else None,
        environment=finished.get("environment", {}),
        ablation=Ablation.from_json(finished["ablation"]) if "ablation" in finished else None,
        samples=population_samples_in(finished),
    )
    said = history.notes(fingerprint) if fingerprint else None
    if said is None:
        said = dataset.said if dataset else ()
    inside = read_inside(folder, [record.key for record in records]) if spec.probe else ()
    return make_page(spec, summary, records, dataset, said, inside=inside, incomplete=not finished)


def _data_at_hand(spec: Spec) -> Dataset | None:
    """The data of a study's settings, where they can be read again and a page may show them."""
    if is_image_folder(spec.data):
        return None  # to be decoded again, for nothing
    try:
        return as_dataset(arrived(spec.data), spec)
    except UsageError:
        return None  # they were given from Python, or have gone: the curves do not need them


def _preview(dataset: Dataset) -> DataPreview | None:
    if dataset.classes == 0 or is_nested(dataset.x_train) or dataset.x_train.shape[1:] != (2,):
        return None
    if is_on_disk(dataset.x_train):
        return None  # too many
    x, y = dataset.x_train, dataset.y_train
    names = dataset.class_names or tuple(str(label) for label in range(dataset.classes))
    first, second = dataset.feature_names or ("x1", "x2")
    return DataPreview(
        feature_names=(first, second),
        points=tuple((a, b) for a, b in x.tolist()),
        labels=tuple(names[label] for label in class_numbers(y).tolist()),
        caption=f"the training part of {dataset.name}",
    )
