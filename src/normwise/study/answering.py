"""From question to result: train, compare, check, and write it down."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from normwise import analysis
from normwise.domain import (
    Ablation,
    Run,
    RunRecord,
    SoloCheck,
    Summary,
    VariantSummary,
    derive_seed,
)
from normwise.errors import NotStacked, SoloCheckFailed
from normwise.report import DrawingProcess
from normwise.study.allowance import Allowance
from normwise.study.best import best_in, trained_model, write_best
from normwise.study.curves import write_curves
from normwise.study.fits import Fits
from normwise.study.history import History
from normwise.study.keeping import best_run
from normwise.study.looking import looks
from normwise.study.pages import make_page
from normwise.study.planners import AblationPlanner, planner_of
from normwise.study.planners.plan import Goals
from normwise.study.question import Question
from normwise.study.report_files import write_page, write_picture
from normwise.study.result import Result
from normwise.study.sampling import population_samples
from normwise.study.store import Store
from normwise.study.summary_file import population_samples_in, read_summary, solo_check_in
from normwise.study.timing import Timing, announce
from normwise.study.training import Training
from normwise.study.verification import Trained, verify

if TYPE_CHECKING:
    import keras

__all__ = ["answer", "write"]

log = logging.getLogger("normwise")

_NO_FURTHER_ROUND = (
    "the budget does not suffice for another round of seeds: what is undecided is left open; run "
    "the same command with a larger --budget to go on"
)
_NO_ABLATION = "the budget is spent: which layers matter is left open"


def answer(training: Training, store: Store | None) -> Result:
    """Train what is missing, then compare and check.

    Args:
        training: The training of the study.
        store: Its folder, if it has one.

    Raises:
        NotStacked: The stacked engine cannot train the model, or by the solo check did so wrongly,
            and the settings leave open what trains.
        StudyIncomplete: The budget did not suffice for the first round of seeds.
    """
    try:
        return _answer(training, store)
    except NotStacked as error:
        # Where it took a training, or its start, to know that, the journal remembers.
        if store is not None and training.has_begun:
            History(store).not_stacked(training.case.question.fingerprint, error)
        raise


def _answer(training: Training, store: Store | None) -> Result:
    case, question = training.case, training.case.question
    fits = Fits(case.setup)
    timing = Timing(training, store, fits)
    if case.setup.engine.is_fit:
        announce(training, timing)
    elif store is not None and question.spec.engine == "auto":
        History(store).check_stacked(question.fingerprint)
    goals = training.train(planner_of(question), _NO_FURTHER_ROUND)
    ablated, ablation = _ablate(training, goals)
    records = training.records(goals)
    standing = question.summary(records).variants
    earlier = None if training.has_begun else _earlier(store, question)
    if earlier is not None:
        check, environment = solo_check_in(earlier), earlier["environment"]
    else:
        training.begin()
        # In turn, not beside the training: computations that share out work to XLA's threads
        # may wait for each other for ever.
        check = _checked(training, goals, records, standing, fits, timing)
        environment = case.environment
    if check is not None and check.failed and question.spec.engine == "auto":
        raise _trained_wrongly(check)
    samples = (
        population_samples(training, records, standing, fits)
        if earlier is None
        else population_samples_in(earlier)
    )
    inside = looks(training, goals, records, standing, fits, store)
    training.watch.stage("reporting")
    summary = question.summary(
        records,
        times=timing.known,
        solo_check=check,
        environment=environment,
        ablation=ablation,
        samples=samples,
    )
    wanted = {run.key: until for own in (goals, ablated) for run, until in own.items()}
    reused = sum(training.ledger.before.get(key, 0) >= until for key, until in wanted.items())
    return Result(
        answer=summary,
        records=records,
        page=make_page(
            question.spec, summary, records, case.dataset, case.dataset.said, inside=inside
        ),
        inside=inside,
        folder=None if store is None else store.folder,
        reused=reused,
        trained=len(wanted) - reused,
        unchanged=earlier is not None and store is not None and store.there == store.spec,
        _best=lambda: _best_model(training, goals, records, summary),
    )


def write(result: Result, store: Store, drawing: DrawingProcess) -> None:
    """Write the results into the study's folder, the summary last."""
    page, folder = result.page, store.folder
    store.begin()
    with ThreadPoolExecutor(1) as aside:
        picture = aside.submit(write_picture, page, folder, drawing)
        write_curves(result.records, folder / "curves.parquet")
        kept = result.unchanged and best_in(folder)
        if result.answer.recommended and not kept:
            write_best(result.best_model(), folder)
        picture.result()
    write_page(page, folder)
    store.write_summary(result.answer)
    if not result.unchanged:
        History(store).finished()


