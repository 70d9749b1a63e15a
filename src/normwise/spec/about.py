"""What a setting says of itself: what depends on it, and how it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic.fields import FieldInfo

__all__ = ["About", "Decides", "abouts"]

# What depends on a setting.
Decides = Literal["training", "axis", "extent", "stopping", "answer"]


@dataclass(frozen=True, slots=True)
class About:
    """Metadata of a field of :class:`~normwise.spec.Spec`, in its ``Annotated``.

    What is left out is what is safe: runs with another value are other runs, and what was
    trained before the setting came is still found.

    Attributes:
        decides: ``training``: how every run trains, so another value makes another study;
            ``axis``: the same, but a study may have several values, and a folder may get more;
            ``extent``: which runs there are, and a folder may get more; ``stopping``: which of
            them end early; ``answer``: what is made of the runs, whatever they are.
        help: What ``--help`` says.
        option: What it is called on the command line; like the field unless given.
        in_file_only: Whether it has no option.
        example: A value as it is typed, for who typed another.
        panel: Title of a box of its own in ``--help``.
        hashed_at_default: Whether hashes hold it where it has its default, too. Those of the
            first settings do; of a new one they must not, or they would all change.
    """

    decides: Decides = "training"
    help: str = ""
    option: str | None = None
    in_file_only: bool = False
    example: str | None = None
    panel: str | None = None
    hashed_at_default: bool = False

    def option_of(self, name: str) -> str:
        """What the setting of this name is called on the command line.

        >>> About().option_of("batch_size")
        '--batch-size'
        """
        return self.option or f"--{name.replace('_', '-')}"

    @property
    def shapes_a_run(self) -> bool:
        """Whether a run with another value is another run."""
        return self.decides in ("training", "axis")

    @property
    def may_grow(self) -> bool:
        """Whether a folder with runs may get more of it."""
        return self.decides in ("axis", "extent")

    def allows(self, old: object, new: object) -> bool:
        """Whether all runs of the old value are runs of a study with the new one, too.

        >>> About("extent").allows(10, 20), About("axis").allows((0.1, 1.0), (0.1,))
        (True, False)
        """
        if old == new or self.decides == "answer":
            return True
        if isinstance(old, tuple) and isinstance(new, tuple):
            return self.may_grow and set(old) <= set(new)
        return self.may_grow and isinstance(old, int) and isinstance(new, int) and old < new


def abouts(fields: Mapping[str, FieldInfo]) -> dict[str, About]:
    """What each field of a model says of itself, in their order."""
    return {
        name: next((each for each in field.metadata if isinstance(each, About)), About())
        for name, field in fields.items()
    }
