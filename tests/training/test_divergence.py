"""NaN and infinity are refused with the step and the questions that they came from."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from qabench.data.examples import QAExample
from qabench.errors import RunError
from qabench.training.batches import WindowDataset
from qabench.training.divergence import RecentLosses, check_mean, check_scores
from qabench.windows.answers import WindowSpans

BAD = [float("nan"), float("inf")]


@pytest.fixture
def data() -> WindowDataset:
    """Two windows of each of twenty questions."""
    examples = [QAExample(f"q{number}", "?", "context", ()) for number in range(20)]
    return WindowDataset(SimpleNamespace(example=np.arange(40) // 2), examples)


@pytest.mark.parametrize("bad", [*BAD, float("-inf")])
def test_a_bad_loss_is_traced_to_its_batch(data, bad):
    losses = RecentLosses()
    losses.add(1, torch.tensor([0, 1, 2]), torch.tensor(0.5))
    losses.check(data, seed=3)
    losses.add(2, torch.tensor([4, 5]), torch.tensor(0.4))
    losses.add(3, torch.tensor([6, 7, 9]), torch.tensor(bad))
    losses.add(4, torch.tensor([10]), torch.tensor(bad))
    message = rf"loss is {bad} at step 3 on questions 'q3', 'q4' \(seed 3\): training diverged"
    with pytest.raises(RunError, match=message):
        losses.check(data, seed=3)


def test_many_questions_are_counted(data):
    losses = RecentLosses()
    losses.add(1, torch.arange(40), torch.tensor(float("nan")))
    with pytest.raises(RunError, match=r"'q0', 'q1', .*'q7' and 12 more \(seed 0\)"):
        losses.check(data, seed=0)


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_mean_is_refused(bad):
    check_mean("eval_loss", 0.5, 7, 0)
    with pytest.raises(RunError, match=f"eval_loss is {bad} after step 7"):
        check_mean("eval_loss", bad, 7, 0)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("where", ["score", "null_score"])
def test_bad_scores_are_refused_with_their_questions(data, bad, where):
    score, null_score = np.full((3, 2), -np.inf), np.zeros(3)
    spans = WindowSpans(np.array([5, 30, 6]), np.zeros((3, 2)), np.zeros((3, 2)), score, null_score)
    check_scores(spans, data, 7, 0)
    {"score": score[:, 1], "null_score": null_score}[where][1] = bad
    with pytest.raises(
        RunError, match="scores are NaN or infinite after step 7 on questions 'q15'"
    ):
        check_scores(spans, data, 7, 0)
