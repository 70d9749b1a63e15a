"""What XLA compiles, by name, while a block runs."""

import contextlib

import jax

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
