"""Programs of a study, compiled side by side, and each no more than once."""

import threading
import time

import keras
import numpy as np
import pytest

from normwise import Study
from normwise.engine import Cohort
from normwise.errors import StudyIncomplete

VARIANTS = ["none", "after:momentum=0.9", "after:momentum=0.5", "before", "after:momentum=auto"]


@pytest.fixture
def compiled(monkeypatch):
    """Of each compilation the text, when it began and ended, and in which thread."""
    compilations, plain = [], Cohort.compile

    def noted(cohort, lowered):
        began = time.perf_counter()
        done = plain(cohort, lowered)
        ended, thread = time.perf_counter(), threading.current_thread()
        compilations.append((lowered.as_text(), began, ended, thread))
        return done

    monkeypatch.setattr(Cohort, "compile", noted)
    return compilations


def prepare(variants):
    """Up to where a study begins to train."""

    def hear(progress):
        if progress.stage == "training":
            raise KeyboardInterrupt

    network = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(1)]
    )
    x = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    study = Study(network, (x, x[:, :1]), variants=variants, seeds=2, epochs=1)
    with pytest.raises(StudyIncomplete):
        study.run(on_progress=hear)


def test_a_program_that_is_compiled_already_is_not_compiled_beside_itself(compiled):
    prepare(VARIANTS)
    assert len(compiled) == len(VARIANTS)
    texts = {text for text, *_ in compiled}
    assert len(texts) == 3, "none, before, and after with any momentum"
    [first, *others] = sorted(
        one for one in compiled if sum(one[0] == text for text, *_ in compiled) == 3
    )
    assert all(began >= first[2] for _, began, *_ in others)


def test_where_nothing_is_kept_they_compile_side_by_side(compiled, monkeypatch):
    monkeypatch.setattr("normwise.execution.programs.keeps_programs", lambda: False)
    prepare(VARIANTS)
    assert len({text for text, *_ in compiled}) == 3
    assert threading.current_thread() not in {thread for *_, thread in compiled}
