"""``python -m qabench.pretraining FOLDER``: make the encoder of the quickstart.

A tiny BERT learns to answer questions about other domains than the benchmark's; no paragraph is
used twice. The objective favours no head: the negative log-likelihoods of start and end and of the
O/B/I tags, both in nats per window, have equal weight. Everything follows from the seed and the
number of steps; an interrupted pretraining resumes from its last checkpoint with the same result.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm
from transformers import BertConfig, BertModel

from qabench.base.files import sha256, write_json
from qabench.base.json_files import parse_json, read_json
from qabench.benchmarks.settings import BackboneSettings, WindowSettings
from qabench.data.audit import audit
from qabench.pretraining.domains import PRETRAINING
from qabench.pretraining.open_relations import open_relations
from qabench.pretraining.structure import structured_bert
from qabench.pretraining.vocabulary import write_tokenizer
from qabench.quickstart.chance import Chance
from qabench.quickstart.corpus import records
from qabench.quickstart.paragraphs import Paragraph, Shape, paragraph
from qabench.quickstart.values import Pool, Values
from qabench.training.backbone import TokenizerFacts, load_tokenizer
from qabench.training.model import collate
from qabench.windows.cutting import Windows, make_windows

WINDOWS = WindowSettings(max_length=128, overlap=32, max_question_tokens=32)
_EASY = Shape(facts=(2, 4), long=0.0, unanswerable=0.05, pair=0.1, adjunct=0.1)
# Steps for which paragraphs are generated together; checkpoints are written between them.
_STEPS_TO_CHECKPOINT = 250


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that determines the encoder."""

    seed: int = 0
    steps: int = 18_000
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    # Shares of all steps: easy paragraphs at the beginning, a falling learning rate at the end.
    easy: float = 0.15
    decay: float = 0.4
    hidden_size: int = 96
    layers: int = 3
    heads: int = 4
    feed_forward: int = 384
    vocabulary: int = 3000

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        warm = min(1.0, (step + 1) / self.warmup_steps)
        return self.learning_rate * warm * min(1.0, (self.steps - step) / (self.decay * self.steps))


