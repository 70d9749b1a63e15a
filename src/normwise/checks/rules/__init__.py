"""All rules of the check, in the order of their codes."""

from __future__ import annotations

from collections.abc import Sequence

from normwise.checks.rules.placement import (
    batch_leakage,
    dropout_before_norm,
    norm_after_output,
    redundant_bias,
    repeated_norm,
    saturating_before,
    shared_norm,
    time_distributed_norm,
    wrong_axis,
)
from normwise.checks.rules.rule import Rule
from normwise.checks.rules.training import (
    frozen_norm,
    regularised_scale,
    stale_statistics,
    tiny_batch,
    wrong_momentum,
)
from normwise.checks.rules.weights import (
    dead_channels,
    moving_statistics_gap,
    not_finite,
    unmoved_statistics,
    variance_underflow,
)
from normwise.errors import UnknownNameError

__all__ = ["RULES", "select_rules"]

RULES = (
    Rule("NW001", "note", redundant_bias),
    Rule("NW002", "warning", dropout_before_norm),
    Rule("NW003", "warning", stale_statistics, needs=("steps",)),
    Rule("NW004", "error", moving_statistics_gap, needs=("data",)),
    Rule("NW005", "warning", tiny_batch, needs=("batch_size", "data")),
    Rule("NW006", "error", norm_after_output),
    Rule("NW007", "warning", time_distributed_norm),
    Rule("NW008", "error", wrong_axis),
    Rule("NW009", "warning", frozen_norm),
    Rule("NW010", "warning", shared_norm),
    Rule("NW011", "note", dead_channels),
    Rule("NW012", "warning", variance_underflow),
    Rule("NW013", "note", regularised_scale),
    Rule("NW014", "warning", repeated_norm),
    Rule("NW015", "note", saturating_before),
    Rule("NW016", "error", not_finite),
    Rule("NW017", "error", batch_leakage),
    Rule("NW018", "warning", wrong_momentum),
    Rule("NW019", "error", unmoved_statistics),
)


def select_rules(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
    """The rules that were selected, all unless told, less those that were ignored.

    Args:
        select: Codes or names of the rules to keep; all unless given.
        ignore: Codes or names of the rules to leave out.

    Raises:
        UnknownNameError: There is no rule of that code or name.

    >>> [rule.name for rule in select_rules(select=["NW001", "tiny-batch"], ignore=["NW005"])]
    ['redundant-bias']
    """
    known = {key: rule for rule in RULES for key in (rule.code, rule.name)}
    for text in (*select, *ignore):
        if text not in known:
            is_code = text.upper().startswith("NW")
            names = [rule.code if is_code else rule.name for rule in RULES]
            raise UnknownNameError("rule", text, names)
    wanted = {known[text] for text in select} or set(RULES)
    unwanted = {known[text] for text in ignore}
    return [rule for rule in RULES if rule in wanted and rule not in unwanted]
