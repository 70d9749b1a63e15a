"""The report: one page model, drawn as terminal text, HTML and PNG.

``page`` turns a :class:`~normwise.domain.Summary` and its records into plain
data; everything else only draws that data.

>>> from normwise.report import build_page, print_page, write_html, write_png
"""

from normwise.report.artist import Artist
from normwise.report.charts import altair_chart
from normwise.report.gap_chart import gap_figure
from normwise.report.gap_text import gap_sentence, print_gap
from normwise.report.html import write_html
from normwise.report.page import DataPreview, Page, build_page
from normwise.report.png import write_png
from normwise.report.terminal import print_page

__all__ = [
    "Artist",
    "DataPreview",
    "Page",
    "altair_chart",
    "build_page",
    "gap_figure",
    "gap_sentence",
    "print_gap",
    "print_page",
    "write_html",
    "write_png",
]
