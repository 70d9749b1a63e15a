"""What follows where a job is lost: it goes on from where its runs are, or has failed."""

import time

import pytest

from normwise.domain import Condition, Run, RunKey, Variant
from normwise.execution import Checkpointed, Failed, Finished, Job, Origin
from normwise.execution.attempt import BACKOFF, TRIES, Attempt

RUNS = tuple(Run(RunKey("after", seed, "f"), Condition(0.1, None, 8)) for seed in range(3))
JOB = Job(Variant.parse("after"), 8, RUNS, 2, 10, tuple(Origin("old", row) for row in (2, 1, 0)))
KEYS = JOB.keys


def test_a_job_that_said_nothing_starts_as_it_did():
    [again] = Attempt.first(JOB).lost("gone")
    assert again.job == JOB
    assert Attempt.first(JOB).is_due
    assert not again.is_due


def test_what_is_left_goes_on_from_its_newest_states():
    attempt = Attempt.first(JOB)
    # Two of three trained side by side, and one of them is through.
    attempt.note(Checkpointed(KEYS[:2], 6, "a-6"))
    attempt.note(Checkpointed(KEYS[:1], 10, "a-10"))
    attempt.note(Finished(KEYS[:1], 10))
    later, old = attempt.lost("gone")
    assert (later.job.runs, later.job.first, later.job.origins) == (
        RUNS[1:2], 6, (Origin("a-6", 1),),
    )  # fmt: skip
    assert (old.job.runs, old.job.first, old.job.origins) == (RUNS[2:], 2, (Origin("old", 0),))
    assert {one.job.until for one in (later, old)} == {10}


def test_a_job_that_failed_in_part_is_not_tried_again_in_that_part():
    attempt = Attempt.first(JOB)
    attempt.note(Failed(KEYS[:2], 4, "ValueError: no luck"))
    [again] = attempt.lost("gone")
    assert again.job.runs == RUNS[2:]


def test_an_end_that_was_not_said_is_trained_again():
    # Its state is kept, but what the study does with runs that end waits for the word.
    attempt = Attempt.first(JOB)
    attempt.note(Checkpointed(KEYS, 8, "a-8"))
    attempt.note(Checkpointed(KEYS, 10, "a-10"))
    [again] = attempt.lost("gone")
    assert again.job.first == 8


def test_a_job_that_is_lost_again_and_again_has_failed():
    attempt, waits = Attempt.first(JOB), []
    for _ in range(TRIES - 1):
        [attempt] = attempt.lost("gone")
        waits.append(attempt.due - time.monotonic())
    assert waits == pytest.approx([BACKOFF, 2 * BACKOFF, 4 * BACKOFF], abs=0.5)
    [failed] = attempt.lost("gone")
    assert failed == Failed(KEYS, 2, f"lost {TRIES} times, the last time by gone")


def test_a_job_that_gets_further_each_time_is_tried_each_time():
    attempt = Attempt.first(JOB)
    for epoch in (3, 4, 5, 6, 7, 8, 9):
        attempt.note(Checkpointed(KEYS, epoch, f"a-{epoch}"))
        [attempt] = attempt.lost("gone")
        assert attempt.job.first == epoch
