"""A head is tried on one batch before any training: what breaks the contract shows at once.

States are made up, so no encoder is needed; masks and gold positions are those of real windows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from qabench.base.terminal import reason
from qabench.errors import PluginError
from qabench.heads import Head, LabelledBatch, WindowBatch
from qabench.plugins.guarding import guarded
from qabench.testing.returned import form_problem, legality_problem, loss_problem


def rehearse(
    build: Callable[[], Head],
    owner: str,
    hidden_size: int,
    batch: Mapping[str, Tensor],
    n_best: int,
    max_answer_tokens: int,
) -> None:
    """Build a head, and let it compute a loss with its gradient, and spans.

    Args:
        build: returns a new head, which is thrown away.
        owner: plugin and version, as the beginning of a sentence.
        hidden_size: H.
        batch: of windows, as :func:`qabench.training.model.collate` makes it, on the device.
        n_best: spans per window.
        max_answer_tokens: longest span, in tokens.

    Raises:
        PluginError: the head raises, cannot be saved, or returns what its contract forbids.
    """
    masks = WindowBatch(batch["attention_mask"], batch["context_mask"])
    golds = LabelledBatch(masks.attention_mask, masks.context_mask, batch["start"], batch["end"])
    states = torch.randn(*masks.attention_mask.shape, hidden_size).to(masks.context_mask.device)
    head = build()
    _refuse(owner, "", _unsaveable(head))
    head.to(states.device).train()
    _try_loss(head, owner, states, golds)
    head.eval()
    with torch.no_grad(), guarded(owner, "spans"):
        spans = head.spans(states, masks, n_best, max_answer_tokens)
    _refuse(owner, "spans", form_problem(spans, len(states), n_best))
    _refuse(owner, "spans", legality_problem(spans, masks.context_mask, max_answer_tokens))


def _try_loss(head: Head, owner: str, states: Tensor, golds: LabelledBatch) -> None:
    with guarded(owner, "loss"):
        loss = head.loss(states.clone().requires_grad_(), golds)
    _refuse(owner, "loss", loss_problem(loss) and f"the loss {loss_problem(loss)}")
    if not loss.requires_grad:
        _refuse(owner, "loss", "the loss depends on no parameter and no state")
    with guarded(owner, "the gradient of its loss"):
        torch.autograd.backward(loss)


def _unsaveable(head: nn.Module) -> str | None:
    """Why the head could not be saved when its training ends."""
    named = chain(head.named_parameters(), head.named_buffers())
    for name, value in named:
        if is_lazy(value):
            return f"{name} has no shape before the first call; give the layer its input size"
    try:
        save({name: value.contiguous() for name, value in head.state_dict().items()})
    # Values that share memory, and values that are no tensors.
    except Exception as error:
        return f"its state_dict cannot be saved: {reason(error)}"
    return None


def _refuse(owner: str, call: str, problem: str | None) -> None:
    if problem:
        where = f" in {call}" if call else ""
        raise PluginError(
            f"{owner} breaks the contract of heads{where}: {problem}; "
            f"qabench check says how to fix it."
        )
