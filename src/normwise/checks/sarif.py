"""Findings as SARIF 2.1.0, which code hosts and editors show beside the file.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from normwise.checks.rules.rule import Rule
from normwise.domain import Finding

__all__ = ["sarif"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(findings: Sequence[Finding], rules: Sequence[Rule], model: Path) -> dict[str, Any]:
    """A SARIF log of one run.

    Args:
        findings: What was found.
        rules: The rules that were run.
        model: The file that was checked.

    >>> from normwise.checks.rules import RULES
    >>> sarif([], RULES, Path("model.keras"))["version"]
    '2.1.0'
    """
    codes = [rule.code for rule in rules]
    driver = {
        "name": "normwise",
        "version": version("normwise"),
        "rules": [_descriptor(rule) for rule in rules],
    }
    results = [_result(finding, codes.index(finding.code), model) for finding in findings]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _descriptor(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": f"{rule.summary}."},
        "help": {"text": rule.page, "markdown": rule.page},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(finding: Finding, index: int, model: Path) -> dict[str, Any]:
    artifact = {"uri": quote(model.as_posix())}
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": artifact}}
    subject = "The model"
    if finding.layer is not None:
        subject = f"Layer {finding.layer!r}"
        location["logicalLocations"] = [{"name": finding.layer, "kind": "element"}]
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": f"{subject}: {finding.message}. Fix: {finding.fix}."},
        "locations": [location],
        "properties": {"fix": finding.fix, "safe": finding.safe},
    }
