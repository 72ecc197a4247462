"""``qabench compare`` as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qabench.base.numbers import fixed, interval, p_phrase, p_value, percent, points
from qabench.base.terminal import safe
from qabench.comparison.contests import Contest, System
from qabench.comparison.side_by_side import Difference, Flip, SideBySide
from qabench.comparison.verdicts import WORDS, conclusions, located
from qabench.views.tables import markdown

_AROUND = 60


def render(
    found: SideBySide, contest: Contest, slices: int, flips: int | None, format: str = "plain"
) -> str:
    """Two systems of a contest as text.

    Args:
        found: the two systems.
        contest: that they are of.
        slices: how many to show.
        flips: how many questions to show that only one answers right; ``None``: all.
        format: ``plain`` or ``github``.
    """
    tables = _Tables(found, format)
    parts = [tables.line(contest.title), tables.differences("", found.overall), ""]
    parts += [
        *(tables.line(one.note) for one in contest.unfinished),
        *(tables.line(one.note) for one in contest.unread),
        *_verdicts(found, tables),
    ]
    parts += tables.shares()
    if slices:
        title = "EM by slice, clearest difference first"
        parts += ["", tables.differences(title, found.by_slice[:slices])]
        parts.append(
            "The interval and p of a slice ignore the other slices: of many, some differ by chance."
        )
    for flip in found.flips[:flips]:
        parts += ["", *map(tables.line, _flip(flip, found.a, found.b))]
    # Markdown joins lines without a blank line between them.
    gap = "\n\n" if format == "github" else "\n"
    return gap.join(part for part in parts if part or format == "plain") + "\n"


@dataclass(frozen=True, slots=True)
class _Tables:
    """The tables of two systems, in one format."""

    found: SideBySide
    format: str

    def differences(self, title: str, rows: Sequence[Difference]) -> str:
        labels = (self.found.a.label, self.found.b.label)
        headers = (title, "questions", *labels, "difference", "95 % interval", "p")
        return self.table([_row(one) for one in rows], headers)

    def shares(self) -> Iterator[str]:
        for title, shares in (
            ("wrong answers, % of questions", self.found.faults),
            ("points of EM lost by", self.found.losses),
            ("best EM still possible after", self.found.ceilings),
        ):
            if shares:
                rows = [(what, percent(left), percent(right)) for what, left, right in shares]
                yield ""
                yield self.table(rows, (title, self.found.a.label, self.found.b.label))

    def table(self, rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
        from tabulate import tabulate

        headers = [self.line(header) for header in headers]
        rows = [[self.line(cell) for cell in row] for row in rows]
        align = ("left", *("right",) * (len(headers) - 1))
        style = {"plain": "simple", "github": "github"}[self.format]
        text: str = tabulate(rows, headers, style, disable_numparse=True, colalign=align)
        return text

    def line(self, text: str) -> str:
        """A text from anywhere, as it is or without markup."""
        return markdown(text) if self.format == "github" else text


def _row(one: Difference) -> tuple[str, ...]:
    comparison = one.comparison
    low, high = comparison.interval
    return (
        one.name,
        str(one.questions),
        percent(one.a),
        percent(one.b),
        points(100 * comparison.difference),
        interval(100 * low, 100 * high),
        p_value(comparison.adjusted_p_value),
    )


def _verdicts(found: SideBySide, tables: _Tables) -> Iterator[str]:
    if not found.equal_budgets:
        yield (
            "! The systems were not trained on equal budgets (epochs, training questions, windows, "
            "encoder weights), or a budget is unknown: the difference is not only one of heads."
        )
    yield from map(tables.line, conclusions(found.differences))
    headers, rows = located(found.differences)
    if rows:
        yield from ("", tables.table(rows, headers), WORDS)
    for seed, test in found.by_seed:
        yield tables.line(
            f"Seed {seed}: only {found.a.label} is right on {test.only_a} questions, only "
            f"{found.b.label} on {test.only_b} (exact McNemar test, {p_phrase(test.p_value)})."
        )


def _flip(flip: Flip, a: System, b: System) -> Iterator[str]:
    example = flip.example
    yield f"{safe(example.id)} {safe(example.title)}: {safe(example.question)}"
    golds = list(dict.fromkeys(gold.text for gold in example.answers))
    yield f"  gold: {' | '.join(map(safe, golds)) or '(no answer)'}"
    for system, answer, share in ((a, flip.answer_a, flip.a), (b, flip.answer_b, flip.b)):
        yield f"  {system.label} ({_success(system, share)}): {safe(answer) or '(no answer)'}"
    yield f"  {_excerpt(flip)}"


def _success(system: System, share: float) -> str:
    """What the share of seeds with a right answer is called; answers are those of the first."""
    if 0 < share < 1:
        return f"right with {fixed(100 * share, 0)} % of the seeds; seed {system.seeds[0]}"
    return "right" if share else "wrong"


def _excerpt(flip: Flip) -> str:
    """The context around the first gold; without a gold, around an answer."""
    example = flip.example
    text = example.context
    if example.placed:
        start, length = example.placed[0].start, len(example.placed[0].text)
    else:
        answer = flip.answer_a or flip.answer_b
        start, length = max(0, text.find(answer)), len(answer)
    low, high = max(0, start - _AROUND), min(len(text), start + length + _AROUND)
    dots = ("…" * (low > 0), "…" * (high < len(text)))
    marked = f"{text[low:start]}[{text[start : start + length]}]{text[start + length : high]}"
    return f"{dots[0]}{safe(marked)}{dots[1]}"
