"""Which engine trains a study, and why: decided here, and nowhere else.

The stack is tried first, unless something asks for ``fit`` from the outset. What it cannot train
it refuses as :class:`~normwise.errors.NotStacked`, at the latest when it compiles, before any run
begins; and its solo check may find that it trained otherwise than ``fit`` does. Then all runs of
the study are trained by ``fit``, so that all variants are judged alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from normwise.errors import NotStacked, SpecError

if TYPE_CHECKING:
    from normwise.execution.callbacks import Callbacks
    from normwise.spec import Spec

__all__ = ["STACKED", "Engine", "engine_after", "engine_for"]


@dataclass(frozen=True)
class Engine:
    """What trains a study's runs.

    Attributes:
        name: ``stacked`` or ``fit``.
        why: Why ``fit`` does, in words; empty for the stack.
        was_found: Whether the stack had to be tried to know.
        eager: Whether ``fit`` runs each step as Python code, which cannot be traced.
        callbacks: Makes what acts beside ``fit``, if anything does.
    """

    name: str
    why: str = ""
    was_found: bool = False
    eager: bool = False
    callbacks: Callbacks | None = None

    @property
    def is_fit(self) -> bool:
        """Whether Keras' own ``fit`` trains."""
        return self.name == "fit"

    @property
    def identity(self) -> str:
        """What tells its runs from those of the stack, which has none."""
        if not self.is_fit:
            return ""
        return "fit" if self.callbacks is None else f"fit-{self.callbacks.identity}"


STACKED = Engine("stacked")


def engine_for(spec: Spec, callbacks: Callbacks | None = None) -> Engine:
    """What trains, as far as the settings say.

    Args:
        spec: The study's settings.
        callbacks: What acts beside ``fit``, if anything does.

    Raises:
        SpecError: Callbacks are to act in a stack.
    """
    if callbacks is not None and spec.engine == "stacked":
        raise SpecError(
            "callbacks were given with the engine 'stacked', and they act between the steps of one "
            "training, while a stack trains all runs in one program; expected engine='fit'; leave "
            "engine='stacked' out"
        )
    if callbacks is not None:
        return Engine("fit", "callbacks act between its epochs", callbacks=callbacks)
    return Engine("fit", "it was asked for") if spec.engine == "fit" else STACKED


def engine_after(error: NotStacked) -> Engine:
    """What trains where the stack cannot."""
    return Engine("fit", error.reason, was_found=True, eager=error.needs_values)
