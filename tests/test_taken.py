"""What is taken, and how: each kind of the page, up to the first step of its training."""

from pathlib import Path

import pytest
import taken

from normwise import Study
from normwise.domain import Variant
from normwise.engine import Schedule
from normwise.errors import NormwiseError, NotStacked
from normwise.execution.callbacks import Callbacks
from normwise.execution.setup import Setup
from normwise.execution.which_engine import engine_after, engine_for
from normwise.models.tracing import tracing
from normwise.spec import Spec
from normwise.study.inputs import arrived, as_dataset

PAGE = Path(__file__).parent.parent / "docs" / "what-is-taken.md"


def way_of(kind):
    """Which engine trains, and what is said of it."""
    settings = dict(kind.settings)
    callbacks = settings.pop("callbacks", None)
    spec = Spec.make({"model": "m", "data": "d", "variants": ["none"], **settings})
    engine = engine_for(spec, callbacks and Callbacks.of(callbacks))
    try:
        dataset = as_dataset(arrived(kind.data()), spec)
        try:
            setup = Setup.of(spec, kind.build, dataset, 1, engine)
            if not engine.is_fit:
                cohort = setup.cohort(Variant(), spec.batch_size[0], Schedule(1, 1))
                with tracing(cohort.program.model, "training"):
                    cohort.lower()
        except NotStacked as error:
            engine = engine_after(error)
            Setup.of(spec, kind.build, dataset, 1, engine)
    except NormwiseError as error:
        return "refused", str(error)
    return (taken.FIT, engine.why) if engine.is_fit else (taken.STACKED, "")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras
@pytest.mark.parametrize("kind", taken.KINDS, ids=lambda kind: kind.name)
def test_each_kind_is_trained_as_the_page_says(kind):
    way, why = way_of(kind)
    assert way == kind.way, why
    assert kind.why in why


def test_a_model_without_a_call_trains_as_in_fit():
    settings = {"seeds": 1, "epochs": 2, "batch_size": 16, "variants": ["none", "after"]}
    result = Study(taken.uncalled, (taken.X, None), **settings).run()
    assert result.summary()["solo_check"]["first_epoch_difference"] < 1e-5
    assert list(result.curves.columns)[7:] == ["distance"]


def test_the_page_is_the_table():
    assert PAGE.read_text("utf-8") == taken.page()
