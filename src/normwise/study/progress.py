"""What a running study tells whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a running study is.

    Attributes:
        stage: ``preparing``, ``compiling``, ``training``, ``checking``,
            ``timing`` or ``reporting``.
        variant: The variant being trained, or ``""``.
        replicas: Replicas done, of all variants.
        of: Replicas in all, of the rounds of seeds so far.
        epoch: Epoch that the running chunk has reached.
        epochs: Epochs of each replica.
        share: Of all training done, 0 to 1.
    """

    stage: str
    variant: str = ""
    replicas: int = 0
    of: int = 0
    epoch: int = 0
    epochs: int = 0
    share: float = 0.0
