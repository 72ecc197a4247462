"""Encoder and head as one module, its batches, and its files: safetensors and JSON only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from qabench.base.files import draft_of, settle, writing
from qabench.heads import Head, LabelledBatch, SpanScores, WindowBatch
from qabench.plugins.guarding import guarded
from qabench.windows.cutting import Windows


class QAModel(nn.Module):
    """An encoder whose states go into a head, which computes in float32 outside autocast.

    Shapes: B windows, L positions of the longest, H hidden size, K spans.

    Args:
        encoder: returns ``last_hidden_state`` (B, L, H).
        head: is trained with it.
        n_best: spans per window that prediction returns.
        max_answer_tokens: longest span, in tokens.
        owner: the head's plugin and version, to begin a sentence about what it raises.
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: Head,
        n_best: int,
        max_answer_tokens: int,
        owner: str = "The head",
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.n_best = n_best
        self.max_answer_tokens = max_answer_tokens
        self.owner = owner

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        context_mask: Tensor,
        window: Tensor,
        start: Tensor | None = None,
        end: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The loss, where golds are given; in eval mode also the windows and the best spans.

        The head is asked for its spans before it gets the golds.

        Args:
            input_ids: (B, L) int64.
            attention_mask: (B, L) bool.
            context_mask: (B, L) bool.
            window: (B,) int64 window indices, which are returned.
            start: (B,) int64 gold position, for the loss only.
            end: (B,) int64 gold position, for the loss only.
            token_type_ids: (B, L) int64, where the encoder has token types.
        """
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        encoded = self.encoder(input_ids=input_ids, attention_mask=attention_mask.long(), **types)
        with torch.autocast(device_type=input_ids.device.type, enabled=False):
            states = encoded.last_hidden_state.float()
            found: dict[str, Tensor] = {}
            if not self.training:
                masks = WindowBatch(attention_mask, context_mask)
                with self._guarded("spans"):
                    spans = self.head.spans(states, masks, self.n_best, self.max_answer_tokens)
                found |= {"window": window, **_as_dict(spans)}
            if start is not None and end is not None:
                labelled = LabelledBatch(attention_mask, context_mask, start, end)
                with self._guarded("loss"):
                    found["loss"] = self.head.loss(states, labelled)
        return found

    def _guarded(self, call: str) -> AbstractContextManager[None]:
        # A compiler cannot look into handlers of errors.
        compiling = torch.compiler.is_compiling()
        return nullcontext() if compiling else guarded(self.owner, call)


def _as_dict(spans: SpanScores) -> dict[str, Tensor]:
    return {
        "start": spans.start,
        "end": spans.end,
        "score": spans.score,
        "null_score": spans.null_score,
    }


def collate(windows: Windows, indices: Sequence[int]) -> dict[str, Tensor]:
    """The model's arguments for these windows, padded to the longest of them."""
    rows = [windows.token_ids(index) for index in indices]
    chosen = np.asarray(indices, np.int64)
    longest = max(len(ids) for ids, _ in rows)
    input_ids = np.full((len(rows), longest), windows.template.pad_id, np.int64)
    token_types = np.zeros((len(rows), longest), np.int64)
    for row, (ids, types) in enumerate(rows):
        input_ids[row, : len(ids)] = ids
        if types is not None:
            token_types[row, : len(ids)] = types
    position = np.arange(longest)
    context = windows.context_position()[chosen][:, None]
    length = windows.length[chosen][:, None]
    arrays: dict[str, Any] = {
        "input_ids": input_ids,
        "attention_mask": position < windows.total_lengths()[chosen][:, None],
        "context_mask": (position >= context) & (position < context + length),
        "start": windows.start[chosen].astype(np.int64),
        "end": windows.end[chosen].astype(np.int64),
        "window": chosen,
    }
    if windows.template.types is not None:
        arrays["token_type_ids"] = token_types
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def save_model(model: QAModel, tokenizer: Any, identity: Mapping[str, Any], folder: Path) -> None:
    """Write a model's folder, whole or not at all.

    Args:
        model: of which encoder and head are saved.
        tokenizer: of transformers.
        identity: what run this is, for ``qabench.json``.
        folder: gets encoder and tokenizer as transformers saves them, ``head.safetensors`` and
            ``qabench.json``; one that exists is replaced.

    Raises:
        RunError: the disk is full, or the folder cannot be written.
    """
    draft = draft_of(folder)
    with writing(folder):
        model.encoder.save_pretrained(draft)  # type: ignore[operator]
        tokenizer.save_pretrained(draft)
        save_file(
            {name: value.contiguous() for name, value in model.head.state_dict().items()},
            draft / "head.safetensors",
            metadata={"format": "pt"},
        )
        (draft / "qabench.json").write_text(json.dumps(identity, indent=2), "utf-8")
        settle(draft, folder)
