"""Checking models that have batch normalisation: rules, what they found, and mending it."""

from normwise.checks.findings import Findings
from normwise.checks.fixing import Fixed, fix
from normwise.checks.rules import RULES, select_rules
from normwise.checks.running import check

__all__ = ["RULES", "Findings", "Fixed", "check", "fix", "select_rules"]
