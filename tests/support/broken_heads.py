"""A head that is right, and heads that are right in all but one thing."""

from __future__ import annotations

import inspect
import itertools
from dataclasses import replace

import torch
from torch import nn

from qabench.heads import Head, SpanScores, WindowBatch, top_spans

IMPOSSIBLE = float("-inf")


class GoodHead(Head):
    """Start and end logits over the context and position 0, from one layer."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.project = nn.Linear(hidden_size, 2)

    def logits(self, states, batch):
        legal = batch.context_mask.clone()
        legal[:, 0] = True
        return self.project(states).masked_fill(~legal.unsqueeze(2), IMPOSSIBLE).unbind(2)

    def loss(self, states, batch):
        start, end = self.logits(states, batch)
        entropy = nn.functional.cross_entropy
        return (entropy(start, batch.start) + entropy(end, batch.end)) / 2

    def spans(self, states, batch, n_best, max_answer_tokens):
        start, end = self.logits(states, batch)
        null = torch.add(start[:, 0], end[:, 0])
        return self.finished(top_spans(start, end, batch, null, n_best, max_answer_tokens))

    def finished(self, found: SpanScores) -> SpanScores:
        """For what derives from this head to spoil."""
        return found


class AttentiveHead(GoodHead):
    """A right head of another kind: two layers with attention and dropout; logits begin at 0."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__(hidden_size)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(hidden_size, 12, 64, 0.1, batch_first=True) for _ in range(2)
        )
        nn.init.zeros_(self.project.weight)

    def logits(self, states, batch):
        for layer in self.layers:
            states = layer(states, src_key_padding_mask=~batch.attention_mask)
        return super().logits(states, batch)


class RenamesAnArgument(GoodHead):
    def spans(self, states, batch, k, max_answer_tokens):
        return super().spans(states, batch, k, max_answer_tokens)


class SwapsTwoArguments(GoodHead):
    """Both are numbers, and nothing raises."""

    def spans(self, states, batch, max_answer_tokens, n_best):
        return super().spans(states, batch, max_answer_tokens, n_best)


class DrawsFromElsewhere(GoodHead):
    seeds = itertools.count()

    def __init__(self, hidden_size):
        super().__init__(hidden_size)
        own = torch.Generator().manual_seed(next(self.seeds))
        self.project.bias.data.normal_(std=0.1, generator=own)


class LeavesMemoryUnset(GoodHead):
    def __init__(self, hidden_size):
        super().__init__(hidden_size)
        self.register_buffer("unused", torch.empty(4))


class BeginsAbsurd(GoodHead):
    def __init__(self, hidden_size):
        super().__init__(hidden_size)
        self.register_buffer("unused", torch.full((4,), 1e30))


class KeepsAPlainTensor(GoodHead):
    """A random tensor that decides predictions and is in no state_dict."""

    def __init__(self, hidden_size):
        super().__init__(hidden_size)
        self.shift = 0.01 * torch.rand(())

    def finished(self, found):
        return replace(found, null_score=found.null_score + self.shift)


class SharesMemory(GoodHead):
    def __init__(self, hidden_size):
        super().__init__(hidden_size)
        self.again = self.project


class LossByOne(GoodHead):
    def loss(self, states, batch):
        return super().loss(states, batch).unsqueeze(0)


class LossIsNoNumberWhereAllHaveAnswers(GoodHead):
    """Training divides by the number of unanswerable windows, of which a batch may have none."""

    def loss(self, states, batch):
        missing = (batch.start == 0).sum()
        nothing = 0.0 * missing / missing if self.training else 0.0
        return super().loss(states, batch) + nothing


class LossIsASum(GoodHead):
    def loss(self, states, batch):
        return super().loss(states, batch) * len(batch.start)


class LossSeesPadding(GoodHead):
    def loss(self, states, batch):
        return super().loss(states, batch) + 1e-3 * states.square().mean()


class HasAnUnusedParameter(GoodHead):
    def __init__(self, hidden_size):
        super().__init__(hidden_size)
        self.unused = nn.Parameter(torch.zeros(3))


class DetachesTheStates(GoodHead):
    def logits(self, states, batch):
        return super().logits(states.detach(), batch)


class LearnsTheStartForTheEnd(GoodHead):
    def loss(self, states, batch):
        return super().loss(states, replace(batch, end=batch.start))


class HidesItsLoss(GoodHead):
    """The gradient is right, the value always 0."""

    def loss(self, states, batch):
        loss = super().loss(states, batch)
        return loss - loss.detach()


class TurnsTheNullScoreRound(GoodHead):
    def finished(self, found):
        return replace(found, null_score=-found.null_score)


class LeavesTheNullScoreOut(GoodHead):
    """Scores with no relation to the null answer: it always wins or never."""

    def finished(self, found):
        return replace(found, null_score=torch.full_like(found.null_score, -1000.0))


class ReturnsInt32(GoodHead):
    def finished(self, found):
        return replace(found, start=found.start.int())


