"""Questions to windows, beside run_qa's ``map``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from datasets import Dataset
from material import Material
from measuring import Bench, DisagreementError, Finding, doublings
from numpy.typing import NDArray
from peers.features import train_features, validation_features
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from qabench.benchmarks.settings import BackboneSettings, WindowSettings
from qabench.data.examples import QAExample
from qabench.training.backbone import TokenizerFacts, load_tokenizer
from qabench.windows.cutting import Windows, make_windows

PEER = "run_qa: Dataset.map"
Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Questions to be cut, for both ways."""

    examples: tuple[QAExample, ...]
    rows: Dataset
    tokenizer: TokenizerFacts
    settings: WindowSettings

    def ours(self) -> Windows:
        """The way of qabench."""
        facts = self.tokenizer
        return make_windows(self.examples, facts.encoder, facts.template, self.settings)

    def theirs(self, features: Callable[..., Dataset]) -> Dataset:
        """run_qa's way."""
        size = self.settings
        return features(self.rows, self.tokenizer.saver, size.max_length, size.overlap)


def findings(material: Material) -> Iterator[Finding]:
    """All of this stage."""
    bench = Bench("windows", material.scale.repeats)
    rows = Dataset.from_dict(material.rows())
    given = Task(material.examples, rows, material.tokenizer, material.windows)
    pairs = byte_pairs(material, rows)
    size = (len(rows), "questions")
    for name, task in (("the encoder's tokenizer", given), ("byte-level BPE", pairs)):
        yield bench.compare(
            f"training windows, {name}",
            PEER,
            task.ours,
            partial(task.theirs, train_features),
            same_training_windows,
            size,
        )
    yield bench.compare(
        "validation windows, the encoder's tokenizer",
        PEER,
        given.ours,
        partial(given.theirs, validation_features),
        partial(same_validation_windows, given.examples),
        size,
    )
    yield from _growth(bench, given, material.scale.doublings)


def _growth(bench: Bench, task: Task, steps: int) -> Iterator[Finding]:
    """Time by the number of questions, and by the length of contexts."""
    many = len(task.examples)
    yield bench.growth(
        "number of questions",
        "questions",
        doublings(many, steps),
        lambda n: replace(task, examples=task.examples[:n]).ours,
    )
    texts = list(dict.fromkeys(one.context for one in task.examples))

    def of_length(joined: int) -> Callable[[], Windows]:
        count = len(texts) >> (steps - 1)
        long = [
            QAExample(str(at), "Who?", " ".join(texts[at * joined : (at + 1) * joined]), ())
            for at in range(count)
        ]
        return replace(task, examples=tuple(long)).ours

    yield bench.growth(
        "length of contexts", "contexts joined", doublings(1 << (steps - 1), steps), of_length
    )


def byte_pairs(material: Material, rows: Dataset) -> Task:
    """A byte-level BPE tokenizer like RoBERTa's, learned from the contexts."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=8000,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    contexts = dict.fromkeys(one.context for one in material.examples)
    tokenizer.train_from_iterator(contexts, trainer)
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    folder = material.folder / "byte_pairs"
    names = {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    saved = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_input_names=["input_ids", "attention_mask"], **names
    )
    saved.save_pretrained(folder)
    facts = load_tokenizer(BackboneSettings(str(folder)))
    # One special token more stands around a pair than BERT has.
    room = material.windows.max_question_tokens - 1
    settings = replace(material.windows, max_question_tokens=room)
    return Task(material.examples, rows, facts, settings)


def same_training_windows(ours: Windows, theirs: Dataset) -> str:
    """Equal ids, masks and types; equal labels but for run_qa's fault at a window's last token."""
    same_tokens(ours, theirs)
    start, end = (np.array(theirs[f"{name}_positions"]) for name in ("start", "end"))
    differ = np.flatnonzero((ours.start != start) | (ours.end != end))
    behind = (start > end)[differ] & (ours.end == end)[differ] & (ours.start == end)[differ]
    halves = _same_characters(ours, differ, start, end)
    wrong = differ[~(behind | halves)]
    if len(wrong):
        raise DisagreementError(
            f"labels differ in {len(wrong)} windows (first: window {wrong[0]}, "
            f"({ours.start[wrong[0]]}, {ours.end[wrong[0]]}) and "
            f"({start[wrong[0]]}, {end[wrong[0]]}))"
        )
    faults = int(behind.sum())
    split = len(differ) - faults
    told = f"{len(ours)} windows: ids, masks and labels equal"
    if faults:
        told += f" but {faults} that run_qa starts behind their end (its fault)"
    if split:
        told += f"; {split} labels are in another token of the same character"
    return told


def _same_characters(ours: Windows, chosen: Longs, start: Longs, end: Longs) -> NDArray[np.bool_]:
    """Whether both labels of each window begin, and end, in the same character: byte-level tokens
    may hold parts of one.
    """
    legal = (ours.start[chosen] > 0) & (start[chosen] > 0) & (start[chosen] <= end[chosen])
    rows = chosen[legal]
    same = np.zeros(len(chosen), bool)
    same[legal] = _share_a_character(ours, rows, ours.start[rows], start[rows])
    same[legal] &= _share_a_character(ours, rows, ours.end[rows], end[rows])
    return same


def _share_a_character(
    ours: Windows, rows: Longs, one: NDArray[np.integer], other: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Whether tokens of two positions overlap."""
    (low, high), (low_2, high_2) = (ours.code_points(rows, at, at) for at in (one, other))
    shared: NDArray[np.bool_] = (low < high_2) & (low_2 < high)
    return shared


def same_validation_windows(examples: tuple[QAExample, ...], ours: Windows, theirs: Dataset) -> str:
    """Equal ids, masks and types, offsets within the context, and questions."""
    same_tokens(ours, theirs)
    position = ours.context_position()
    for window, (id, offsets) in enumerate(
        zip(theirs["example_id"], theirs["offset_mapping"], strict=True)
    ):
        places = position[window] + np.arange(ours.length[window])
        starts, ends = ours.code_points(np.full(len(places), window), places, places)
        wanted = np.array([one for one in offsets if one is not None])
        if examples[ours.example[window]].id != id or not np.array_equal(
            wanted, np.stack([starts, ends], 1)
        ):
            raise DisagreementError(f"offsets of window {window} differ")
    return f"{len(ours)} windows: ids, masks, offsets and questions equal"


def same_tokens(ours: Windows, theirs: Dataset) -> None:
    """Raise unless all windows have the same ids, masks and types."""
    if len(ours) != len(theirs):
        raise DisagreementError(f"{len(ours)} and {len(theirs)} windows")
    columns: Any = theirs.with_format("numpy")
    padded, masks = columns["input_ids"][:], columns["attention_mask"][:]
    typed = "token_type_ids" in theirs.column_names
    types = columns["token_type_ids"][:] if typed else [None] * len(ours)
    for window, (row, mask, kinds) in enumerate(zip(padded, masks, types, strict=True)):
        ids, ours_types = ours.token_ids(window)
        length = len(ids)
        same = np.array_equal(row[:length], ids) and (row[length:] == ours.template.pad_id).all()
        same = same and mask[:length].all() and not mask[length:].any()
        if ours_types is not None:
            same = same and np.array_equal(kinds[:length], ours_types)
        if not same:
            raise DisagreementError(f"tokens of window {window} differ")
