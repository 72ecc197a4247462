"""Both objectives of the CRF equal pytorch-crf and plain enumeration, values and gradients."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spanbert_crf import single_span, tagging
from spanbert_crf.chain import B, I, O, chain, span_score
from torch import Tensor
from torchcrf import CRF

LENGTHS = [1, 2, 3, 7, 20, 37]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def a_crf(tags: int = 3, dtype: torch.dtype = torch.float64, seed: int = 0) -> CRF:
    torch.manual_seed(seed)
    crf = CRF(tags, batch_first=True).to(dtype)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf


def prefixes(lengths: list[int]) -> Tensor:
    return torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)


def gold_tags(mask: Tensor, start: Tensor, end: Tensor) -> Tensor:
    at = torch.arange(mask.shape[1])
    inside = (at > start.unsqueeze(1)) & (at <= end.unsqueeze(1))
    return torch.where(at == start.unsqueeze(1), B, torch.where(inside, I, O))


def some_golds(lengths: list[int]) -> tuple[Tensor, Tensor]:
    """No answer, first token, last token, several tokens up to the last, and inside."""
    start = torch.tensor([-1 if row == 1 else length // 2 for row, length in enumerate(lengths)])
    end = torch.tensor([-1 if row == 1 else length - 1 for row, length in enumerate(lengths)])
    end[-1] = start[-1] + 2
    return start, end


def as_four_states(crf: CRF) -> CRF:
    """The single-span CRF as a chain of four states, O before and O after the span apart."""
    four = CRF(4, batch_first=True).double()
    before, begin, inside, after = range(4)
    with torch.no_grad():
        for parameter in four.parameters():
            parameter.fill_(-1e5)
        four.start_transitions[[before, begin]] = crf.start_transitions[[O, B]]
        four.end_transitions[:] = crf.end_transitions[[O, B, I, O]]
        for a, b, old_a, old_b in (
            (before, before, O, O),
            (before, begin, O, B),
            (begin, inside, B, I),
            (inside, inside, I, I),
            (begin, after, B, O),
            (inside, after, I, O),
            (after, after, O, O),
        ):
            four.transitions[a, b] = crf.transitions[old_a, old_b]
    return four


def gradients(loss: Tensor, emissions: Tensor, crf: CRF) -> list[Tensor]:
    weights = torch.linspace(0.5, 1.5, len(loss), dtype=loss.dtype)
    return list(torch.autograd.grad((loss * weights).sum(), [emissions, *crf.parameters()]))


def close(found: Tensor, expected: Tensor, relative: float) -> bool:
    return float((found - expected).abs().max()) <= relative * (1 + float(expected.abs().max()))


@pytest.mark.parametrize(("dtype", "relative"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_the_tagging_loss_and_every_gradient_are_pytorch_crfs(dtype, relative):
    crf, mask, (start, end) = a_crf(dtype=dtype), prefixes(LENGTHS), some_golds(LENGTHS)
    emissions = (3 * torch.randn(*mask.shape, 3, dtype=dtype)).requires_grad_()
    expected = -crf(emissions, gold_tags(mask, start, end), mask=mask, reduction="none")
    found = tagging.negative_log_likelihood(emissions, mask, crf, start, end)
    assert close(found, expected, relative)
    for ours, theirs in zip(
        gradients(found, emissions, crf), gradients(expected, emissions, crf), strict=True
    ):
        assert close(ours, theirs, relative)


def test_the_single_span_loss_and_every_gradient_are_those_of_four_states_in_pytorch_crf():
    crf, mask, (start, end) = a_crf(), prefixes(LENGTHS), some_golds(LENGTHS)
    emissions = (3 * torch.randn(*mask.shape, 3, dtype=torch.float64)).requires_grad_()
    tags = gold_tags(mask, start, end)
    tags = torch.where((torch.arange(mask.shape[1]) > end[:, None]) & (end >= 0)[:, None], 3, tags)
    four = as_four_states(crf)
    expected = -four(emissions[..., [O, B, I, O]], tags, mask=mask, reduction="none")
    found = single_span.negative_log_likelihood(emissions, mask, crf, start, end)
    assert close(found, expected, 1e-9)
    for ours, theirs in zip(
        torch.autograd.grad(found.sum(), [emissions, crf.transitions]),
        torch.autograd.grad(expected.sum(), [emissions, four.transitions]),
        strict=True,
    ):
        if theirs.shape == (4, 4):
            counts = torch.zeros(3, 3, dtype=torch.float64)
            for a, b in itertools.product(range(4), repeat=2):
                counts[a % 3, b % 3] += theirs[a, b]
            theirs = counts
        assert close(ours, theirs, 1e-9)


def every_span(length: int) -> list[tuple[int, int]]:
    return [(-1, -1), *itertools.combinations_with_replacement(range(length), 2)]


def no_answer(rows: int) -> tuple[Tensor, Tensor]:
    """Golds of which the loss is the log-partition, because all O scores 0."""
    return torch.full((rows,), -1), torch.full((rows,), -1)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), st.integers(0, 10_000), st.sampled_from([0.1, 3.0, 30.0]))
def test_the_single_span_partition_and_every_expected_count_are_sums_over_all_spans(
    length, seed, scale
):
    crf, mask = a_crf(seed=seed), prefixes([length])
    emissions = (scale * torch.randn(1, length, 3, dtype=torch.float64)).requires_grad_()
    scores = chain(emissions, mask, crf)
    each = torch.cat(
        [span_score(scores, *map(torch.tensor, ([i], [j]))) for i, j in every_span(length)]
    )
    assert float(each[0].detach()) == 0
    expected = each.logsumexp(0, keepdim=True)
    found = single_span.negative_log_likelihood(emissions, mask, crf, *no_answer(1))
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-12, abs=1e-13)
    for ours, theirs in zip(
        gradients(found, emissions, crf), gradients(expected, emissions, crf), strict=True
    ):
        assert close(ours, theirs, 1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(0, 10_000), st.sampled_from([0.1, 3.0, 30.0]))
def test_the_best_tagging_is_the_best_of_all_spans_and_none(length, seed, scale):
    crf, mask = a_crf(seed=seed), prefixes([length, 8])
    scores = chain(scale * torch.randn(2, 8, 3, dtype=torch.float64), mask, crf)
    found = single_span.best(scores)
    for row, count in enumerate((length, 8)):
        spans = every_span(count)
        each = [
            float(span_score(scores, *(torch.tensor([end] * 2) for end in span))[row])
            for span in spans
        ]
        assert float(found.score[row]) == pytest.approx(max(each), abs=1e-9)
        chosen = (int(found.start[row]), int(found.end[row]))
        assert each[spans.index(chosen)] == pytest.approx(max(each), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10_000), st.sampled_from([0.1, 3.0, 30.0]))
def test_the_tagging_partition_is_the_sum_over_all_taggings(length, seed, scale):
    crf, mask = a_crf(seed=seed), prefixes([length])
    emissions = scale * torch.randn(1, length, 3, dtype=torch.float64)
    scores = chain(emissions, mask, crf)
    total = []
    for tags in itertools.product(range(3), repeat=length):
        one = scores.start[tags[0]] + scores.end[tags[-1]]
        one = one + sum(scores.emissions[0, at, tag] for at, tag in enumerate(tags))
        total.append(
            float(one + sum(scores.transitions[a, b] for a, b in itertools.pairwise(tags)))
        )
    expected = float(torch.tensor(total, dtype=torch.float64).logsumexp(0))
    assert float(tagging.log_partition(scores)) == pytest.approx(expected, rel=1e-12, abs=1e-12)


LOSSES = [single_span.negative_log_likelihood, tagging.negative_log_likelihood]


@pytest.mark.parametrize("negative_log_likelihood", LOSSES)
def test_derivatives_agree_with_finite_differences(negative_log_likelihood):
    crf, mask = a_crf(), prefixes([1, 4, 6, 6, 5])
    start, end = torch.tensor([0, 1, -1, 0, 3]), torch.tensor([0, 3, -1, 4, 3])
    emissions = torch.randn(5, 6, 3, dtype=torch.float64, requires_grad=True)

    def value(emissions, *parameters):
        names = ("start_transitions", "end_transitions", "transitions")
        for name, parameter in zip(names, parameters, strict=True):
            del crf._parameters[name]
            setattr(crf, name, parameter)
            crf._parameters[name] = parameter
        return negative_log_likelihood(emissions, mask, crf, start, end)

    parameters = [one.detach().clone().requires_grad_() for one in crf.parameters()]
    assert torch.autograd.gradcheck(value, (emissions, *parameters))


@pytest.mark.parametrize("negative_log_likelihood", LOSSES)
def test_a_confident_models_loss_is_the_small_positive_number_that_it_is(negative_log_likelihood):
    """In float32 the partition function and the gold score agree in all digits, or cross."""
    crf, length, batch = a_crf(dtype=torch.float32), 512, 32
    mask = prefixes([length] * batch)
    emissions = torch.zeros(batch, length, 3)
    emissions[..., O] = 30.0
    start, end = torch.full((batch,), 100), torch.full((batch,), 103)
    emissions[:, 100, B] = 60.0
    emissions[:, 101:104, I] = 60.0
    emissions += torch.randn_like(emissions)
    loss = negative_log_likelihood(emissions.requires_grad_(), mask, crf, start, end)
    assert torch.isfinite(loss).all()
    assert (loss > 0).all()
    assert (loss < 1e-7).all()
    loss.mean().backward()
    assert all(torch.isfinite(one.grad).all() for one in (emissions, *crf.parameters()))
    assert emissions.grad.abs().max() < 1e-7


@pytest.mark.parametrize("negative_log_likelihood", LOSSES)
@pytest.mark.parametrize("scale", [1.0, 20.0, 200.0])
def test_extreme_scores_give_finite_losses_and_gradients(negative_log_likelihood, scale):
    torch.manual_seed(1)
    crf, mask = a_crf(), prefixes([512, 511, 3, 1])
    with torch.no_grad():
        crf.transitions[O, I] = -100.0
    emissions = (scale * torch.randn(4, 512, 3)).requires_grad_()
    golds = torch.tensor([5, -1, 0, 0]), torch.tensor([9, -1, 2, 0])
    loss = negative_log_likelihood(emissions, mask, crf, *golds)
    assert (loss > -1e-9).all()
    loss.mean().backward()
    assert torch.isfinite(emissions.grad).all()
    assert (emissions.grad[~mask] == 0).all()


@pytest.mark.parametrize("negative_log_likelihood", LOSSES)
def test_bfloat16_emissions_lose_nothing_but_their_own_rounding(negative_log_likelihood):
    crf, mask, golds = a_crf(), prefixes([60, 31]), (torch.tensor([3, -1]), torch.tensor([7, -1]))
    rounded = (10 * torch.randn(2, 60, 3)).bfloat16()
    losses = [
        negative_log_likelihood(emissions, mask, crf, *golds)
        for emissions in (rounded, rounded.double())
    ]
    assert torch.equal(*losses)


@pytest.mark.parametrize("negative_log_likelihood", LOSSES)
def test_neither_padding_nor_a_common_shift_of_a_tokens_scores_changes_anything(
    negative_log_likelihood,
):
    crf = a_crf()
    emissions = torch.randn(1, 9, 3, dtype=torch.float64)
    gold = torch.tensor([2]), torch.tensor([8])
    alone = negative_log_likelihood(emissions, prefixes([9]), crf, *gold)
    padded = torch.cat([emissions, torch.full((1, 4, 3), 1e6, dtype=torch.float64)], 1)
    mask = torch.arange(13).unsqueeze(0) < 9
    shifted = padded + torch.randn(1, 13, 1, dtype=torch.float64)
    found = negative_log_likelihood(shifted, mask, crf, *gold)
    assert float(found) == pytest.approx(float(alone), abs=1e-9)
