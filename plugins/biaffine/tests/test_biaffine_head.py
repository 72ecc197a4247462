"""The biaffine head against a plain enumeration of all spans."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qabench_biaffine.band import band_product
from qabench_biaffine.head import BiaffineHead

from qabench.heads import LabelledBatch, WindowBatch

LENGTHS = [1, 2, 3, 9]
CONTEXT = 3  # positions before it: [CLS], a token of the question, [SEP]
MAX_SPAN, WIDTH = 4, 5


@pytest.fixture(autouse=True)
def seeded():
    torch.set_num_threads(1)
    torch.manual_seed(3)


def batch_of(lengths: list[int], padding: int = 2) -> WindowBatch:
    at = torch.arange(CONTEXT + max(lengths) + 1 + padding)
    count = torch.tensor(lengths).unsqueeze(1)
    return WindowBatch(
        attention_mask=at < CONTEXT + count + 1,
        context_mask=(at >= CONTEXT) & (at < CONTEXT + count),
    )


def labelled(batch: WindowBatch, golds: list[tuple[int, int]]) -> LabelledBatch:
    start, end = torch.tensor(golds).unbind(1)
    return LabelledBatch(batch.attention_mask, batch.context_mask, start, end)


def random_head() -> BiaffineHead:
    head = BiaffineHead(8, width=WIDTH, max_span=MAX_SPAN).double().eval()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head


def random_states() -> torch.Tensor:
    return torch.randn(len(LENGTHS), CONTEXT + max(LENGTHS) + 3, 8, dtype=torch.float64)


def score_of(head: BiaffineHead, states: torch.Tensor, i: int, j: int) -> float:
    """The slow obvious way: the formula of the README, for the states (L, H) of one window."""
    start, end = head.borders(states[i])[0], head.borders(states[j])[1]
    product = head.first(states[i]) @ head.last(states[j])
    return float((start + end + product / math.sqrt(WIDTH)).detach())


def spans_of(length: int, longest: int) -> list[tuple[int, int]]:
    behind = CONTEXT + length
    return [(i, j) for i in range(CONTEXT, behind) for j in range(i, min(i + longest, behind))]


def log_sum(scores: list[float]) -> float:
    return float(torch.tensor(scores, dtype=torch.float64).logsumexp(0))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3), st.integers(1, 14), st.integers(1, 6), st.data())
def test_the_band_holds_the_products_of_neighbours(count, length, size, data):
    width = data.draw(st.integers(1, length))
    rows, columns = torch.randn(2, count, length, size, dtype=torch.float64)
    everywhere = rows @ columns.transpose(1, 2)
    band = band_product(rows, columns, width)
    assert band.shape == (count, length, width)
    for i in range(length):
        inside = min(width, length - i)
        assert torch.allclose(band[:, i, :inside], everywhere[:, i, i : i + inside])
        assert (band[:, i, inside:] == 0).all()


@pytest.mark.parametrize("tokens", [0, 2, MAX_SPAN, MAX_SPAN + 1, MAX_SPAN + 2])
def test_the_loss_is_the_mean_negative_log_likelihood_of_the_golds(tokens):
    """Golds of so many tokens, where the context has them; 0 means no answer."""
    head, states, expected = random_head(), random_states(), 0.0
    golds = [(CONTEXT, CONTEXT + min(tokens, length) - 1) for length in LENGTHS]
    if not tokens:
        golds = [(0, 0)] * len(LENGTHS)
    for window, length, gold in zip(states, LENGTHS, golds, strict=True):
        rivals = {span: score_of(head, window, *span) for span in spans_of(length, MAX_SPAN)}
        rivals[0, 0] = head.null(window[0]).item()
        # A gold that is too long is scored besides the short spans; a short one is among them.
        rivals.setdefault(gold, score_of(head, window, *gold))
        expected += (log_sum(list(rivals.values())) - rivals[gold]) / len(LENGTHS)
    found = head.loss(states, labelled(batch_of(LENGTHS), golds))
    assert found.item() == pytest.approx(expected, rel=1e-9)


def test_the_probabilities_of_no_answer_and_of_all_short_spans_sum_to_one():
    head, states = random_head(), random_states()
    for row, length in enumerate(LENGTHS):
        masks, window = batch_of([length]), states[row : row + 1, : CONTEXT + length + 3]
        losses = [
            head.loss(window, labelled(masks, [gold])).item()
            for gold in [(0, 0), *spans_of(length, MAX_SPAN)]
        ]
        assert sum(math.exp(-loss) for loss in losses) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("max_answer_tokens", [1, 3, 30])
@pytest.mark.parametrize("k", [6, 60])
def test_the_k_best_spans_are_those_of_a_full_enumeration(k, max_answer_tokens):
    head, states = random_head(), random_states()
    found = head.spans(states, batch_of(LENGTHS), k, max_answer_tokens)
    for row, length in enumerate(LENGTHS):
        longest = min(MAX_SPAN, max_answer_tokens)
        every = {span: score_of(head, states[row], *span) for span in spans_of(length, longest)}
        best = sorted(every, key=lambda span: -every[span])[:k]
        spans = list(zip(found.start[row].tolist(), found.end[row].tolist(), strict=True))
        assert spans[: len(best)] == best
        scores = [every[span] for span in best]
        assert found.score[row, : len(best)].tolist() == pytest.approx(scores, rel=1e-5)
        assert torch.isneginf(found.score[row, len(best) :]).all()
        null = head.null(states[row, 0]).item()
        assert found.null_score[row].item() == pytest.approx(null, rel=1e-5)


def test_more_spans_than_the_band_has_are_filled_up():
    found = random_head().spans(random_states()[:1, :5], batch_of([1], padding=0), 40, 30)
    assert found.score.shape == found.start.shape == found.end.shape == (1, 40)
    assert torch.isfinite(found.score).sum() == 1


def test_padding_changes_neither_spans_nor_loss():
    head, states, golds = random_head(), random_states(), [(0, 0), (3, 4), (4, 5), (4, 11)]
    together = head.spans(states, batch_of(LENGTHS), 5, 30)
    losses = []
    for row, length in enumerate(LENGTHS):
        alone, window = batch_of([length], padding=0), states[row : row + 1, : CONTEXT + length + 1]
        single = head.spans(window, alone, 5, 30)
        kept = torch.isfinite(together.score[row])
        assert torch.equal(kept, torch.isfinite(single.score[0]))
        assert torch.equal(together.start[row][kept], single.start[0][kept])
        assert torch.equal(together.end[row][kept], single.end[0][kept])
        assert torch.allclose(together.score[row][kept], single.score[0][kept])
        losses.append(head.loss(window, labelled(alone, golds[row : row + 1])))
    loss = head.loss(states, labelled(batch_of(LENGTHS), golds))
    assert torch.allclose(loss, torch.stack(losses).mean())


def test_the_loss_does_not_see_question_or_padding():
    head, states, masks = random_head(), random_states(), batch_of(LENGTHS)
    outside = ~masks.context_mask
    outside[:, 0] = False
    changed = torch.where(outside.unsqueeze(2), 100 * torch.randn_like(states), states)
    batch = labelled(masks, [(0, 0), (3, 4), (4, 5), (4, 11)])
    assert torch.equal(head.loss(states, batch), head.loss(changed, batch))


@pytest.mark.parametrize("gold", [(0, 0), (3, 5), (3, 11)])
def test_every_parameter_of_a_fresh_head_gets_a_finite_gradient(gold):
    head = BiaffineHead(8, max_span=MAX_SPAN)
    states = torch.randn(1, CONTEXT + 12, 8)
    head.loss(states, labelled(batch_of([9]), [gold])).backward()
    for name, parameter in head.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_nothing_waits_for_the_device():
    """Tensors on the meta device have no values: whatever asks for one raises."""
    with torch.device("meta"):
        head, states = BiaffineHead(8), torch.randn(4, CONTEXT + 60, 8)
        mask, gold = torch.ones(4, CONTEXT + 60, dtype=torch.bool), torch.ones(4, dtype=torch.int64)
    head.loss(states, LabelledBatch(mask, mask, gold, gold)).backward()
    assert head.spans(states, WindowBatch(mask, mask), 20, 30).score.shape == (4, 20)


def test_the_same_seed_builds_the_same_head():
    def built():
        torch.manual_seed(5)
        return BiaffineHead(8).state_dict()

    first, second = built(), built()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_it_learns_pairs_that_no_sum_of_a_start_and_an_end_tells_apart():
    """What begins with a ends with c, what begins with b ends with d, in either order."""
    a, b, c, d = torch.eye(4)
    texts = [[a, c, d], [a, d, c], [b, c, d], [b, d, c]]
    golds = [(3, 4), (3, 5), (3, 5), (3, 4)]
    states = torch.stack([torch.stack([torch.zeros(4)] * 3 + text) for text in texts])
    batch = labelled(batch_of([3] * 4, padding=-1), golds)
    head = BiaffineHead(4, width=4)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        head.loss(states, batch).backward()
        optimizer.step()
    found = head.eval().spans(states, batch, 1, 30)
    assert list(zip(found.start[:, 0].tolist(), found.end[:, 0].tolist(), strict=True)) == golds
    with torch.no_grad():
        head.first.weight.zero_()  # only the sums are left
    found = head.spans(states, batch, 1, 30)
    assert list(zip(found.start[:, 0].tolist(), found.end[:, 0].tolist(), strict=True)) != golds
