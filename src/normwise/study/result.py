"""What a finished study hands back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normwise.domain import Inside, RunRecord, Summary
from normwise.errors import SpecError, UnknownNameError
from normwise.report import Excerpt, Page, Shown, altair_chart
from normwise.runs import export
from normwise.runs.curve_columns import curve_columns

if TYPE_CHECKING:
    import altair as alt
    import keras
    import pandas as pd

__all__ = ["Result"]


@dataclass(frozen=True, repr=False)
class Result(Shown):
    """A study's answer; in a notebook it shows itself as its report.

    Attributes:
        answer: The summary as a typed record.
        records: One record a replica.
        page: What the report shows.
        inside: What probes saw inside some of the runs, where that was asked.
        folder: Where its files are, or ``None``.
        reused: How many of its runs were in the folder already.
        trained: How many were trained.
        unchanged: Whether all of it was in the folder already.
    """

    answer: Summary
    records: Sequence[RunRecord]
    page: Page
    inside: Sequence[Inside]
    folder: Path | None
    reused: int
    trained: int
    unchanged: bool
    _best: Callable[[], keras.Model]

    def _shown(self) -> Page:
        return self.page

    @property
    def verdict(self) -> str:
        """The answer, a line a variant."""
        return self.answer.verdict

    def summary(self) -> dict[str, Any]:
        """The content of ``summary.json``."""
        return self.answer.to_json()

    @property
    def curves(self) -> pd.DataFrame:
        """One row a replica and epoch: variant, seed, learning_rate, epoch, the metrics."""
        import pandas as pd

        return pd.DataFrame(curve_columns(self.records))

    def chart(self) -> alt.TopLevelMixin:
        """The curves with their bands, as an interactive Altair chart."""
        return altair_chart(self.page)

    def section(self, title: str, *others: str) -> Excerpt:
        """Some sections of the report, which a notebook shows without the rest.

        Args:
            title: As it stands in the report, such as ``"Variants"`` or, of a study with
                ``probe=True``, ``"Gradients"``.
            others: The titles of more of them.

        Raises:
            UnknownNameError: The report has no section of such a title.
        """
        there = [section.title for section in self.page.sections]
        for one in (title, *others):
            if one not in there:
                raise UnknownNameError("section", one, there)
        return Excerpt(self.page.excerpt(title, *others))

    def export(self, kind: str, folder: str | Path | None = None) -> Path:
        """Write the curves of all runs for another tool.

        Args:
            kind: ``csv``, ``tensorboard`` or ``mlflow``.
            folder: Where to; the study's own unless given.

        Returns:
            The file or folder that was written, which :func:`normwise.judge` reads.

        Raises:
            UsageError: There is no such kind, or its library is not installed, or no folder.
        """
        if folder is None and self.folder is None:
            raise SpecError(
                f"the export {kind!r} was asked for without a folder, and this study has none; "
                f"expected one of both; try result.export({kind!r}, 'exported')"
            )
        place = Path(folder) if folder is not None else self.folder or Path()
        return export(self.records, kind, place, self.answer.study)

    def best_model(self) -> keras.Model:
        """The recommended variant's best replica, trained and compiled, in Keras' own layers."""
        return self._best()
