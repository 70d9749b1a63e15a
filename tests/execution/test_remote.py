"""A worker elsewhere: all that it keeps and forgets goes out with its events."""

import pickle

import numpy as np

from normwise.execution import Checkpointed, Finished, Job, Origin, Segment
from normwise.execution.checkpoint import FolderCheckpoints, MemoryCheckpoints
from normwise.execution.crossing import Crossing
from normwise.execution.local import LocalExecutor
from normwise.execution.remote import Task, schedules, train
from tests.execution.test_worker import EPOCHS, RUNS, job, setup  # noqa: F401 (a fixture)

# The names of a study that no other process has.
STUDY = "test"


def test_checkpoints_are_kept_here_as_if_it_trained_here(setup, tmp_path):  # noqa: F811
    crossing = pickle.loads(pickle.dumps(Crossing.of(setup)))
    decided = schedules(STUDY, crossing, setup.devices)
    assert decided.keys() == {8}
    setup.schedules |= decided  # measured there: here the same moment might decide otherwise
    here = FolderCheckpoints(tmp_path / "here")
    expected = list(LocalExecutor(setup, here).run([job(RUNS[:2])]))
    there = FolderCheckpoints(tmp_path / "there")
    events = _told(
        train(STUDY, crossing, setup.devices, Task.of(job(RUNS[:2]), decided, there)), there
    )
    assert [type(one) for one in events] == [type(one) for one in expected]
    assert there.names() == here.names()
    for ours, theirs in zip(events, expected, strict=True):
        if isinstance(ours, Segment):
            for metric in ours.curves:
                np.testing.assert_array_equal(ours.curves[metric], theirs.curves[metric])


def test_a_job_that_goes_on_brings_its_states(setup):  # noqa: F811
    crossing, kept = Crossing.of(setup), MemoryCheckpoints()
    decided = schedules(STUDY, crossing, setup.devices)
    begun = _told(
        train(STUDY, crossing, setup.devices, Task.of(job(RUNS[:1], until=4), decided, kept)), kept
    )
    [name] = {one.name for one in begun if isinstance(one, Checkpointed) and one.epoch == 4}
    rest = job(RUNS[:1], first=4, origins=[Origin(name, 0)])
    task = pickle.loads(pickle.dumps(Task.of(rest, decided, kept)))
    assert set(task.states) == {name}
    after = _told(train(STUDY, crossing, setup.devices, task), kept)
    assert min(one.first for one in after if isinstance(one, Segment)) == 4
    assert isinstance(after[-1], Finished)
    assert isinstance(rest, Job)
    assert after[-1].epoch == EPOCHS


def _told(messages, checkpoints):
    events = []
    for message in messages:
        for name, rows in pickle.loads(pickle.dumps(message.saved)).items():
            checkpoints.save(name, rows)
        events.append(message.event)
        checkpoints.drop(message.dropped)
    return events
