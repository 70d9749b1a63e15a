"""What a study says of seconds: alone, and beside processes that keep the machine busy.

    python benchmarks/seconds.py [STUDY [TIMES]]

Trains the study once, then times its variants again and again: alone, beside one and two loops of
Python, and beside NumPy's products of matrices on all cores. Prints what an epoch of the baseline
takes over one of each variant with its interval ("cannot be told" where the machine was busy), the
rounds in which it was free, and the seconds that timing took.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from unittest import mock

from normwise.backend import require_jax

require_jax()

from normwise import Study
from normwise.analysis._pace import epoch_seconds_ratio
from normwise.domain import EpochTimes
from normwise.spec import Spec
from normwise.studies import study_file
from normwise.study import timing

LOOP = "while True: pass"
PRODUCTS = "import numpy as np\na = np.random.rand(1500, 1500)\nwhile True: a @ a"
BESIDE = {
    "alone": [],
    "beside a loop": [LOOP],
    "beside two loops": [LOOP, LOOP],
    "beside NumPy": [PRODUCTS],
}


@contextlib.contextmanager
def busy(programs: list[str]) -> Iterator[None]:
    """Programs that run meanwhile."""
    started = [subprocess.Popen([sys.executable, "-c", text]) for text in programs]
    try:
        time.sleep(0.5 if started else 0)
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def say(label: str, found: dict[tuple[str, ...], EpochTimes], seconds: float) -> None:
    """One line for each variant against the first."""
    (_, base), *rest = found.items()
    for program, times in rest:
        ratio = epoch_seconds_ratio(times, base, 0.95)
        free = f"{sum(times.calm)} of {len(times.calm)} rounds free, {seconds:.2f} s"
        told = "cannot be told"
        if ratio is not None and ratio.value > 0:
            told = f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
        print(f"{label:16} {program[0]:10} {told:24} {free}", flush=True)


def main() -> None:
    """Time each way so many times."""
    study = sys.argv[1] if len(sys.argv) > 1 else "churn"
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    epoch_times = timing.epoch_times

    def timed(models, dataset, _):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        for label, programs in BESIDE.items():
            with busy(programs):
                for _ in range(repeats):
                    started = time.perf_counter()
                    found = epoch_times(models, dataset)
                    say(label, found, time.perf_counter() - started)
        return found

    spec = Spec.from_toml(study_file(study), {"seeds": 2, "epochs": 2})
    with mock.patch.object(timing, "epoch_times", timed):
        Study.from_spec(spec).run()


if __name__ == "__main__":
    main()
