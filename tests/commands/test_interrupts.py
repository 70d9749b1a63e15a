"""Ctrl-C, in processes of their own: wherever it comes it ends the command, in a line."""

import re
import signal
import subprocess
import sys
import time

import pytest

# A signal in the middle of a callback whose errors Python ignores, as JAX has one; in a `__del__`,
# another kind of the same; in code that works without Python, of which the thread tells.
IN_CALLBACK = """
import gc
gc.callbacks.append(lambda *_: once and interrupt(once.pop()))
once = [1]
gc.collect()
"""
IN_DEL = """
class Last:
    def __del__(self): interrupt()
Last()
"""
TRY = """
import os, signal, time
from normwise.commands.interrupts import listening
def interrupt(*_): os.kill(os.getpid(), signal.SIGINT)
with listening():
    try:
        {lost}
        for _ in range(100): time.sleep(0.05)
        print("lost")
    except KeyboardInterrupt:
        print("heard")
"""
COMPILED = """
import hashlib, sys
from normwise.commands.interrupts import doing, listening
with listening(3):
    doing("compiling")
    print("begun", flush=True)
    hashlib.pbkdf2_hmac("sha1", b"", b"", 50_000_000)
"""
IMPORTED = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == {module!r}: os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["normwise", *{arguments!r}]
from normwise.commands import main
main()
"""


def python(code, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("lost", [IN_CALLBACK, IN_DEL], ids=["callback", "del"])
def test_an_interrupt_that_python_ignores_comes_again(lost):
    process = python(TRY.format(lost=lost.strip().replace("\n", "\n        ")))
    out, error = process.communicate(timeout=60)
    assert out == "heard\n"
    assert "ignored" not in error
    assert "stopped at once" not in error  # it is no second Ctrl-C
    assert process.returncode == 0


def test_compiled_code_is_waited_for_aloud_and_not_after_a_second_interrupt():
    with python(COMPILED) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.2)  # and is in the midst of it
        process.send_signal(signal.SIGINT)
        said = process.stderr.readline()
        assert "stopping as soon as the step under way ends (compiling)" in said
        assert "Ctrl-C again stops at once" in said
        assert process.poll() is None
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 3
        assert process.stderr.read() == "normwise: stopped at once\n"


@pytest.mark.parametrize("module", ["typer", "pydantic", "rich.console"])
@pytest.mark.parametrize(("arguments", "code"), [(["list"], 130), (["study", "circles"], 3)])
def test_an_interrupted_import_is_one_line(tmp_path, module, arguments, code):
    process = python(IMPORTED.format(module=module, arguments=arguments), cwd=tmp_path)
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert error.count("\n") == 1, error
    assert re.match(r"normwise: (the study was )?interrupted before ", error)
    assert error.endswith("; run the same command again\n")
