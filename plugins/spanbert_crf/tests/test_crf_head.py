"""The closed-form span scores equal pytorch-crf's own scores of every single-span tagging."""

from __future__ import annotations

import itertools

import pytest
import torch
from spanbert_crf.chain import B, I, O, chain, span_terms
from spanbert_crf.head import FORBIDDEN, CRFHead
from torchcrf import CRF

from qabench.heads import LabelledBatch, WindowBatch

LENGTHS = [1, 2, 3, 7]


@pytest.fixture(autouse=True)
def seeded():
    torch.set_num_threads(1)
    torch.manual_seed(3)


def random_crf() -> CRF:
    crf = CRF(3, batch_first=True).double()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf


def tagging(length: int, start: int, end: int) -> list[int]:
    return [B if at == start else I if start < at <= end else O for at in range(length)]


def path_score(crf: CRF, emissions: torch.Tensor, tags: list[int]) -> float:
    """The slow obvious way: add up one tagging's scores."""
    score = crf.start_transitions[tags[0]] + crf.end_transitions[tags[-1]]
    score = score + sum(emissions[at, tag] for at, tag in enumerate(tags))
    return float(score + sum(crf.transitions[a, b] for a, b in itertools.pairwise(tags)))


def batch_of(lengths: list[int], question: int = 3, padding: int = 2) -> WindowBatch:
    """Windows of [CLS], two question tokens, the context, [SEP], and padding."""
    longest = question + max(lengths) + 1 + padding
    at = torch.arange(longest)
    count = torch.tensor(lengths).unsqueeze(1)
    return WindowBatch(
        attention_mask=at < question + count + 1,
        context_mask=(at >= question) & (at < question + count),
    )


def test_every_span_scores_its_tagging_minus_all_o():
    crf = random_crf()
    emissions = torch.randn(len(LENGTHS), max(LENGTHS), 3, dtype=torch.float64)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS).unsqueeze(1)
    terms = span_terms(chain(emissions, mask, crf))
    for row, length in enumerate(LENGTHS):
        null = path_score(crf, emissions[row], [O] * length)
        for i, j in itertools.combinations_with_replacement(range(length), 2):
            expected = path_score(crf, emissions[row], tagging(length, i, j)) - null
            found = terms.alone[row, i] if i == j else terms.first[row, i] + terms.last[row, j]
            assert float(found) == pytest.approx(expected, abs=1e-10)


def test_scores_are_differences_of_pytorch_crfs_log_likelihoods():
    head = CRFHead(8).double().eval()
    head.crf = random_crf()
    states, batch = torch.randn(4, 13, 8, dtype=torch.float64), batch_of(LENGTHS)
    spans = head.spans(states, batch, n_best=5, max_answer_tokens=30)
    emissions, _, offset = head.emissions(states, batch)
    for row, length in enumerate(LENGTHS):

        def likelihood(tags, row=row, length=length):
            return float(head.crf(emissions[row : row + 1, :length].double(), torch.tensor([tags])))

        null = likelihood([O] * length)
        for k in range(min(5, length * (length + 1) // 2)):
            start = int(spans.start[row, k] - offset[row])
            end = int(spans.end[row, k] - offset[row])
            assert float(spans.score[row, k]) == pytest.approx(
                likelihood(tagging(length, start, end)) - null, abs=1e-4
            )


def test_the_k_best_are_the_k_best_of_all_spans():
    head = CRFHead(8).eval()
    torch.nn.init.normal_(head.project.weight)
    states, batch = torch.randn(4, 13, 8), batch_of(LENGTHS)
    spans = head.spans(states, batch, n_best=6, max_answer_tokens=3)
    emissions, _, offset = head.emissions(states, batch)
    for row, length in enumerate(LENGTHS):
        every = sorted(
            (
                path_score(head.crf, emissions[row], tagging(length, i, j))
                - path_score(head.crf, emissions[row], [O] * length)
                for i, j in itertools.combinations_with_replacement(range(length), 2)
                if j - i < 3
            ),
            reverse=True,
        )[:6]
        found = spans.score[row][torch.isfinite(spans.score[row])].tolist()
        assert found == pytest.approx(every, abs=1e-4)
        assert (spans.start[row][: len(found)] >= offset[row]).all()
        assert (spans.end[row][: len(found)] < offset[row] + length).all()


def test_the_bio_loss_is_pytorch_crfs_mean_likelihood_of_the_context_only():
    head = CRFHead(8, objective="bio").double()
    states, masks = torch.randn(4, 13, 8, dtype=torch.float64), batch_of(LENGTHS)
    start, end = torch.tensor([0, 3, 4, 5]), torch.tensor([0, 3, 5, 9])
    batch = LabelledBatch(masks.attention_mask, masks.context_mask, start, end)
    emissions = head.project(states).float()
    head.crf.float()
    expected = 0.0
    for row, length in enumerate(LENGTHS):
        tags = tagging(length, int(start[row]) - 3, int(end[row]) - 3)
        context = emissions[row : row + 1, 3 : 3 + length]
        if row == 0:
            tags = [O] * length
        expected -= float(head.crf(context, torch.tensor([tags]))) / len(LENGTHS)
    assert float(head.loss(states, batch)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("objective", ["span", "bio"])
def test_every_parameter_gets_a_gradient_and_none_is_uninitialised_memory(objective):
    head = CRFHead(8, objective)
    masks = batch_of(LENGTHS)
    positions = torch.tensor([0, 3, 4, 5])
    batch = LabelledBatch(masks.attention_mask, masks.context_mask, positions, positions)
    head.loss(torch.randn(4, 13, 8), batch).backward()
    for name, parameter in head.named_parameters():
        assert torch.isfinite(parameter).all(), name
        assert parameter.abs().max() <= -FORBIDDEN, name
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_the_same_seed_builds_the_same_head():
    def built():
        torch.manual_seed(5)
        return CRFHead(8).state_dict()

    first, second = built(), built()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_padding_changes_nothing():
    head = CRFHead(8).eval()
    states = torch.randn(4, 13, 8)
    together = head.spans(states, batch_of(LENGTHS), 5, 30)
    for row, length in enumerate(LENGTHS):
        alone = batch_of([length], padding=0)
        single = head.spans(states[row : row + 1, : 3 + length + 1], alone, 5, 30)
        kept = torch.isfinite(together.score[row])
        assert torch.allclose(together.score[row][kept], single.score[0][kept], atol=1e-5)
        assert torch.equal(together.start[row][kept], single.start[0][kept])
