"""run_qa's way to prepare features: a tokenizer with overflow inside ``datasets.Dataset.map``.

Behaviour of the question-answering example of transformers: pairs are tokenized again for every
question, padded to the full length, and labels are found by a loop over each feature's offsets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from datasets import Dataset

Batch = dict[str, list[Any]]


def train_features(
    rows: Dataset,
    tokenizer: Any,
    max_length: int,
    stride: int,
    padding: str | bool = "max_length",
) -> Dataset:
    """Input ids, masks and gold positions of every window.

    Args:
        rows: the questions.
        tokenizer: a fast one of transformers.
        max_length: of a window, in tokens.
        stride: tokens that neighbouring windows share.
        padding: as the tokenizer takes it.
    """

    def prepare(batch: Batch) -> Any:
        encoded = _encode(batch, tokenizer, max_length, stride, padding)
        example_of = encoded.pop("overflow_to_sample_mapping")
        offsets = encoded.pop("offset_mapping")
        encoded["start_positions"] = []
        encoded["end_positions"] = []
        for feature, spans in enumerate(offsets):
            gold = batch["answers"][example_of[feature]]
            null = encoded["input_ids"][feature].index(tokenizer.cls_token_id)
            parts = encoded.sequence_ids(feature)
            start, end = _label(gold, spans, parts, null)
            encoded["start_positions"].append(start)
            encoded["end_positions"].append(end)
        return encoded

    return _map(rows, prepare)


def validation_features(rows: Dataset, tokenizer: Any, max_length: int, stride: int) -> Dataset:
    """Input ids and masks of every window, its question's id, and offsets within the context."""

    def prepare(batch: Batch) -> Any:
        encoded = _encode(batch, tokenizer, max_length, stride, "max_length")
        example_of = encoded.pop("overflow_to_sample_mapping")
        encoded["example_id"] = []
        for feature in range(len(encoded["input_ids"])):
            parts = encoded.sequence_ids(feature)
            encoded["example_id"].append(batch["id"][example_of[feature]])
            encoded["offset_mapping"][feature] = [
                span if parts[at] == 1 else None
                for at, span in enumerate(encoded["offset_mapping"][feature])
            ]
        return encoded

    return _map(rows, prepare)


def _encode(batch: Batch, tokenizer: Any, max_length: int, stride: int, padding: str | bool) -> Any:
    return tokenizer(
        [question.lstrip() for question in batch["question"]],
        batch["context"],
        truncation="only_second",
        max_length=max_length,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding=padding,
    )


def _map(rows: Dataset, prepare: Callable[[Batch], Any]) -> Dataset:
    return rows.map(
        prepare,
        batched=True,
        remove_columns=rows.column_names,
        keep_in_memory=True,
        load_from_cache_file=False,
    )


def _label(
    gold: dict[str, list[Any]],
    spans: list[tuple[int, int]],
    parts: list[int | None],
    null: int,
) -> tuple[int, int]:
    if not gold["answer_start"]:
        return null, null
    from_ = gold["answer_start"][0]
    to = from_ + len(gold["text"][0])
    first = 0
    while parts[first] != 1:
        first += 1
    last = len(parts) - 1
    while parts[last] != 1:
        last -= 1
    if spans[first][0] > from_ or spans[last][1] < to:
        return null, null
    # The walk to the start is bounded by the feature, not by the context: behind the last context
    # token stand special tokens and padding with offsets (0, 0), over which it runs on.
    while first < len(spans) and spans[first][0] <= from_:
        first += 1
    while spans[last][1] >= to:
        last -= 1
    return first - 1, last + 1
