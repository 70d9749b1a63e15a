"""One JAX set-up for the whole session: two devices, a cache of its own."""

import atexit
import contextlib
import gc
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Generator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

# The same examples on every run, however slow the machine; others each time in `make fuzz`.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.register_profile("fuzz", max_examples=1000, deadline=None, print_blob=True)
hypothesis.settings.load_profile("steady")

# Before anything imports Keras or JAX. Processes that tests start inherit these.
os.environ["KERAS_BACKEND"] = "jax"
# Not one a core: sharding is tested on every machine.
os.environ["JAX_NUM_CPU_DEVICES"] = "2"
# XLA's compiler is most of what tests wait for. With little optimised, and loops fused by its older
# code, it takes a quarter of the time; tests of rounding are marked `as_shipped`.
if not os.environ.get("NORMWISE_AS_SHIPPED"):
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    os.environ["XLA_FLAGS"] = " ".join(
        [
            os.environ.get("XLA_FLAGS", ""),
            "--xla_cpu_use_fusion_emitters=false",
            "--xla_cpu_parallel_codegen_split_count=1",
        ]
    )
# One for all workers of a run: what one has compiled, the others read.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["NORMWISE_CACHE"] = tempfile.mkdtemp(prefix="normwise-tests-")
    atexit.register(shutil.rmtree, os.environ["NORMWISE_CACHE"], ignore_errors=True)
_DRAWS = np.random.default_rng(0)


def pytest_collection_finish() -> None:
    """Start JAX with two devices, if any test needs it."""
    # What stays to the end, ten thousand tests among it, is not searched for garbage any more.
    gc.collect()
    gc.freeze()
    # Tests of the pure parts alone need not wait for JAX and Keras.
    if "jax" in sys.modules:
        import jax

        from normwise import engine

        engine.configure()
        with contextlib.suppress(RuntimeError):  # a test module started JAX, with the two above
            jax.config.update("jax_num_cpu_devices", 2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Compile with the options that users have where a test, or its file, asks for it."""
    if not item.get_closest_marker("as_shipped"):
        return (yield)
    from tests.compiling import options

    with options(shipped=True):
        return (yield)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs the folder of data where there is none; fail where there must be one."""
    folder = os.environ.get("NORMWISE_DATA", "")
    if item.get_closest_marker("needs_data") and not (folder and Path(folder).is_dir()):
        # `.ci/run` says so where the folder lies beside the project.
        required = os.environ.get("NORMWISE_REQUIRE_DATA")
        (pytest.fail if required else pytest.skip)(f"NORMWISE_DATA is {folder!r}: no such folder")


@pytest.fixture(autouse=True)
def _draws_of_its_own(request: pytest.FixtureRequest) -> None:
    """Let what a test draws depend on its name alone, not on the tests before it."""
    seed = zlib.crc32(request.node.nodeid.encode())
    module = getattr(request.node, "module", None)
    generators = [v for v in vars(module or object).values() if isinstance(v, np.random.Generator)]
    for generator in (_DRAWS, *generators):
        generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    if "keras" in sys.modules:
        import keras

        keras.utils.set_random_seed(seed)


@pytest.fixture
def initial_values_from_numpy(monkeypatch: pytest.MonkeyPatch) -> Generator[None, None, None]:
    """Spare JAX compiling one random draw for every shape of weight."""
    import keras

    from normwise.engine.initial_values import _drawing

    def draw(_: object, shape: tuple[int, ...], dtype: str | None = None) -> object:
        return _DRAWS.normal(0, 0.3, shape).astype(dtype or "float32")

    # What was drawn is kept in compiled programs: none may stay for the tests that follow.
    _drawing.cache_clear()
    for name in ("VarianceScaling", "OrthogonalInitializer", "RandomUniform"):
        monkeypatch.setattr(getattr(keras.initializers, name), "__call__", draw)
    yield
    _drawing.cache_clear()
