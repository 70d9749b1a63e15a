"""The report: one page, a list of sections, shown as terminal text, HTML and PNG.

`study_page` and `judged_page` build it from a :class:`~normwise.domain.Summary` and its records,
`diagnosis_page` from the content of ``gap.json``, `inside_page` from what probes saw; everything
else only shows it.

>>> from normwise.report import print_page, study_page, write_html, write_png
"""

from normwise.report.drawing_process import DrawingProcess
from normwise.report.html import write_html
from normwise.report.interactive import altair_chart
from normwise.report.notebook import Excerpt, Shown
from normwise.report.page import (
    Page,
    diagnosis_page,
    inside_page,
    judged_page,
    live_page,
    study_page,
)
from normwise.report.png import write_png
from normwise.report.results import DataPreview, InputScale
from normwise.report.section import Section
from normwise.report.sections.findings import findings_section
from normwise.report.short_pages import (
    certificate_page,
    findings_page,
    leakage_page,
    question_page,
)
from normwise.report.terminal import print_page

__all__ = [
    "DataPreview",
    "DrawingProcess",
    "Excerpt",
    "InputScale",
    "Page",
    "Section",
    "Shown",
    "altair_chart",
    "certificate_page",
    "diagnosis_page",
    "findings_page",
    "findings_section",
    "inside_page",
    "judged_page",
    "leakage_page",
    "live_page",
    "print_page",
    "question_page",
    "study_page",
    "write_html",
    "write_png",
]
