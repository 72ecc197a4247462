"""Figures and page of some contests, as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qabench.comparison.contests import Contest
from qabench.comparison.leaderboard import Table
from qabench.views import plots
from qabench.views.page import Illustration, Section, write_page


def illustrate(
    contests: Sequence[Contest], tables: Sequence[Table], folder: Path | None, page: Path | None
) -> None:
    """Draw every contest into a folder (of several contests, each into its own), and into a page.

    Args:
        contests: what to draw.
        tables: of these contests.
        folder: where to write the figures; ``None``: nowhere.
        page: where to write the page; ``None``: nowhere.

    Raises:
        ReportError: results by question are missing.
        RunError: a file cannot be written.
    """
    sections = []
    for contest, table in zip(contests, tables, strict=True):
        drawn = plots.draw(contest, table.differences)
        if folder is not None:
            own = folder / f"{contest.benchmark}-{contest.fingerprint[:8]}"
            plots.save(drawn, folder if len(contests) == 1 else own)
        shown = (Illustration(one.title, one.caption, plots.as_svg(one)) for one in drawn)
        sections.append(Section(contest, table, tuple(shown)))
    if page is not None:
        write_page(sections, page)
