"""One JAX set-up for the whole session: two devices, a cache of its own."""

import atexit
import contextlib
import os
import shutil
import sys
import tempfile

# Before anything imports Keras or JAX. Processes that tests start inherit these.
os.environ["KERAS_BACKEND"] = "jax"
# Not one a core: sharding is tested on every machine.
os.environ["JAX_NUM_CPU_DEVICES"] = "2"
os.environ["NORMWISE_CACHE"] = tempfile.mkdtemp(prefix="normwise-tests-")
atexit.register(shutil.rmtree, os.environ["NORMWISE_CACHE"], ignore_errors=True)


def pytest_collection_finish() -> None:
    """Start JAX with two devices, if any test needs it."""
    # Tests of the pure parts alone need not wait for JAX and Keras.
    if "jax" in sys.modules:
        import jax

        from normwise import engine

        engine.configure()
        with contextlib.suppress(RuntimeError):  # a test module started JAX, with the two above
            jax.config.update("jax_num_cpu_devices", 2)
