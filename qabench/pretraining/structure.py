"""Initial weights with which a tiny BERT can match words and look at neighbours before training.

From plain random weights, an encoder of this size learns nothing from question answering in the
time available. Here the hidden dimensions are divided into words, segment and position. In every
layer half of the attention heads attend to equal tokens, preferably of the other segment, and half
to tokens at a fixed distance. Every weight is trained, and the result is an ordinary ``BertModel``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import BertConfig, BertModel

_POSITION_DIMENSIONS = 32
_MATCH, _SEGMENT, _OFFSET, _POSITION = 1.4, 1.5, 1.7, 1.4
_PERIODS = (math.tau / 1.6, 90.0)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which hidden dimensions hold words (first), the segment (next) and positions (last)."""

    hidden: int

    @property
    def words(self) -> int:
        return self.hidden - _POSITION_DIMENSIONS - 2

    @property
    def segment(self) -> int:
        return self.words

    @property
    def sines(self) -> slice:
        first = self.words + 2
        return slice(first, first + _POSITION_DIMENSIONS // 2)

    @property
    def cosines(self) -> slice:
        return slice(self.sines.stop, self.hidden)


def structured_bert(config: BertConfig, seed: int) -> BertModel:
    """A :class:`BertModel` without pooler, initialised as this module describes."""
    model = BertModel(config, add_pooling_layer=False)
    layout = _Layout(config.hidden_size)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        _embeddings(model.embeddings, layout, random)
        # To the type checker, attributes of modules are tensors.
        stack: Any = model.encoder
        for depth, layer in enumerate(stack.layer, start=1):
            attention = layer.attention.self
            _attention(attention, depth, config.num_attention_heads, layout, random)
            attention.value.weight.copy_(_normal(random, attention.value.weight))
            _write_to_words(layer.attention.output.dense.weight, layout, random, 1.0)
            layer.intermediate.dense.weight.copy_(_normal(random, layer.intermediate.dense.weight))
            _write_to_words(layer.output.dense.weight, layout, random, 0.5)
    return model


def _normal(random: torch.Generator, like: Tensor) -> Tensor:
    """Normal weights that keep the variance of their input."""
    return torch.randn(like.shape, generator=random) / math.sqrt(like.shape[1])


def _write_to_words(weight: Tensor, layout: _Layout, random: torch.Generator, scale: float) -> None:
    """Let a layer write to the word dimensions, and hardly to segment and position."""
    weight.copy_(_normal(random, weight) * scale)
    weight[layout.words :] *= 0.1


def _frequencies() -> Tensor:
    """(16,) angular frequencies of the position dimensions, per token."""
    shortest, longest = _PERIODS
    low, high = math.log(math.tau / shortest), math.log(math.tau / longest)
    return torch.linspace(low, high, _POSITION_DIMENSIONS // 2).exp()


def _embeddings(embeddings: Any, layout: _Layout, random: torch.Generator) -> None:
    words = embeddings.word_embeddings.weight
    words.copy_(torch.randn(words.shape, generator=random))
    words[:, layout.words :] *= 0.05
    positions = embeddings.position_embeddings.weight
    angles = torch.arange(len(positions)).unsqueeze(1) * _frequencies()
    positions.zero_()
    positions[:, layout.sines] = angles.sin() * _POSITION
    positions[:, layout.cosines] = angles.cos() * _POSITION
    types = embeddings.token_type_embeddings.weight
    types.copy_(torch.randn(types.shape, generator=random) * 0.02)
    types[0, layout.segment], types[1, layout.segment] = _SEGMENT, -_SEGMENT


def _attention(
    attention: Any,
    depth: int,
    heads: int,
    layout: _Layout,
    random: torch.Generator,
) -> None:
    query, key = attention.query.weight, attention.key.weight
    for weight in (query, key):
        weight.copy_(torch.randn(weight.shape, generator=random) * 0.02)
    size = layout.hidden // heads
    for head in range(heads):
        rows = slice(head * size, (head + 1) * size)
        if head < heads // 2:
            _match(query[rows], key[rows], layout, random)
        else:
            _look_aside(query[rows], key[rows], depth * (-1 if head % 2 == 0 else 1), layout)


def _match(query: Tensor, key: Tensor, layout: _Layout, random: torch.Generator) -> None:
    """Equal words attend to each other; the last row prefers the other segment."""
    size = len(query) - 1
    directions = torch.linalg.qr(torch.randn(layout.words, size, generator=random))[0].T
    for weight in (query, key):
        weight[:size, : layout.words] = directions * _MATCH
        weight[size] = 0.0
    query[size, layout.segment], key[size, layout.segment] = -_SEGMENT, _SEGMENT


def _look_aside(query: Tensor, key: Tensor, distance: int, layout: _Layout) -> None:
    """Attend to the token at ``distance``: the query's position is rotated by it."""
    pairs = min(_POSITION_DIMENSIONS // 2, len(query) // 2)
    query[: 2 * pairs], key[: 2 * pairs] = 0.0, 0.0
    for i, frequency in enumerate(_frequencies()[:pairs].tolist()):
        cosine, sine = math.cos(distance * frequency), math.sin(distance * frequency)
        at_sine, at_cosine = layout.sines.start + i, layout.cosines.start + i
        query[2 * i, at_sine], query[2 * i, at_cosine] = cosine * _OFFSET, sine * _OFFSET
        query[2 * i + 1, at_sine], query[2 * i + 1, at_cosine] = -sine * _OFFSET, cosine * _OFFSET
        key[2 * i, at_sine], key[2 * i + 1, at_cosine] = _OFFSET, _OFFSET
