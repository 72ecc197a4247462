"""Forward and backward passes and inference, beside run_qa's on the same windows and weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from material import QUICKSTART, Material
from measuring import Comparison, Count, DisagreementError, Finding, in_turns, verdict
from peers import fine_tuning
from peers.features import train_features
from spanbert_linear.head import LinearHead
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

import qabench
from qabench.training.backbone import load_encoder
from qabench.training.batches import LengthGroupedOrder, WindowDataset, collate_items, padding_share
from qabench.training.model import QAModel
from qabench.windows.cutting import Windows, make_windows

DEFAULT = "run_qa: padded to the full length, random batches"
BEST = "run_qa: dynamic padding, grouped by length"
# float32 through all layers, padded or not.
TOLERANCE = 1e-3

Order = list[list[int]]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """The same windows and weights for both ways.

    Attributes:
        model: encoder and linear head.
        peer: the same weights as transformers' question-answering model.
        padded, ragged: run_qa's features of all windows.
        grouped: batches of like length, from a whole epoch of them.
        shuffled: the same windows in random batches.
    """

    material: Material
    windows: Windows
    model: QAModel
    peer: Any
    padded: Dataset
    ragged: Dataset
    grouped: Order
    shuffled: Order

    @property
    def chosen(self) -> list[int]:
        """All windows."""
        return [window for batch in self.grouped for window in batch]

    def batches(self) -> Iterator[dict[str, Tensor]]:
        """Those of qabench."""
        data = WindowDataset(self.windows, self.material.examples)
        return iter(DataLoader(data, batch_sampler=self.grouped, collate_fn=collate_items))

    def default_batches(self) -> Iterator[dict[str, Tensor]]:
        """Those of run_qa."""
        return fine_tuning.padded_batches(self.padded, self.shuffled)

    def best_batches(self) -> Iterator[dict[str, Tensor]]:
        """Those of run_qa with its best flags."""
        saver = self.material.tokenizer.saver
        return fine_tuning.grouped_batches(self.ragged, self.grouped, saver)


def findings(material: Material) -> Iterator[Finding]:
    """All of this stage."""
    scene = _scene(material)
    tokens = int(scene.windows.total_lengths()[scene.chosen].sum())
    yield from _training(scene, tokens)
    yield _inference(scene, tokens)
    yield _padding(scene)


def _training(scene: Scene, tokens: int) -> Iterator[Finding]:
    agrees, agreement = verdict(lambda: _same_loss(scene))
    ours = partial(_train, scene.model, scene.batches)
    ways: list[Callable[[], object]] = [
        ours,
        lambda: fine_tuning.train(scene.peer.train(), scene.default_batches()),
        lambda: fine_tuning.train(scene.peer.train(), scene.best_batches()),
    ]
    plain = _without_attention_dropout(scene)
    if plain is not None:
        ways.append(partial(_train, plain, scene.batches))
    timings = in_turns(ways, min(3, scene.material.scale.repeats))
    rows = [("the same dropout", DEFAULT, 0, 1), ("the same dropout", BEST, 0, 2)]
    if plain is not None:
        rows.append(("backbone.attention_dropout = 0", DEFAULT, 3, 1))
    for name, peer, mine, other in rows:
        yield Comparison(
            "training",
            f"forward and backward, {name}",
            peer,
            timings[mine],
            timings[other],
            tokens,
            "tokens",
            agrees,
            agreement,
        )
    waits = in_turns([lambda: list(scene.batches()), lambda: list(scene.default_batches())], 3)
    waiting, their_waiting = (
        wait.median / step.median for wait, step in zip(waits, timings, strict=False)
    )
    name = "share of a step that waits for its batch"
    yield Count("training", name, DEFAULT, waiting, their_waiting, "share")


def _inference(scene: Scene, tokens: int) -> Finding:
    ours = partial(_predict, scene)
    theirs = partial(_peer_logits, scene)
    results = ours(), theirs()
    agrees, agreement = verdict(lambda: _same_spans(scene, *results))
    mine, other = in_turns([ours, theirs], min(3, scene.material.scale.repeats))
    return Comparison(
        "training", "inference", DEFAULT, mine, other, tokens, "tokens", agrees, agreement
    )


def _padding(scene: Scene) -> Finding:
    windows, size = scene.windows, scene.material.scale.batch_size
    order = list(LengthGroupedOrder(windows, size, seed=0))
    full = len(windows) * scene.material.windows.max_length
    return Count(
        "training",
        "padding in an epoch's batches",
        DEFAULT,
        padding_share(windows, order, size),
        1 - float(windows.total_lengths().sum()) / full,
        "share",
    )


def _scene(material: Material) -> Scene:
    facts, size, scale = material.tokenizer, material.windows, material.scale
    windows = make_windows(material.examples, facts.encoder, facts.template, size)
    rows = Dataset.from_dict(material.rows())
    prepare = partial(train_features, rows, facts.saver, size.max_length, size.overlap)
    encoder = load_encoder(material.backbone)
    peer = fine_tuning.load_model(_folder(material))
    head = LinearHead(encoder.hidden_size)
    head.project.load_state_dict(peer.qa_outputs.state_dict())
    grouped = _some_batches(windows, scale.steps, scale.batch_size)
    chosen = np.random.default_rng(0).permutation([one for batch in grouped for one in batch])
    return Scene(
        material=material,
        windows=windows,
        model=QAModel(encoder.model, head, 1, material.answers.max_answer_tokens),
        peer=peer,
        padded=prepare(),
        ragged=prepare(padding=False),
        grouped=grouped,
        shuffled=chosen.reshape(len(grouped), -1).tolist(),
    )


def _folder(material: Material) -> str:
    if material.backbone.name != QUICKSTART:
        return material.backbone.name
    return str(Path(qabench.__file__).parent / "quickstart" / "encoder")


def _some_batches(windows: Windows, count: int, size: int) -> Order:
    """Batches of one epoch, from the shortest to the longest."""
    order = list(LengthGroupedOrder(windows, size, seed=0))
    whole = [order[at : at + size] for at in range(0, len(order) - size + 1, size)]
    lengths = windows.total_lengths()
    whole.sort(key=lambda batch: int(lengths[batch].sum()))
    places = np.linspace(0, len(whole), 2 * count + 1)[1::2].astype(int)
    return [whole[place] for place in places]


def _without_attention_dropout(scene: Scene) -> QAModel | None:
    """The model without it; ``None`` where it has none anyway."""
    rate = getattr(scene.peer.config, "attention_probs_dropout_prob", 0.0)
    if not rate:
        return None
    encoder = load_encoder(replace(scene.material.backbone, attention_dropout=0.0))
    return QAModel(encoder.model, scene.model.head, 1, scene.model.max_answer_tokens)


def _train(model: QAModel, batches: Callable[[], Iterator[dict[str, Tensor]]]) -> None:
    model.train()
    for batch in batches():
        model.zero_grad()
        model(**batch)["loss"].backward()


def _predict(scene: Scene) -> list[dict[str, Tensor]]:
    scene.model.eval()
    with torch.inference_mode():
        return [scene.model(**batch) for batch in scene.batches()]


def _peer_logits(scene: Scene) -> list[tuple[Tensor, Tensor]]:
    return fine_tuning.logits(scene.peer.eval(), scene.default_batches())


def _legal_logits(scene: Scene, window: int, row: Tensor) -> Tensor:
    """A peer's logits (L,) of a window, ``-inf`` where no answer may begin or end."""
    first = int(scene.windows.context_position()[window])
    legal = torch.zeros(len(row), dtype=torch.bool)
    legal[first : first + int(scene.windows.length[window])] = True
    legal[0] = True
    return row.masked_fill(~legal, float("-inf"))


