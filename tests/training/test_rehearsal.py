"""A head that breaks its contract is named before it is trained."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import pytest
import torch
from support.broken_heads import AttentiveHead, GoodHead, SharesMemory
from torch import nn

from qabench.errors import PluginError
from qabench.training.rehearsal import rehearse

HIDDEN, N_BEST, LONGEST = 24, 4, 3
OWNER = "Plugin 'made_up' (dist 1.2)"


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """Two windows of 8 tokens: the context is at 3..6 and at 3..4."""
    at = torch.arange(8)
    ends = torch.tensor([[6], [4]])
    return {
        "attention_mask": at <= ends + 1,
        "context_mask": (at >= 3) & (at <= ends),
        "start": torch.tensor([4, 0]),
        "end": torch.tensor([5, 0]),
    }


def tried(head: type[nn.Module], batch: dict[str, torch.Tensor]) -> None:
    rehearse(lambda: head(HIDDEN), OWNER, HIDDEN, batch, N_BEST, LONGEST)


class HasALazyLayer(GoodHead):
    def __init__(self, hidden_size):
        super().__init__(hidden_size)
        self.project = nn.LazyLinear(2)


class HasExtraState(GoodHead):
    def get_extra_state(self):
        return {"words": 3}


class GivesLoss(GoodHead):
    value: object = None

    def loss(self, states, batch):
        return self.value


class GivesAFloat(GivesLoss):
    value = 0.5


class GivesNothing(GivesLoss):
    pass


class GivesLossPerWindow(GoodHead):
    def loss(self, states, batch):
        return super().loss(states, batch).expand(len(states))


class GivesAnInteger(GivesLoss):
    value = torch.tensor(1)


class GivesNaN(GoodHead):
    def loss(self, states, batch):
        return super().loss(states, batch) * float("nan")


class GivesAConstant(GivesLoss):
    value = torch.tensor(1.0)


class RaisesInLoss(GoodHead):
    def loss(self, states, batch):
        raise KeyError("no such thing")


class LeavesInLoss(GoodHead):
    def loss(self, states, batch):
        sys.exit(0)


class WritesWhatTheGradientNeeds(GoodHead):
    def loss(self, states, batch):
        kept = states.exp()
        found = super().loss(states, batch) + kept.sigmoid().mean() + kept.mean()
        kept.zero_()
        return found


class RaisesInSpans(GoodHead):
    def spans(self, states, batch, n_best, max_answer_tokens):
        raise IndexError("out of reach")


class GivesATuple(GoodHead):
    def finished(self, found):
        return (found.start, found.end, found.score, found.null_score)


class GivesLists(GoodHead):
    def finished(self, found):
        return replace(found, start=found.start.tolist())


class GivesFloats(GoodHead):
    def finished(self, found):
        return replace(found, end=found.end.float())


class GivesTooFew(GoodHead):
    def finished(self, found):
        return replace(found, score=found.score[:, 1:])


class GivesInfiniteScores(GoodHead):
    def finished(self, found):
        return replace(found, score=torch.full_like(found.score, float("inf")))


class SwapsStartAndEnd(GoodHead):
    def spans(self, states, batch, n_best, max_answer_tokens):
        # All spans of two tokens, the first context token last.
        found = super().spans(states, batch, n_best, max_answer_tokens)
        three, four = torch.full_like(found.start, 3), torch.full_like(found.end, 4)
        return replace(found, start=four, end=three)


class PointsOutside(GoodHead):
    def finished(self, found):
        return replace(found, end=found.end + 1000)


class AnswersTooLong(GoodHead):
    def spans(self, states, batch, n_best, max_answer_tokens):
        found = super().spans(states, batch, n_best, max_answer_tokens)
        end = torch.tensor([[6], [4]]).expand_as(found.end)
        return replace(found, start=torch.full_like(found.start, 3), end=end)


BROKEN = {
    HasALazyLayer: "heads: project.weight has no shape before the first call",
    SharesMemory: "heads: its state_dict cannot be saved: RuntimeError: .*share memory.*again",
    HasExtraState: "heads: its state_dict cannot be saved: AttributeError",
    GivesAFloat: "heads in loss: the loss is a float, not a tensor",
    GivesNothing: "heads in loss: the loss is a NoneType, not a tensor",
    GivesLossPerWindow: r"heads in loss: the loss has shape \(2,\), not \(\)",
    GivesAnInteger: r"heads in loss: the loss is torch\.int64, not a float",
    GivesNaN: "heads in loss: the loss is nan",
    GivesAConstant: "heads in loss: the loss depends on no parameter",
    GivesATuple: "heads in spans: spans returned a tuple, not SpanScores",
    GivesLists: "heads in spans: start is a list, not a tensor",
    GivesFloats: r"heads in spans: end with n_best=4 is \(2, 4\) torch.float32, not",
    GivesTooFew: r"heads in spans: score with n_best=4 is \(2, 3\)",
    GivesInfiniteScores: "heads in spans: score has entries that are NaN or inf",
    SwapsStartAndEnd: r"heads in spans: span 4\.\.3 is not in the context 3\.\.6",
    PointsOutside: r"heads in spans: span \d\.\.100\d is not in the context 3\.\.6",
    AnswersTooLong: r"heads in spans: span 3\.\.6 is longer than 3 tokens",
}
RAISING = {
    RaisesInLoss: r"loss at test_rehearsal\.py:\d+: KeyError: 'no such thing'",
    LeavesInLoss: r"loss at test_rehearsal\.py:\d+: SystemExit: 0",
    WritesWhatTheGradientNeeds: "the gradient of its loss: RuntimeError: .*inplace operation",
    RaisesInSpans: r"spans at test_rehearsal\.py:\d+: IndexError: out of reach",
}


@pytest.mark.parametrize("head", [GoodHead, AttentiveHead])
def test_a_right_head_passes(head, batch):
    tried(head, batch)


@pytest.mark.parametrize("head", BROKEN)
def test_what_breaks_the_contract_is_named(head, batch):
    said = f"{re.escape(OWNER)} breaks the contract of {BROKEN[head]}.*; qabench check says how"
    with pytest.raises(PluginError, match=said):
        tried(head, batch)


@pytest.mark.parametrize("head", RAISING)
def test_what_a_head_raises_names_plugin_version_call_and_line(head, batch):
    with pytest.raises(PluginError, match=f"{re.escape(OWNER)} failed in {RAISING[head]}"):
        tried(head, batch)
