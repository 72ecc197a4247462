"""What run_qa answers from logits, the slow obvious way; it shares no code with qabench.

In every window only the ``n_best`` best starts are paired with the ``n_best`` best ends, so that
it may miss the best span, or find none.
"""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[int, int]


@dataclass
class Found:
    """Spans by code points and score, best first; the null score is the lowest of the windows."""

    spans: list[tuple[Span, float]]
    null_score: float


def found(windows: list[tuple[list, list, list]], n_best: int, longest: int) -> Found:
    """Each window: start and end logits, code points of each position (None: no context)."""
    spans: dict[Span, float] = {}
    null_score = min(starts[0] + ends[0] for starts, ends, _ in windows)
    for starts, ends, places in windows:
        for first in best_positions(starts, n_best):
            for last in best_positions(ends, n_best):
                if places[first] is None or places[last] is None:
                    continue
                if first <= last < first + longest:
                    span = places[first][0], places[last][1]
                    score = starts[first] + ends[last]
                    spans[span] = max(score, spans.get(span, score))
    ranked = sorted(spans.items(), key=lambda item: (-item[1], item[0]))
    return Found(ranked[:n_best], null_score)


def best_positions(logits: list, n_best: int) -> list[int]:
    return sorted(range(len(logits)), key=lambda at: -logits[at])[:n_best]
