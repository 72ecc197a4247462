"""Checks of a head's loss, and of what the head learns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from qabench.heads import Head, SpanScores
from qabench.testing.check import check
from qabench.testing.planted import LESSON, ORDINARY, Planted, evaluated_loss, planted, predict
from qabench.testing.returned import loss_problem
from qabench.testing.subject import HeadFactory

STEPS = 240
EVALUATED_EVERY = 20
# The second is for heads that do not learn with the first.
LEARNING_RATES = (1e-2, 1e-3)
PRACTICE_STEPS = 5


def practised(factory: HeadFactory) -> Head:
    """A head after a few steps, in eval mode.

    At first all scores of a head may be equal, and many mistakes do not show.
    """
    head = factory.build()
    for _ in islice(_steps(head, planted(LESSON), LEARNING_RATES[0]), PRACTICE_STEPS):
        pass
    return head.eval()


def _steps(head: Head, lesson: Planted, learning_rate: float) -> Iterator[float]:
    """Train on the same windows again and again; yields each step's loss."""
    optimizer = torch.optim.AdamW(_trained(head), lr=learning_rate, weight_decay=0.0)
    while True:
        own = lesson.copy()
        head.train()
        optimizer.zero_grad()
        # So that a loss of a wrong shape fails only the check of its shape.
        loss = head.loss(own.states, own.batch).sum()
        torch.autograd.backward(loss)
        optimizer.step()
        yield float(loss.detach())


def _trained(head: Head) -> list[torch.nn.Parameter]:
    return [parameter for parameter in head.parameters() if parameter.requires_grad]


@check(
    matters="training stops at a loss that is NaN or infinite, and backward needs a scalar",
    fix="return the mean over the windows, without logarithms of 0 or differences of -inf",
)
def loss_is_a_finite_scalar(factory: HeadFactory) -> str | None:
    """The loss is one finite number, also for states rounded to bf16."""
    head = factory.build()
    answerable = [window for window in ORDINARY if window.gold is not None]
    unanswerable = [window for window in ORDINARY if window.gold is None]
    for windows in (ORDINARY, answerable, unanswerable):
        batch = planted(windows)
        for kind, given in (("float32", batch), ("bf16-rounded", batch.rounded())):
            for training in (True, False):
                own = given.copy()
                head.train(training)
                problem = loss_problem(head.loss(own.states, own.batch))
                if problem:
                    mode = "train" if training else "eval"
                    return f"loss with {kind} states in {mode} mode {problem}"
    return None


@check(
    matters="with a sum, or if padding counts, what is learned depends on how windows are batched",
    fix="average over the windows, each by its own tokens; ignore what attention_mask masks",
)
def loss_is_the_mean_over_windows(factory: HeadFactory) -> str | None:
    """The loss of a padded batch is the mean of its windows' own losses."""
    head, batch = practised(factory), planted(ORDINARY, padding=2)
    together = float(evaluated_loss(head, batch).sum())
    alone = [float(evaluated_loss(head, batch.alone(row)).sum()) for row in range(len(ORDINARY))]
    mean = sum(alone) / len(alone)
    if math.isclose(together, mean, rel_tol=1e-3, abs_tol=1e-4):
        return None
    return (
        f"the loss of {len(alone)} windows is {together:.5g}, but the mean of their own losses "
        f"is {mean:.5g}"
    )


