"""A page's picture as an Altair chart, over which a pointer can move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from normwise.report.page import Page
from normwise.report.png import figure
from normwise.report.section import Spec

if TYPE_CHECKING:
    import altair as alt

__all__ = ["altair_chart"]


def altair_chart(page: Page) -> alt.ConcatChart:
    """The page's picture as an Altair chart, for a pointer and for further work."""
    import altair as alt

    class Picture(alt.ConcatChart):
        def to_dict(self, validate: bool = False, **options: Any) -> Spec:  # noqa: FBT002
            return super().to_dict(validate, **options)

        def __repr__(self) -> str:
            # Altair's has every row of the data.
            return f"<chart of {page.title!r}>"

    # Altair would look at every row of the data several times, which takes seconds.
    spec = figure(page, pointer=True)
    data = [chart.pop("data") for chart in spec["concat"]]
    picture: alt.ConcatChart = Picture.from_dict(spec, validate=False)
    for chart, values in zip(picture.concat, data, strict=True):
        chart["data"] = values
    return picture
