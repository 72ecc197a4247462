"""Losses of a really fine-tuned CRF in float32 and float64: why qabench computes in float64."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from material import Material
from measuring import Count, Finding
from safetensors.torch import load_file
from spanbert_crf import tagging
from spanbert_crf.chain import B, I, O
from spanbert_crf.head import CRFHead
from torch import Tensor
from torchcrf import CRF

from qabench.benchmarks.settings import BackboneSettings, WindowSettings
from qabench.data.examples import sample
from qabench.data.readers import read_file
from qabench.errors import RunError
from qabench.heads import WindowBatch
from qabench.quickstart.corpus import read_generated
from qabench.training.backbone import load_encoder, load_tokenizer
from qabench.training.model import collate
from qabench.windows.cutting import Windows, make_windows

PEER = "pytorch-crf in float32"
BATCH = 8


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A batch as the CRF sees it: float32 emissions (B, C, 3), prefix mask, gold tagging."""

    emissions: Tensor
    mask: Tensor
    start: Tensor
    end: Tensor

    @property
    def tags(self) -> Tensor:
        """(B, C) O, B or I."""
        at = torch.arange(self.mask.shape[1])
        inside = (at > self.start[:, None]) & (at <= self.end[:, None])
        return torch.where(inside, I, O).where(at != self.start[:, None], torch.tensor(B))


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """NLL (N,) of each window, and its gradient's length and distance from the exact one."""

    exact: Tensor
    ours: Tensor
    theirs: Tensor
    our_errors: Tensor
    their_errors: Tensor


def findings(material: Material) -> Iterator[Finding]:
    """Nothing without a run."""
    if material.run is None:
        return
    scored, crf = _emissions(material, material.run)
    parts = [_losses(one, crf) for one in scored]
    columns = {
        name: torch.cat([getattr(part, name) for part in parts]) for name in Losses.__slots__
    }
    losses = Losses(**columns)
    count = len(losses.exact)

    def row(name: str, ours: Tensor, theirs: Tensor, unit: str) -> Count:
        named = f"{name}, {count} windows of a fine-tuned CRF"
        return Count("confidence", named, PEER, float(ours), float(theirs), unit)

    def share(losses: Tensor) -> Tensor:
        return (losses <= 0).double().mean()

    yield row("NLL not above 0", share(losses.ours), share(losses.theirs), "share")
    for name, ours, theirs in (
        ("error of the NLL", _off(losses.ours, losses), _off(losses.theirs, losses)),
        ("error of the gradient", losses.our_errors, losses.their_errors),
    ):
        yield row(f"{name}, median", ours.median(), theirs.median(), "relative")
        yield row(f"{name}, worst of 20", ours.quantile(0.95), theirs.quantile(0.95), "relative")
        yield row(f"{name}, worst", ours.max(), theirs.max(), "relative")


def _off(found: Tensor, losses: Losses) -> Tensor:
    return (found.double() - losses.exact).abs() / losses.exact


def _losses(scored: Scored, crf: CRF) -> Losses:
    emissions = scored.emissions.requires_grad_()
    ours = tagging.negative_log_likelihood(emissions, scored.mask, crf, scored.start, scored.end)
    theirs = _pytorch_crf(emissions, scored, crf)
    precise = emissions.detach().double().requires_grad_()
    exact = _pytorch_crf(precise, scored, copy.deepcopy(crf).double())
    gradient = _gradient(exact, precise)
    return Losses(
        exact=exact.detach(),
        ours=ours.detach(),
        theirs=theirs.detach(),
        our_errors=_error(_gradient(ours, emissions), gradient),
        their_errors=_error(_gradient(theirs, emissions), gradient),
    )


def _pytorch_crf(emissions: Tensor, scored: Scored, crf: CRF) -> Tensor:
    likelihood: Tensor = crf(emissions, scored.tags, mask=scored.mask, reduction="none")
    return -likelihood


def _gradient(value: Tensor, emissions: Tensor) -> Tensor:
    gradient: Tensor = torch.autograd.grad(value.sum(), emissions)[0]
    return gradient.double()


def _error(found: Tensor, exact: Tensor) -> Tensor:
    """(B,) distance of each window's gradient, relative to its length."""
    distance, length = (one.flatten(1).square().sum(1).sqrt() for one in (found - exact, exact))
    return distance / length


def _emissions(material: Material, run: Path) -> tuple[list[Scored], CRF]:
    known = _known(run)
    model = run / "model"
    encoder = load_encoder(BackboneSettings(str(model)))
    options = known["plugin"]["options"]
    head = CRFHead(encoder.hidden_size, objective=options.get("objective", "bio"))
    head.load_state_dict(load_file(model / "head.safetensors"))
    windows = _windows(material, known, model)
    network = encoder.model.eval()
    places = range(0, len(windows), BATCH)
    order = np.argsort(-windows.total_lengths(), kind="stable")
    batches = [order[at : at + BATCH].tolist() for at in places]
    return [_batch(windows, one, network, head.eval()) for one in batches], head.crf


def _known(run: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads((run / "run.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{run} is no finished run ({error}); name the folder of one.") from error
    if known["plugin"]["name"] != "spanbert_crf":
        raise RunError(f"{run} is a run of {known['plugin']['name']}; name one of spanbert_crf.")
    return known


def _windows(material: Material, known: dict[str, Any], model: Path) -> Windows:
    data, size = known["benchmark"]["data"], known["benchmark"]["windows"]
    generated = data["source"] == "generated"
    read = read_generated(data["dev"]) if generated else read_file(Path(data["dev"]))
    examples = sample(read.examples, material.scale.windows, seed=0)
    facts = load_tokenizer(BackboneSettings(str(model)))
    return make_windows(examples, facts.encoder, facts.template, WindowSettings(**size))


def _batch(windows: Windows, chosen: Sequence[int], network: Any, head: CRFHead) -> Scored:
    arrays = collate(windows, chosen)
    types = {"token_type_ids": arrays["token_type_ids"]} if "token_type_ids" in arrays else {}
    mask = arrays["attention_mask"]
    with torch.no_grad():
        states = network(input_ids=arrays["input_ids"], attention_mask=mask.long(), **types)
        batch = WindowBatch(attention_mask=mask, context_mask=arrays["context_mask"])
        emissions, context, offset = head.emissions(states.last_hidden_state, batch)
    missing = arrays["start"] == 0
    start, end = ((arrays[name] - offset).masked_fill(missing, -1) for name in ("start", "end"))
    return Scored(emissions.clone(), context, start, end)
