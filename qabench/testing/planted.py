"""Made-up windows and encoder states, and calls of a head on them.

Shapes: B windows, L positions of the longest window, H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from qabench.heads import Head, LabelledBatch, SpanScores, WindowBatch
from qabench.testing.subject import HIDDEN_SIZE

# More than any window here has spans, so that the order of equal scores does not matter.
ALL_SPANS = 60
ANY_LENGTH = 30


@dataclass(frozen=True, slots=True)
class Window:
    """The tokens of a window, and its gold.

    Attributes:
        context: tokens of the context.
        gold: first and last context token of the answer, from 0; ``None`` for no answer.
        before: tokens before the context: [CLS], question, [SEP].
        after: tokens after it: [SEP].
    """

    context: int
    gold: tuple[int, int] | None = None
    before: int = 4
    after: int = 1

    @property
    def total(self) -> int:
        """Tokens of the window."""
        return self.before + self.context + self.after

    @property
    def positions(self) -> tuple[int, int]:
        """The gold as a head gets it: 0 and 0 for no answer."""
        if self.gold is None:
            return 0, 0
        return self.before + self.gold[0], self.before + self.gold[1]


# Windows of several lengths, with and without an answer, each with a context of several tokens.
ORDINARY = (
    Window(context=9, gold=(2, 4)),
    Window(context=2, gold=None),
    Window(context=5, gold=(0, 0), before=7),
    Window(context=3, gold=(1, 2), before=5),
    Window(context=7, gold=None, before=6),
)
# Eight windows of one length: what a head must be able to learn by heart.
LESSON = (
    Window(context=8, gold=(0, 0)),
    Window(context=8, gold=(1, 3)),
    Window(context=8, gold=None),
    Window(context=8, gold=(5, 6)),
    Window(context=8, gold=(7, 7)),
    Window(context=8, gold=None),
    Window(context=8, gold=(2, 5)),
    Window(context=8, gold=None),
)


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """A batch whose states show where the answers are.

    Attributes:
        states: (B, L, H) float32.
        batch: masks and golds.
    """

    states: Tensor
    batch: LabelledBatch

    def copy(self) -> Planted:
        """A copy that shares no memory."""
        own = {name: tensor.clone() for name, tensor in self.tensors().items()}
        return Planted(own.pop("states"), LabelledBatch(**own))

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a head gets, by name."""
        names = ("attention_mask", "context_mask", "start", "end")
        return {"states": self.states} | {name: getattr(self.batch, name) for name in names}

    def with_golds(self, start: Tensor, end: Tensor) -> Planted:
        """The same windows with other golds, (B,) int64 each."""
        return Planted(self.states, replace(self.batch, start=start, end=end))

    def alone(self, row: int) -> Planted:
        """One window without padding."""
        length = int(self.batch.attention_mask[row].sum())
        one = slice(row, row + 1)
        batch = LabelledBatch(
            self.batch.attention_mask[one, :length],
            self.batch.context_mask[one, :length],
            self.batch.start[one],
            self.batch.end[one],
        )
        return Planted(self.states[one, :length], batch)

    def rounded(self) -> Planted:
        """With the states that bf16 autocast leaves, in float32."""
        return Planted(self.states.bfloat16().float(), self.batch)


def planted(windows: Sequence[Window], padding: int = 0, seed: int = 1) -> Planted:
    """States of noise, in which the first, last and inner tokens of answers are marked.

    Without an answer [CLS] is marked. Padding holds larger noise, which must have no effect.

    Args:
        windows: one for each row.
        padding: positions after the longest window.
        seed: of the noise, which does not depend on the state of torch's generator.
    """
    at = torch.arange(max(window.total for window in windows) + padding)
    total, before, context, start, end = (
        torch.tensor(column).unsqueeze(1)
        for column in zip(
            *((one.total, one.before, one.context, *one.positions) for one in windows), strict=True
        )
    )
    attention = at < total
    noise = torch.randn(
        *attention.shape, HIDDEN_SIZE, generator=torch.Generator().manual_seed(seed)
    )
    states = torch.where(attention.unsqueeze(2), 0.5 * noise, 10 * noise)
    marks = torch.stack([at == start, at == end, (at >= start) & (at <= end)], 2)
    unanswerable = (start == 0).unsqueeze(2)
    states[..., :3] += 3.0 * (marks & ~unanswerable)
    states[..., 3:6] += 3.0 * (marks & unanswerable)
    inside = (at >= before) & (at < before + context)
    return Planted(states, LabelledBatch(attention, inside, start[:, 0], end[:, 0]))


def predict(
    head: Head,
    planted: Planted,
    n_best: int = ALL_SPANS,
    max_answer_tokens: int = ANY_LENGTH,
    seed: int = 0,
) -> SpanScores:
    """The spans of a head in eval mode, which gets copies of states and masks but no golds.

    Args:
        head: stays in eval mode.
        planted: the windows.
        n_best: spans for each window.
        max_answer_tokens: longest span.
        seed: of torch's generator, so that a head that draws numbers fails only one check.
    """
    own = planted.copy()
    torch.manual_seed(seed)
    head.eval()
    with torch.no_grad():
        masks = WindowBatch(own.batch.attention_mask, own.batch.context_mask)
        return head.spans(own.states, masks, n_best, max_answer_tokens)


def evaluated_loss(head: Head, planted: Planted, seed: int = 0) -> Tensor:
    """The loss of a head in eval mode, as :func:`predict` for its spans."""
    own = planted.copy()
    torch.manual_seed(seed)
    head.eval()
    with torch.no_grad():
        return head.loss(own.states, own.batch)


def same(a: SpanScores, b: SpanScores) -> bool:
    """Whether two heads' spans are equal bit for bit."""
    return all(
        torch.equal(getattr(a, name), getattr(b, name))
        for name in ("start", "end", "score", "null_score")
    )


def scored_spans(spans: SpanScores, row: int) -> dict[tuple[int, int], float]:
    """The spans of a window that have a finite score."""
    columns = (spans.start[row].tolist(), spans.end[row].tolist(), spans.score[row].tolist())
    found = zip(*columns, strict=True)
    return {(start, end): score for start, end, score in found if score > float("-inf")}
