"""The CRF's losses and its best span, beside pytorch-crf."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from material import Material
from measuring import Bench, Count, DisagreementError, Finding, doublings
from operations import operations
from peers.four_states import AFTER, four_states, state_emissions, state_tags
from spanbert_crf import single_span, tagging
from spanbert_crf.chain import B, I, O, chain
from torch import Tensor
from torchcrf import CRF

PEER = "pytorch-crf"
FOUR = "pytorch-crf, four states"
# Against pytorch-crf in float64, whose sums run in another order.
TOLERANCE = 1e-7

Likelihood = Callable[[Tensor, Tensor, CRF, Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Emissions as of a half-trained head, float32: mostly O, one likely span in most windows.

    Attributes:
        emissions: (B, C, 3), with gradient.
        mask: (B, C), a prefix of each row.
        tags: (B, C) gold tags.
        start, end: (B,) the gold span; -1 for none.
    """

    crf: CRF
    emissions: Tensor
    mask: Tensor
    tags: Tensor
    start: Tensor
    end: Tensor

    def precise(self) -> Problem:
        """The same numbers in float64."""
        return replace(
            self,
            crf=copy.deepcopy(self.crf).double(),
            emissions=self.emissions.detach().double().requires_grad_(),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """(B,) negative log-likelihoods and the gradient of their mean by the emissions."""

    value: Tensor
    gradient: Tensor


def problem(batch: int, length: int) -> Problem:
    """The same each time."""
    generator = torch.Generator().manual_seed(batch * length)
    lengths = torch.randint(3 * length // 4, length + 1, (batch,), generator=generator)
    lengths[0] = length
    at = torch.arange(length)
    start = (torch.rand(batch, generator=generator) * (lengths - 8)).long()
    end = start + torch.randint(0, 8, (batch,), generator=generator)
    start[1::4], end[1::4] = -1, -1
    inside = (at > start[:, None]) & (at <= end[:, None])
    tags = torch.where(inside, I, O).where(at != start[:, None], torch.tensor(B))
    emissions = torch.randn(batch, length, 3, generator=generator)
    emissions += 4 * torch.nn.functional.one_hot(tags, 3) + torch.tensor([2.0, -2.0, 0.0])
    torch.manual_seed(0)
    crf = CRF(3, batch_first=True)
    return Problem(crf, emissions.requires_grad_(), at < lengths[:, None], tags, start, end)


def findings(material: Material) -> Iterator[Finding]:
    """All of this stage."""
    bench = Bench("crf", material.scale.repeats)
    for batch, length in material.scale.crf:
        yield from _of_size(bench, batch, length)
    yield from _growth(bench, material)


def _of_size(bench: Bench, batch: int, length: int) -> Iterator[Finding]:
    """Both losses and the best span."""
    given = problem(batch, length)
    precise, where, size = given.precise(), f"{batch} x {length} tokens", (batch, "windows")
    for name, peer, likelihood, theirs, exact in (
        (
            "BIO loss",
            PEER,
            tagging.negative_log_likelihood,
            partial(_pytorch_crf, given),
            _pytorch_crf(precise),
        ),
        (
            "single-span loss",
            FOUR,
            single_span.negative_log_likelihood,
            _four_states(given),
            _four_states(precise)(),
        ),
    ):
        ours, agree = partial(_ours, given, likelihood), partial(_same_loss, exact)
        yield bench.compare(f"{name}, {where}", peer, ours, theirs, agree, size)
        yield _operations(f"{name}, {where}", peer, ours, theirs)
    best, decoded = partial(_best_span, given), _decode(given)
    yield bench.compare(f"best span, {where}", FOUR, best, decoded, _same_spans, size)
    yield _operations(f"best span, {where}", FOUR, best, decoded)


def _growth(bench: Bench, material: Material) -> Iterator[Finding]:
    batch, length = material.scale.crf[0]
    steps = material.scale.doublings
    for name, likelihood in (
        ("BIO", tagging.negative_log_likelihood),
        ("single-span", single_span.negative_log_likelihood),
    ):

        def of_length(n: int, likelihood: Likelihood = likelihood) -> Callable[[], Loss]:
            return partial(_ours, problem(4 * batch, n), likelihood)

        def of_batch(n: int, likelihood: Likelihood = likelihood) -> Callable[[], Loss]:
            return partial(_ours, problem(n, length), likelihood)

        lengths, batches = doublings(4 * length, steps), doublings(16 * batch, steps)
        yield bench.growth(f"{name} loss, batch of {4 * batch}", "tokens", lengths, of_length)
        yield bench.growth(f"{name} loss, {length} tokens", "windows", batches, of_batch)


def _ours(given: Problem, likelihood: Likelihood) -> Loss:
    value = likelihood(given.emissions, given.mask, given.crf, given.start, given.end)
    return _with_gradient(value, given.emissions, given.crf)


def _pytorch_crf(given: Problem) -> Loss:
    value = -given.crf(given.emissions, given.tags, mask=given.mask, reduction="none")
    return _with_gradient(value, given.emissions, given.crf)


def _four_states(given: Problem) -> Callable[[], Loss]:
    machine = four_states(given.crf)
    states = state_tags(given.tags)

    def loss() -> Loss:
        emissions = state_emissions(given.emissions)
        value = -machine(emissions, states, mask=given.mask, reduction="none")
        return _with_gradient(value, given.emissions, machine)

    return loss


def _with_gradient(value: Tensor, emissions: Tensor, crf: CRF) -> Loss:
    gradient, *_ = torch.autograd.grad(value.mean(), [emissions, *crf.parameters()])
    return Loss(value.detach(), gradient)


def _best_span(given: Problem) -> list[tuple[int, int]]:
    """First and last token of the best span of each window, (-1, -1) where all O is better."""
    found = single_span.best(chain(given.emissions, given.mask, given.crf))
    return list(zip(found.start.tolist(), found.end.tolist(), strict=True))


def _decode(given: Problem) -> Callable[[], list[list[int]]]:
    machine = four_states(given.crf)

    def decode() -> list[list[int]]:
        with torch.no_grad():
            paths: list[list[int]] = machine.decode(
                state_emissions(given.emissions), mask=given.mask
            )
        return paths

    return decode


def _same_loss(exact: Loss, ours: Loss, theirs: Loss) -> str:
    """Compare with ``exact``, the peer's in float64, and tell how far its float32 is off."""
    value, gradient = _errors(ours, exact)
    if not max(value, gradient) <= TOLERANCE:
        raise DisagreementError(f"NLL differs by {value:.1e}, its gradient by {gradient:.1e}")
    single = "its float32 is off by {:.0e} and {:.0e}".format(*_errors(theirs, exact))
    return f"NLL within {value:.0e}, gradient within {gradient:.0e} of its float64; {single}"


def _errors(found: Loss, exact: Loss) -> tuple[float, float]:
    """Largest relative error of the NLLs, relative error of the gradient."""
    value = (found.value - exact.value).abs() / (1 + exact.value.abs())
    gradient = (found.gradient - exact.gradient).norm() / exact.gradient.norm()
    return float(value.max()), float(gradient)


def _same_spans(ours: list[tuple[int, int]], theirs: list[list[int]]) -> str:
    for window, (span, path) in enumerate(zip(ours, theirs, strict=True)):
        at = [place for place, state in enumerate(path) if 0 < state < AFTER]
        decoded = (at[0], at[-1]) if at else (-1, -1)
        if span != decoded:
            raise DisagreementError(f"window {window}: {span} and {decoded}")
    return f"the same span in {len(ours)} windows"


def _operations(
    name: str, peer: str, ours: Callable[[], object], theirs: Callable[[], object]
) -> Count:
    return Count("crf", f"operations of {name}", peer, operations(ours), operations(theirs), "")
