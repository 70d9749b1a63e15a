"""What tells the data and model of a study from others, where it has several networks."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["fingerprint_at", "joined_fingerprint"]


def joined_fingerprint(at: Mapping[int | None, str]) -> str:
    """One text for the networks of all depths.

    Args:
        at: Depth to the text of the network alone; ``None`` where no depth is asked for.

    >>> joined_fingerprint({None: "1f-a0"}), joined_fingerprint({2: "1f-a0", 10: "1f-b7"})
    ('1f-a0', '2:1f-a0,10:1f-b7')
    """
    return ",".join(text if depth is None else f"{depth}:{text}" for depth, text in at.items())


def fingerprint_at(joined: str, depth: int | None) -> str:
    """The text of one network, so that its runs stay the same whatever other depths there are.

    >>> fingerprint_at("2:1f-a0,10:1f-b7", 10), fingerprint_at("1f-a0", None)
    ('1f-b7', '1f-a0')
    """
    if depth is None:
        return joined
    parts = dict(part.split(":", 1) for part in joined.split(",") if ":" in part)
    return parts.get(str(depth), joined)
