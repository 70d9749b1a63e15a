"""Who trains is asked for by name, and what is missing is one message."""

import importlib.util

import pytest

from normwise import Study
from normwise.errors import ExecutorError, UnknownNameError
from normwise.execution.choosing import executor_of
from normwise.execution.local import LocalExecutor


def test_one_without_ray_is_told_what_to_install(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "ray" else find(name)
    )
    with pytest.raises(ExecutorError, match=r"try pip install 'normwise\[ray\]'") as caught:
        executor_of("ray")
    assert caught.value.exit_code == 2


def test_an_executor_of_ones_own_is_made_as_it_is():
    assert executor_of(LocalExecutor) is LocalExecutor
    assert executor_of("local") is LocalExecutor


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("slurm", None), "unknown executor 'slurm'; expected one of local, ray"),
        (("ray", " "), "the address of a Ray cluster is empty; expected HOST:PORT or auto"),
        (("local", "head:6379"), "the address 'head:6379' of a Ray cluster was given with another"),
    ],
)
def test_what_there_is_not_is_refused(asked, message):
    with pytest.raises((ExecutorError, UnknownNameError), match=message):
        executor_of(*asked)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("localhost:9", "Connection refused"),
        ("ray://localhost:10001", "Ray's client does not stream"),
        ("head", "invalid literal"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_refused_and_leaves_no_folder(address, why, tmp_path):
    study = Study("circles", "circles", variants=["none"], seeds=2, epochs=2)
    with pytest.raises(ExecutorError, match="no Ray cluster can be used at") as caught:
        study.run(tmp_path / "out", executor="ray", ray_address=address)
    assert why in str(caught.value)
    assert not (tmp_path / "out").exists()