class ReturnsOneColumnTooFew(GoodHead):
    """As many spans as there are positions, though more were wanted."""

    def finished(self, found):
        columns = slice(0, 19 if found.start.shape[1] == 20 else None)
        return SpanScores(
            found.start[:, columns],
            found.end[:, columns],
            found.score[:, columns],
            found.null_score,
        )


class AllowsOneTokenTooMany(GoodHead):
    def spans(self, states, batch, n_best, max_answer_tokens):
        return super().spans(states, batch, n_best, max_answer_tokens + 1)


class AnswersFromTheQuestion(GoodHead):
    """The token before the context may be in an answer, if nothing else scores more."""

    def spans(self, states, batch, n_best, max_answer_tokens):
        shifted = batch.context_mask.roll(-1, 1)
        shifted[:, 0] = batch.context_mask[:, 0]
        wider = WindowBatch(batch.attention_mask, batch.context_mask | shifted)
        start, end = self.project(states).unbind(2)
        outside = ~batch.context_mask
        outside[:, 0] = False
        null = torch.add(start[:, 0], end[:, 0])
        lower = 1e3 * outside
        return top_spans(start - lower, end - lower, wider, null, n_best, max_answer_tokens)


class ListsASpanTwice(GoodHead):
    """The second span again in the place of the third."""

    def finished(self, found):
        places = torch.arange(found.start.shape[1])
        places[2:3] = 1
        start, end, score = (one[:, places] for one in (found.start, found.end, found.score))
        return SpanScores(start, end, score, found.null_score)


class PutsTheWorstFirst(GoodHead):
    """The last two places change, behind the best span."""

    def finished(self, found):
        places = torch.arange(found.start.shape[1])
        if len(places) > 2:
            places[1:3] = torch.tensor([2, 1])
        start, end, score = (one[:, places] for one in (found.start, found.end, found.score))
        return SpanScores(start, end, score, found.null_score)


class PoolsOverPadding(GoodHead):
    def spans(self, states, batch, n_best, max_answer_tokens):
        found = super().spans(states, batch, n_best, max_answer_tokens)
        return replace(found, null_score=found.null_score + 0.1 * states.abs().mean((1, 2)))


class MixesWindows(GoodHead):
    def finished(self, found):
        return replace(found, null_score=found.null_score + 0.01 * found.null_score.mean())


class DrawsInEvalMode(GoodHead):
    def finished(self, found):
        return replace(found, null_score=found.null_score + 1e-3 * torch.rand(()))


class RemembersGolds(GoodHead):
    """Validation asks for the loss, then for the spans, of the same windows."""

    golds = None

    def loss(self, states, batch):
        if not self.training:
            self.golds = batch.start, batch.end
        return super().loss(states, batch)

    def logits(self, states, batch):
        start, end = super().logits(states, batch)
        if self.golds is None or len(self.golds[0]) != len(start) or type(batch) is not WindowBatch:
            return start, end
        told = nn.functional.one_hot(self.golds[0], start.shape[1])
        return start + 10.0 * told, end


class KeepsTheBatchOfLoss(GoodHead):
    """Golds of every loss, in training too, for windows with the same masks."""

    kept = None

    def loss(self, states, batch):
        self.kept = batch
        return super().loss(states, batch)

    def spans(self, states, batch, n_best, max_answer_tokens):
        found = super().spans(states, batch, n_best, max_answer_tokens)
        if self.kept is None or not torch.equal(self.kept.context_mask, batch.context_mask):
            return found
        return replace(found, null_score=found.null_score + 5.0 * (self.kept.start == 0))


class WalksFrames(GoodHead):
    """Whoever calls it has the golds in a variable somewhere."""

    def spans(self, states, batch, n_best, max_answer_tokens):
        found = super().spans(states, batch, n_best, max_answer_tokens)
        frame = inspect.currentframe()
        while frame is not None:
            start = frame.f_locals.get("start")
            if isinstance(start, torch.Tensor) and start.shape == found.null_score.shape:
                return replace(found, null_score=found.null_score + 5.0 * (start == 0))
            frame = frame.f_back
        return found


class WritesToTheStates(GoodHead):
    def spans(self, states, batch, n_best, max_answer_tokens):
        states.masked_fill_(~batch.attention_mask.unsqueeze(2), 0.0)
        return super().spans(states, batch, n_best, max_answer_tokens)


class WritesToTheMask(GoodHead):
    """Legal positions are marked in the batch itself, and the mark taken back too late."""

    def loss(self, states, batch):
        loss = super().loss(states, batch)
        batch.attention_mask[:, 0] = False
        return loss


class CannotAnswerWithOneToken(GoodHead):
    def spans(self, states, batch, n_best, max_answer_tokens):
        found = super().spans(states, batch, n_best, max_answer_tokens)
        short = (batch.context_mask.sum(1) == 1).unsqueeze(1)
        return replace(found, score=found.score.masked_fill(short, IMPOSSIBLE))


class WantsASeparatorBehindTheContext(GoodHead):
    def loss(self, states, batch):
        behind = batch.context_mask.sum(1) + batch.context_mask.int().argmax(1)
        states.gather(1, behind[:, None, None].expand(-1, 1, states.shape[2]))
        return super().loss(states, batch)
