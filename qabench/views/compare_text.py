"""``qabench compare`` as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qabench.base.terminal import safe
from qabench.comparison.contests import Contest
from qabench.comparison.side_by_side import Difference, Flip, SideBySide
from qabench.comparison.statistics import Comparison
from qabench.comparison.verdicts import detectable, verdict

_AROUND = 60


def render(found: SideBySide, contest: Contest, slices: int, flips: int) -> str:
    """The whole view of two of a contest's systems; so many slices and flipped questions."""
    from tabulate import tabulate

    def table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
        align = ("left", *("right",) * (len(headers) - 1))
        text: str = tabulate(rows, headers, disable_numparse=True, colalign=align)
        return text

    a, b = found.a.label, found.b.label
    headers = ("", "questions", a, b, "difference", "95 % interval", "p")
    parts = [contest.title, table([_row(one) for one in found.overall], headers)]
    parts += ["", *(one.note for one in contest.unfinished), *_verdicts(found)]
    for name, shares in (
        ("wrong answers, % of questions", found.faults),
        ("points of EM lost by", found.losses),
        ("best EM still possible behind", found.ceilings),
    ):
        if shares:
            rows = [(what, f"{left:.1f}", f"{right:.1f}") for what, left, right in shares]
            parts += ["", table(rows, (name, a, b))]
    if slices:
        lines = [_row(one) for one in found.by_slice[:slices]]
        parts += ["", table(lines, ("EM by slice, clearest difference first", *headers[1:]))]
        parts.append(
            "Intervals and p of slices are for each alone: with many, some differ by chance."
        )
    for flip in found.flips[:flips]:
        parts += ["", *_flip(flip, a, b)]
    return "\n".join(parts) + "\n"


def _row(one: Difference) -> tuple[str, ...]:
    comparison = one.comparison
    low, high = comparison.interval
    return (
        one.name,
        str(one.questions),
        f"{one.a:.2f}",
        f"{one.b:.2f}",
        f"{100 * comparison.difference:+.2f}",
        f"{100 * low:+.1f} … {100 * high:+.1f}",
        p_value(comparison),
    )


def p_value(comparison: Comparison) -> str:
    """The p-value with as many digits as the resamples give."""
    p = comparison.adjusted_p_value
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _verdicts(found: SideBySide) -> Iterator[str]:
    if not found.equal_budgets:
        yield (
            "! The systems were not trained on equal budgets (epochs, training questions, windows, "
            "encoder weights), or nobody knows: the difference is not one of heads alone."
        )
    notes: dict[str, None] = {}
    for one in found.overall[:2]:
        words = verdict(one.comparison, one.name)
        yield f"{one.name}: {words.text}."
        notes |= dict.fromkeys(words.notes)
        if limit := detectable([one.comparison], one.name):
            notes[limit] = None
    yield from (f"  {note}." for note in notes)
    yield f"  {sampling(found.overall[0].comparison)}."
    for seed, test in found.by_seed:
        yield (
            f"Seed {seed}: {test.only_a} questions only {found.a.label} has right, {test.only_b} "
            f"only {found.b.label} (exact McNemar p = {test.p_value:.3g})."
        )


def sampling(comparison: Comparison) -> str:
    """What the interval of a comparison resamples."""
    what = "questions" if comparison.units == comparison.questions else "articles"
    paired = "paired" if comparison.paired_seeds else "not paired"
    seeds = f"{comparison.seeds_a} and {comparison.seeds_b} seeds, {paired}"
    return f"intervals are a bootstrap over {comparison.units} {what}, with {seeds}"


def _flip(flip: Flip, a: str, b: str) -> Iterator[str]:
    example = flip.example
    yield f"{safe(example.id)} {safe(example.title)}: {safe(example.question)}"
    golds = list(dict.fromkeys(gold.text for gold in example.answers))
    yield f"  gold: {' | '.join(map(safe, golds)) or '(no answer)'}"
    for name, answer, share in ((a, flip.answer_a, flip.a), (b, flip.answer_b, flip.b)):
        right = (
            "right" if share == 1 else "wrong" if share == 0 else f"right in {share:.0%} of seeds"
        )
        yield f"  {name} ({right}): {safe(answer) or '(no answer)'}"
    yield f"  {_excerpt(flip)}"


def _excerpt(flip: Flip) -> str:
    """The context around the gold, or around the first answer where there is none."""
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
