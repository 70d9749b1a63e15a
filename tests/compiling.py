"""What XLA compiles, by name, while a block runs, and with which options."""

import contextlib
import functools

import jax
from jax._src import compiler

# XLA's defaults, which the root's conftest turns off for most tests.
SHIPPED = {
    "xla_backend_optimization_level": 3,
    "xla_llvm_disable_expensive_passes": False,
    "xla_cpu_use_fusion_emitters": True,
    "xla_cpu_parallel_codegen_split_count": 32,
}
QUICK_OPTIONS = compiler.get_compile_options

COMPILING = "/jax/core/compile/backend_compile_duration"


@contextlib.contextmanager
def compiled_names():
    """Yields a list that each compilation adds the name of its program to."""
    names = []

    def listen(event, _seconds, **facts):
        if event == COMPILING:
            names.append(facts.get("fun_name", ""))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield names
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


@functools.wraps(QUICK_OPTIONS)
def _shipped_options(*given, env_options_overrides=None, **options):
    return QUICK_OPTIONS(
        *given, env_options_overrides={**SHIPPED, **(env_options_overrides or {})}, **options
    )


@contextlib.contextmanager
def options(*, shipped):
    """Compile as users do, or as quickly as the other tests, while a block runs."""
    before = compiler.get_compile_options
    compiler.get_compile_options = _shipped_options if shipped else QUICK_OPTIONS
    try:
        yield
    finally:
        compiler.get_compile_options = before
