"""The start/end head: exact search, masked loss, null at position 0."""

from __future__ import annotations

import itertools

import pytest
import torch
from spanbert_linear.head import LinearHead

from qabench.heads import LabelledBatch, WindowBatch

LENGTHS = [1, 2, 3, 7]


@pytest.fixture(autouse=True)
def seeded():
    torch.set_num_threads(1)
    torch.manual_seed(3)


def batch_of(lengths: list[int], padding: int = 2) -> WindowBatch:
    at = torch.arange(3 + max(lengths) + 1 + padding)
    count = torch.tensor(lengths).unsqueeze(1)
    return WindowBatch(attention_mask=at < 3 + count + 1, context_mask=(at >= 3) & (at < 3 + count))


def random_head() -> LinearHead:
    head = LinearHead(8).eval()
    torch.nn.init.normal_(head.project.weight)
    return head


def test_the_k_best_spans_are_those_of_a_full_enumeration():
    head, states, batch = random_head(), torch.randn(4, 13, 8), batch_of(LENGTHS)
    logits = head.project(states)
    spans = head.spans(states, batch, n_best=6, max_answer_tokens=3)
    for row, length in enumerate(LENGTHS):
        legal = itertools.combinations_with_replacement(range(3, 3 + length), 2)
        every = {
            (i, j): float(logits[row, i, 0] + logits[row, j, 1]) for i, j in legal if j - i < 3
        }
        best = sorted(every, key=lambda span: -every[span])[:6]
        found = list(zip(spans.start[row].tolist(), spans.end[row].tolist(), strict=True))
        assert found[: len(best)] == best
        assert spans.score[row, : len(best)].tolist() == pytest.approx([every[b] for b in best])
        assert torch.isneginf(spans.score[row, len(best) :]).all()


def test_the_null_score_is_that_of_position_zero():
    head, states, batch = random_head(), torch.randn(4, 13, 8), batch_of(LENGTHS)
    spans = head.spans(states, batch, 5, 30)
    assert torch.allclose(spans.null_score, head.project(states)[:, 0].sum(1))


def test_the_loss_does_not_see_question_or_padding():
    head = random_head()
    masks = batch_of(LENGTHS)
    batch = LabelledBatch(
        masks.attention_mask,
        masks.context_mask,
        torch.tensor([0, 3, 4, 5]),
        torch.tensor([0, 3, 5, 9]),
    )
    states = torch.randn(4, 13, 8)
    outside = ~masks.context_mask
    outside[:, 0] = False
    changed = torch.where(outside.unsqueeze(2), torch.randn(4, 13, 8) * 100, states)
    assert torch.equal(head.loss(states, batch), head.loss(changed, batch))


def test_a_shorter_padding_gives_the_same_answers():
    head, states = random_head(), torch.randn(4, 13, 8)
    together = head.spans(states, batch_of(LENGTHS), 5, 30)
    single = head.spans(states[2:3, :7], batch_of([3], padding=0), 5, 30)
    assert torch.equal(together.start[2], single.start[0])
    assert torch.allclose(together.score[2], single.score[0])