def _same_loss(scene: Scene) -> str:
    """Without dropout the losses over the context are the same, however batches are padded."""
    outputs = _predict(scene)
    ours = float(torch.stack([one["loss"] for one in outputs]).mean())
    losses = []
    for batch, (start, end) in zip(scene.shuffled, _peer_logits(scene), strict=True):
        for window, logits in zip(batch, torch.stack([start, end], 1), strict=True):
            golds = scene.windows.start[window], scene.windows.end[window]
            for row, gold in zip(logits, golds, strict=True):
                legal = _legal_logits(scene, window, row)
                losses.append(cross_entropy(legal[None], torch.tensor([int(gold)])))
    theirs = float(torch.stack(losses).mean())
    if not abs(ours - theirs) <= TOLERANCE * theirs:
        raise DisagreementError(f"losses over the context are {ours:.6f} and {theirs:.6f}")
    batches = scene.default_batches()
    with torch.inference_mode():
        padded = sum(float(scene.peer(**batch).loss) for batch in batches) / len(scene.shuffled)
    return (
        f"without dropout the loss over the context is {ours:.5f} and {theirs:.5f}; "
        f"run_qa's own, over padding too, is {padded:.3f}"
    )


def _same_spans(
    scene: Scene, ours: Sequence[dict[str, Tensor]], theirs: Sequence[tuple[Tensor, Tensor]]
) -> str:
    """The best span of each window scores the same on both sides, and so does no answer."""
    mine = {
        window: (score, null)
        for one in ours
        for window, score, null in zip(
            one["window"].tolist(),
            one["score"][:, 0].tolist(),
            one["null_score"].tolist(),
            strict=True,
        )
    }
    off = 0.0
    for batch, (starts, ends) in zip(scene.shuffled, theirs, strict=True):
        for window, start, end in zip(batch, starts, ends, strict=True):
            best = _best(scene, window, start, end)
            null = float(start[0] + end[0])
            off = max(off, abs(mine[window][0] - best), abs(mine[window][1] - null))
    if not off <= TOLERANCE:
        raise DisagreementError(f"scores of the best spans differ by {off:.1e}")
    return f"best spans and null scores of {len(mine)} windows within {off:.0e}"


def _best(scene: Scene, window: int, start: Tensor, end: Tensor) -> float:
    legal = [_legal_logits(scene, window, row) for row in (start, end)]
    pairs = legal[0][:, None] + legal[1]
    pairs[0] = float("-inf")
    longest = min(scene.material.answers.max_answer_tokens, len(start))
    return max(float(pairs.diagonal(offset).max()) for offset in range(longest))
