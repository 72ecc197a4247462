"""pytorch-crf's way to a CRF over single spans: a chain of four states.

O before and O after the span are states of their own, so that no second span can begin.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchcrf import CRF

BEFORE, BEGIN, INSIDE, AFTER = range(4)
# State to state, and the tags whose transition score it has.
_LEGAL = (
    (BEFORE, BEFORE, 0, 0),
    (BEFORE, BEGIN, 0, 1),
    (BEGIN, INSIDE, 1, 2),
    (INSIDE, INSIDE, 2, 2),
    (BEGIN, AFTER, 1, 0),
    (INSIDE, AFTER, 2, 0),
    (AFTER, AFTER, 0, 0),
)
_FORBIDDEN = -1e4


def four_states(crf: CRF) -> CRF:
    """The machine whose weights are those of an O/B/I CRF; it takes :func:`state_emissions`."""
    machine = CRF(4, batch_first=True).to(crf.transitions.dtype)
    with torch.no_grad():
        for parameter in machine.parameters():
            parameter.fill_(_FORBIDDEN)
        machine.start_transitions[[BEFORE, BEGIN]] = crf.start_transitions[[0, 1]]
        machine.end_transitions[:] = crf.end_transitions[[0, 1, 2, 0]]
        for a, b, old_a, old_b in _LEGAL:
            machine.transitions[a, b] = crf.transitions[old_a, old_b]
    return machine


def state_emissions(emissions: Tensor) -> Tensor:
    """(B, C, 4) scores of the states from (B, C, 3) of O, B and I."""
    return emissions[..., [0, 1, 2, 0]]


def state_tags(tags: Tensor) -> Tensor:
    """(B, C) states from (B, C) tags."""
    begun = (tags == 1).cumsum(1) > 0
    return torch.where(begun & (tags == 0), AFTER, tags)
