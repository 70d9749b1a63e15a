"""A small study that ran undisturbed, for everything that must end like it."""

import jax
import pytest

from normwise import Study
from normwise.engine.kernels import dense
from normwise.spec import Spec
from normwise.studies import study_file

# Keras 3.15's `save` and `fit` under NumPy 2.
IN_KERAS = "ignore:__array__ implementation:DeprecationWarning"


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/study/" in item.nodeid:
            item.add_marker(pytest.mark.filterwarnings(IN_KERAS))


@pytest.fixture(scope="session")
def spec():
    """The circles study, smaller."""
    changes = {"variants": ("none", "before"), "seeds": 3, "epochs": 4}
    return Spec.from_toml(study_file("circles"), changes)


@pytest.fixture(scope="session")
def undisturbed(spec, tmp_path_factory):
    return Study.from_spec(spec).run(tmp_path_factory.mktemp("study") / "undisturbed")


@pytest.fixture(scope="session")
def without_times():
    """A summary as JSON, but for what a clock and a machine put into it."""

    def strip(value):
        if isinstance(value, dict):
            timed = (
                "seconds_per_epoch", "seconds_ratio", "epoch_seconds", "epoch_seconds_ratio",
                "environment",
            )  # fmt: skip
            return {key: strip(part) for key, part in value.items() if key not in timed}
        return [strip(part) for part in value] if isinstance(value, list) else value

    return strip


@pytest.fixture
def wrong_dense(monkeypatch):
    """A gradient that is a hundredth too large, as a fault in the engine could make it."""
    right = dense._kernel_gradient
    with monkeypatch.context() as patch:
        patch.setattr(dense, "_kernel_gradient", lambda x, d: 1.01 * right(x, d))
        jax.clear_caches()  # JAX may have traced the right one for the same shapes
        yield
    jax.clear_caches()