@check(
    matters="a parameter without gradient keeps its initial value, and if states are detached, so "
    "does the encoder",
    fix="use every parameter in loss, or set requires_grad to False if it is fixed by design; "
    "detach nothing",
)
def gradients_reach_everything(factory: HeadFactory) -> str | None:
    """Every trained parameter and the states get a finite, nonzero gradient."""
    head = factory.build()
    optimizer = torch.optim.AdamW(_trained(head), lr=LEARNING_RATES[0])
    missing = {name for name, one in head.named_parameters() if one.requires_grad} | {"states"}
    head.train()
    # Several steps: after a layer of zeros there is no gradient in the first.
    for windows in (LESSON, ORDINARY, LESSON, ORDINARY):
        own = planted(windows).copy()
        optimizer.zero_grad()
        torch.autograd.backward(head.loss(own.states.requires_grad_(), own.batch).sum())
        gradients = {name: one.grad for name, one in head.named_parameters()}
        gradients["states"] = own.states.grad
        found = {name: one for name, one in gradients.items() if one is not None}
        for name, gradient in found.items():
            if not torch.isfinite(gradient).all():
                return f"the gradient of {name} has entries that are NaN or infinite"
        missing -= {name for name, gradient in found.items() if gradient.any()}
        optimizer.step()
    return f"no gradient reaches {', '.join(sorted(missing))}" if missing else None


@dataclass(frozen=True, slots=True, eq=False)
class _Lesson:
    """What a head had learned when it was last evaluated.

    Attributes:
        losses: the first and the last.
        right: (B,) bool, whether it is right on each window.
    """

    losses: tuple[float, float]
    right: Tensor


# (B,) bool: on which windows of a lesson the spans are right.
Grader = Callable[[SpanScores, Planted], Tensor]


def _overfit(factory: HeadFactory, right: Grader) -> _Lesson:
    """The result of the first learning rate that gets every window right, or of the last one."""
    for learning_rate in LEARNING_RATES:
        result = _trained_until(right, factory.build(), learning_rate)
        if result.right.all():
            break
    return result


def _trained_until(right: Grader, head: Head, learning_rate: float) -> _Lesson:
    """Train until every window is right, or all steps are done."""
    lesson = planted(LESSON)
    steps = _steps(head, lesson, learning_rate)
    first = next(steps)
    for _ in range(STEPS // EVALUATED_EVERY):
        *_, last = islice(steps, EVALUATED_EVERY)
        result = _Lesson((first, last), right(predict(head, lesson), lesson))
        if result.right.all():
            break
    return result


def _answerable(lesson: Planted) -> Tensor:
    return lesson.batch.start > 0


def _best_is_gold(spans: SpanScores, lesson: Planted) -> Tensor:
    gold = (spans.start[:, 0] == lesson.batch.start) & (spans.end[:, 0] == lesson.batch.end)
    return gold | ~_answerable(lesson)


def _null_is_right(spans: SpanScores, lesson: Planted) -> Tensor:
    return (spans.null_score > spans.score[:, 0]) != _answerable(lesson)


@check(
    matters="spans ranks first what loss does not teach, so no training makes the head good",
    fix="use the same scores in both; look for labels that are shifted, swapped or misaligned",
)
def learns_by_heart(factory: HeadFactory) -> str | None:
    """Training on eight windows lowers the loss, and the best span is the gold of each."""
    result = _overfit(factory, _best_is_gold)
    first, last = result.losses
    if not last < first:
        return f"training on {len(LESSON)} windows changed the loss from {first:.5g} to {last:.5g}"
    if result.right.all():
        return None
    wrong = torch.nonzero(~result.right).flatten().tolist()
    golds = ", ".join(f"{LESSON[row].positions}" for row in wrong)
    return f"after {STEPS} steps on {len(LESSON)} windows the golds at {golds} are not ranked first"


@check(
    matters="null_score - score is compared with one threshold for all heads: with the wrong sign, "
    "the head abstains where it should answer",
    fix="give null_score the unit of the spans' scores, higher where an answer is less likely, and "
    "train it on windows whose start and end are 0",
)
def null_score_points_to_no_answer(factory: HeadFactory) -> str | None:
    """After training on eight windows the null score wins exactly where there is no answer."""
    result = _overfit(factory, _null_is_right)
    if result.right.all():
        return None
    answerable = _answerable(planted(LESSON))
    return (
        f"after {STEPS} steps on {len(LESSON)} windows the null score wins in "
        f"{int((answerable & ~result.right).sum())} of {int(answerable.sum())} with an answer, and "
        f"loses in {int((~answerable & ~result.right).sum())} of {int((~answerable).sum())} without"
    )
