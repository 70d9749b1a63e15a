"""What jobs share, as plain data that crosses to another process once a study."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import metadata

from normwise.data import Dataset
from normwise.data.mapped_rows import is_on_disk
from normwise.data.nested import leaves
from normwise.errors import ExecutorError, ModelError
from normwise.execution.setup import Setup
from normwise.execution.which_engine import Engine
from normwise.models.portable import PortableModel
from normwise.spec import Spec

__all__ = ["Crossing"]

# Whose releases decide what a replica trains, and so what its curves are.
_PACKAGES = ("normwise", "keras", "jax", "numpy")


@dataclass(frozen=True, eq=False)
class Crossing:
    """What another process makes a study's :class:`~normwise.execution.setup.Setup` of.

    Attributes:
        spec: The study's settings, with the variants that the model can have.
        model: What the study got as its model.
        dataset: What is trained on.
        fingerprint: What tells the data, the model and what it was compiled with from others.
        versions: The releases that the study was begun with, package to version.
        engine: What trains.
    """

    spec: Spec
    model: PortableModel
    dataset: Dataset
    fingerprint: str
    versions: dict[str, str]
    engine: Engine

    @classmethod
    def of(cls, setup: Setup) -> Crossing:
        """What a setup was made of.

        Raises:
            ExecutorError: The data are streamed from disk.
            ModelError: The model cannot cross, or is another one when it has.
        """
        recipe = setup.recipe
        if any(map(is_on_disk, leaves([recipe.dataset.train, recipe.dataset.val]))) and (
            setup.spec.window
        ):
            raise ExecutorError(
                "the data are streamed from a file of this machine, and another process gets them "
                "whole; expected data that fit memory there; leave --executor out, or try "
                "--window 0"
            )
        crossing = cls(
            spec=setup.spec,
            model=PortableModel.of(setup.source.given),
            dataset=recipe.dataset,
            fingerprint=setup.fingerprint,
            versions=_versions(),
            engine=setup.engine,
        )
        if crossing.model.saved is not None:
            crossing.setup(setup.devices)  # refuses
        return crossing

    def setup(self, devices: int) -> Setup:
        """The study's setup, in this process.

        Args:
            devices: How many to use.

        Raises:
            ExecutorError: Other releases are installed here.
            ModelError: The model does not open here, or is another one.
        """
        here, wanted = _versions(), self.versions
        for name in _PACKAGES:
            if here[name] != wanted[name]:
                raise ExecutorError(
                    f"{name} is {here[name]} on {platform.node()!r} and {wanted[name]} where the "
                    f"study runs; expected the same releases, or curves would differ for no reason "
                    f"of the model's; try pip install '{name}=={wanted[name]}' there"
                )
        model, engine = self.model.open(), self.engine
        setup = Setup.of(self.spec, model, self.dataset, devices, engine)
        if setup.fingerprint != self.fingerprint:
            raise ModelError(
                f"the model {self.model.name!r} is another one on {platform.node()!r} than where "
                f"the study runs; expected the same code in all processes, and a model that Keras "
                f"saves whole; bring the module there up to date, or give the function that builds "
                f"the model"
            )
        return setup


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in _PACKAGES}