class PretrainingModel(nn.Module):
    """The encoder with a start/end layer and an O/B/I layer, which are discarded afterwards."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.spans = nn.Linear(encoder.config.hidden_size, 2)
        self.tags = nn.Linear(encoder.config.hidden_size, 3)
        for layer in (self.spans, self.tags):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            # Nearly every token is outside an answer.
            self.tags.bias.copy_(torch.tensor([4.0, -1.0, 0.0]))

    def logits(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Start and end logits (B, L, 2), ``-inf`` where illegal, and tag logits (B, L, 3)."""
        states = self.encoder(
            input_ids=batch["input_ids"],
            token_type_ids=batch["token_type_ids"],
            attention_mask=batch["attention_mask"].long(),
        ).last_hidden_state
        legal = batch["context_mask"].clone()
        legal[:, 0] = True
        spans = self.spans(states).masked_fill(~legal.unsqueeze(2), float("-inf"))
        return spans, self.tags(states)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Mean of both negative log-likelihoods, in nats per window."""
        spans, tags = self.logits(batch)
        start, end = batch["start"], batch["end"]
        entropy = nn.functional.cross_entropy
        span_loss = entropy(spans[..., 0], start) + entropy(spans[..., 1], end)
        position = torch.arange(tags.shape[1])
        inside = (position > start.unsqueeze(1)) & (position <= end.unsqueeze(1))
        inside &= (start > 0).unsqueeze(1)
        gold = inside.long() * 2
        gold[torch.arange(len(start)), start] = (start > 0).long()
        context = batch["context_mask"]
        tag_loss = entropy(tags[context], gold[context], reduction="sum") / len(start)
        return (span_loss + tag_loss) / 2


def fresh_windows(
    seed: int, number: int, windows: int, shape: Shape, tokenizer: TokenizerFacts
) -> Windows:
    """At least ``windows`` windows of new paragraphs; every ``number`` gives others."""
    values = Values(Chance(seed * 1_000_003 + number), Pool.PRETRAINING)
    made: list[Paragraph] = []
    # Nearly every question has one or two windows.
    while sum(len(one.questions) for one in made) < windows:
        made.append(_paragraph(values, shape))
    found = audit(records(made, str(number)), "pretraining")
    return make_windows(found.examples, tokenizer.encoder, tokenizer.template, WINDOWS)


def _paragraph(values: Values, shape: Shape) -> Paragraph:
    chance = values.chance
    domain = chance.pick(PRETRAINING)
    known = chance.draw(domain.relations, chance.between(0, 9))
    relations = [*known, *open_relations(values, 12 - len(known))]
    return paragraph(domain, relations, values, shape)


def batches(windows: Windows, size: int, n: int, seed: int) -> Iterator[dict[str, Tensor]]:
    """``n`` batches of windows of similar length, in random order.

    In fine-tuning, lengths fall within each fifty batches; at this learning rate it is better if
    long and short batches alternate.
    """
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(windows))[: n * size]
    # Sorting within sixteen batches keeps padding small and lengths mixed.
    blocks = [chosen[i : i + 16 * size] for i in range(0, len(chosen), 16 * size)]
    lengths = windows.total_lengths()
    ordered = np.concatenate([block[np.argsort(lengths[block], kind="stable")] for block in blocks])
    for index in random.permutation(n):
        yield collate(windows, ordered[index * size : (index + 1) * size].tolist())


class Pretraining:
    """A pretraining at some step, with its checkpoint in a folder."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.recipe = recipe
        self.checkpoint = folder / "checkpoint.safetensors"
        self.step = 0
        write_tokenizer(folder, recipe.vocabulary)
        self.tokenizer = load_tokenizer(BackboneSettings(str(folder)))
        config = BertConfig(
            vocab_size=recipe.vocabulary,
            hidden_size=recipe.hidden_size,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            intermediate_size=recipe.feed_forward,
            max_position_embeddings=WINDOWS.max_length,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        torch.manual_seed(recipe.seed)
        self.model = PretrainingModel(structured_bert(config, recipe.seed))
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
        )
        if self.checkpoint.exists():
            self._load()

    def advance(self) -> Iterator[float]:
        """Train up to the next checkpoint and write it; yield the loss of each step."""
        recipe = self.recipe
        shape = _EASY if self.step < recipe.easy * recipe.steps else Shape()
        n = min(_STEPS_TO_CHECKPOINT, recipe.steps - self.step)
        number = self.step // _STEPS_TO_CHECKPOINT
        windows = n * recipe.batch_size
        fresh = fresh_windows(recipe.seed, number, windows, shape, self.tokenizer)
        self.model.train()
        for batch in batches(fresh, recipe.batch_size, n, number):
            for group in self.optimizer.param_groups:
                group["lr"] = recipe.rate(self.step)
            loss = self.model(batch)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.step += 1
            yield loss.item()
        self._save()

    @cached_property
    def held_out(self) -> Windows:
        """Some thousand windows that are never trained on."""
        return fresh_windows(self.recipe.seed + 1, 0, 1000, Shape(), self.tokenizer)

    @torch.no_grad()
    def exact(self) -> float:
        """Share of held-out windows, in percent, whose most likely start and end are both right."""
        self.model.eval()
        right, n = 0, len(self.held_out) // 50
        for batch in batches(self.held_out, 50, n, 0):
            spans, _ = self.model.logits(batch)
            start, end = spans.argmax(1).unbind(1)
            right += int(((start == batch["start"]) & (end == batch["end"])).sum())
        return 100 * right / (n * 50)

    def _save(self) -> None:
        state = {f"model.{name}": one for name, one in self.model.state_dict().items()}
        for i, moments in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{i}.{name}": one for name, one in moments.items()}
        metadata = {"step": str(self.step), "recipe": json.dumps(asdict(self.recipe))}
        unfinished = self.checkpoint.with_suffix(".tmp")
        save_file(state, unfinished, metadata)
        unfinished.replace(self.checkpoint)

    def _load(self) -> None:
        with safe_open(self.checkpoint, "pt") as file:
            metadata = file.metadata()
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if parse_json(metadata["recipe"], str(self.checkpoint)) != asdict(self.recipe):
            raise SystemExit(
                f"{self.checkpoint} was made with another seed or number of steps; choose another "
                f"folder."
            )
        self.step = int(metadata["step"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in state.items():
            place, _, rest = name.partition(".")
            if place == "optimizer":
                i, _, what = rest.partition(".")
                moments.setdefault(int(i), {})[what] = value
        self.model.load_state_dict(
            {k.removeprefix("model."): v for k, v in state.items() if k.startswith("model.")}
        )
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})

    def finish(self, folder: Path) -> None:
        """Write the encoder in half precision, and the facts of its pretraining."""
        encoder = self.model.encoder
        exact = self.exact()
        encoder.half().save_pretrained(folder)
        config = read_json(folder / "config.json")
        # Stored in half precision, but meant to be trained in single precision.
        write_json(folder / "config.json", config | {"dtype": "float32"})
        facts = {
            "recipe": asdict(self.recipe),
            "held_out_exact": round(exact, 2),
            "versions": {
                name: importlib.metadata.version(name)
                for name in ("numpy", "tokenizers", "torch", "transformers")
            },
            "sha256": {
                name: sha256(folder / name) for name in ("model.safetensors", "tokenizer.json")
            },
        }
        write_json(folder / "pretraining.json", facts)


def main(arguments: list[str] | None = None) -> None:
    """Parse the arguments, and pretrain with a progress bar."""
    parser = argparse.ArgumentParser(prog="python -m qabench.pretraining")
    parser.add_argument("folder", type=Path, help="where encoder and checkpoint go")
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--threads", type=int, default=1, help="one is bit-repeatable")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    given.folder.mkdir(parents=True, exist_ok=True)
    recipe = replace(Recipe(), seed=given.seed, steps=given.steps)
    pretraining = Pretraining(recipe, given.folder)
    with tqdm(total=recipe.steps, initial=pretraining.step, unit="step") as bar:
        while pretraining.step < recipe.steps:
            losses = []
            for loss in pretraining.advance():
                losses.append(loss)
                bar.update()
            bar.set_postfix(loss=f"{np.mean(losses):.3f}", held_out=f"{pretraining.exact():.1f}")
    pretraining.finish(given.folder)