def _ablate(training: Training, goals: Goals) -> tuple[Goals, Ablation | None]:
    """Which layers matter, where that was asked."""
    if not training.case.question.spec.ablate:
        return {}, None
    planner = AblationPlanner(training.case.question, goals, training.case.layers)
    return training.train(planner, _NO_ABLATION), planner.found(training.ledger)


def _earlier(store: Store | None, question: Question) -> dict[str, Any] | None:
    """What this study wrote when it finished with the same runs, data and model."""
    if store is None or not store.has_runs_of(question.spec):
        return None
    earlier = read_summary(store.folder)
    if earlier is None or earlier["environment"]["fingerprint"] != question.fingerprint:
        return None
    check = earlier["solo_check"]
    # Older ones looked at the first batches of one variant at most.
    return earlier if check is None or "first_steps" in check else None


def _checked(
    training: Training,
    goals: Goals,
    records: list[RunRecord],
    standing: Sequence[VariantSummary],
    fits: Fits,
    timing: Timing,
) -> SoloCheck | None:
    """The solo check, where the stacked engine has trained; and what epochs take by ``fit``."""
    ledger = training.ledger
    allowance = Allowance(len(ledger.runs) * ledger.seconds_a_run())
    programs = dict.fromkeys(one.program for one in standing)
    if training.case.setup.engine.is_fit:
        timing.of(programs, lambda _: allowance.for_timing)
        return None
    runs = {run.key: run for run in goals}
    by_key = {record.key: record for record in records}
    whole = _to_check(training.case.question)
    programs[whole.program] = None
    training.watch.stage("checking")
    fits.compile(programs)
    times = timing.of(programs, lambda _: allowance.for_timing)
    training.watch.stage("checking")
    starts = []
    for variant in standing:
        own = analysis.runs_at_best(variant, records)
        # What diverges says little of what else it does.
        fit = [run for run in own if run.diverged_at is None] or own
        # The same seed in all of them: they start alike and see the same batches.
        starts.append(min(fit, key=lambda run: run.key.seed != whole.key.seed))
    return verify(
        fits,
        Trained(whole, by_key[whole.key]),
        [Trained(runs[record.key], record) for record in starts],
        times,
        allowance,
    )


def _to_check(question: Question) -> Run:
    """The replica of the solo check: random, and the same whenever the study is run."""
    draw = derive_seed(0, f"solo:{question.fingerprint}")
    variant = question.variants[draw % len(question.variants)]
    seeds = question.spec.grid_seeds
    own, count = question.runs([variant], seeds), len(seeds)
    # Of seeds first, so that a grid of one point has the choice that no grid had.
    return own[draw // 7 % count + draw // 7 // count % (len(own) // count) * count]


def _trained_wrongly(check: SoloCheck) -> NotStacked:
    names = " and ".join(map(repr, check.failed))
    return NotStacked(
        f"the solo check found that the stacked engine trains {names} otherwise than Keras' own fit"
        f"; expected the same first batches up to rounding; please report the model"
    )


def _best_model(
    training: Training, goals: Goals, records: list[RunRecord], summary: Summary
) -> keras.Model:
    """The best replica of the recommended variant, where that stands in the grid."""
    if not summary.recommended:
        raise SoloCheckFailed(summary.verdict)
    question = training.case.question
    [chosen] = [one for one in summary.variants if one.name == summary.recommended]
    runs = analysis.runs_at_best(chosen, records)
    key = best_run(runs, question.metric, rising=question.rising).key
    [run] = [run for run in goals if run.key == key]
    return trained_model(
        run, training.case.setup, training.ledger, training.checkpoints, training.executor
    )
