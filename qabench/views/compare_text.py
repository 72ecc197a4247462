"""``qabench compare`` as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qabench.base.numbers import fixed, interval, p_phrase, p_value, percent, points
from qabench.base.terminal import safe
from qabench.comparison.contests import Contest, System
from qabench.comparison.side_by_side import Difference, Flip, SideBySide
from qabench.comparison.statistics import Comparison
from qabench.comparison.verdicts import detectable, verdict

_AROUND = 60


def render(found: SideBySide, contest: Contest, slices: int, flips: int) -> str:
    """Two systems of a contest as text, with so many slices and flipped questions."""
    parts = [contest.title, _differences(found, "", found.overall)]
    parts += ["", *(one.note for one in contest.unfinished), *_verdicts(found)]
    parts += _shares(found)
    if slices:
        title = "EM by slice, clearest difference first"
        parts += ["", _differences(found, title, found.by_slice[:slices])]
        parts.append(
            "The interval and p of a slice ignore the other slices: of many, some differ by chance."
        )
    for flip in found.flips[:flips]:
        parts += ["", *_flip(flip, found.a, found.b)]
    return "\n".join(parts) + "\n"


def _differences(found: SideBySide, title: str, rows: Sequence[Difference]) -> str:
    labels = (found.a.label, found.b.label)
    headers = (title, "questions", *labels, "difference", "95 % interval", "p")
    return _table([_row(one) for one in rows], headers)


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


def _shares(found: SideBySide) -> Iterator[str]:
    for title, shares in (
        ("wrong answers, % of questions", found.faults),
        ("points of EM lost by", found.losses),
        ("best EM still possible after", found.ceilings),
    ):
        if shares:
            rows = [(what, percent(left), percent(right)) for what, left, right in shares]
            yield ""
            yield _table(rows, (title, found.a.label, found.b.label))


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    from tabulate import tabulate

    align = ("left", *("right",) * (len(headers) - 1))
    text: str = tabulate(rows, headers, disable_numparse=True, colalign=align)
    return text


def _verdicts(found: SideBySide) -> Iterator[str]:
    if not found.equal_budgets:
        yield (
            "! The systems were not trained on equal budgets (epochs, training questions, windows, "
            "encoder weights), or a budget is unknown: the difference is not only one of heads."
        )
    notes: dict[str, None] = {}
    for one in found.overall[:2]:
        words = verdict(one.comparison, one.name)
        yield f"{one.name}: {words.text}."
        notes |= dict.fromkeys(words.notes)
        if limit := detectable([one.comparison], one.name):
            notes[limit] = None
    yield from (f"  {note}." for note in notes)
    yield f"  {_sampling(found.overall[0].comparison)}."
    for seed, test in found.by_seed:
        yield (
            f"Seed {seed}: only {found.a.label} is right on {test.only_a} questions, only "
            f"{found.b.label} on {test.only_b} (exact McNemar test, {p_phrase(test.p_value)})."
        )


def _sampling(comparison: Comparison) -> str:
    """What the interval of a comparison accounts for."""
    what = "questions" if comparison.units == comparison.questions else "articles"
    paired = "paired" if comparison.paired_seeds else "not paired"
    seeds = f"{comparison.seeds_a} and {comparison.seeds_b} seeds, {paired}"
    return f"intervals are a bootstrap over {comparison.units} {what}, with {seeds}"


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
    if example.answers:
        start, length = example.answers[0].start, len(example.answers[0].text)
    else:
        answer = flip.answer_a or flip.answer_b
        start, length = max(0, text.find(answer)), len(answer)
    low, high = max(0, start - _AROUND), min(len(text), start + length + _AROUND)
    dots = ("…" * (low > 0), "…" * (high < len(text)))
    marked = f"{text[low:start]}[{text[start : start + length]}]{text[start + length : high]}"
    return f"{dots[0]}{safe(marked)}{dots[1]}"
