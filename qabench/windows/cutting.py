"""Examples to overflow windows: every distinct text is tokenized once, all else is arithmetic.

A window is ``[CLS] question [SEP] context part [SEP]``, or whatever the tokenizer puts around a
pair. Windows are the same as those of ``tokenizer(question, context, truncation="only_second",
stride=overlap, return_overflowing_tokens=True)``, with the question stripped and clipped first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qabench.base.arrays import Ints, Longs
from qabench.benchmarks.settings import WindowSettings
from qabench.data.examples import GoldAnswer, QAExample
from qabench.errors import BenchmarkError
from qabench.windows.tokenization import Texts, Tokenizer, tokenize


@dataclass(frozen=True, slots=True)
class PairTemplate:
    """The special tokens around a question and a context, and the token types of each part."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    pad_id: int
    # Token types of before, question, between, context, after; None: the encoder has no types.
    types: tuple[int, int, int, int, int] | None

    @property
    def special_tokens(self) -> int:
        """How many special tokens a window holds."""
        return len(self.before) + len(self.between) + len(self.after)


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """What cutting did to the questions, for the report.

    Attributes:
        windows: how many windows there are.
        tokens: their tokens, with special tokens, without padding.
        questions_with_overflow: questions of more than one window.
        clipped_questions: questions cut to ``max_question_tokens``.
        questions_without_window: questions whose context has no token at all (they get no answer).
        golds_outside_windows: answerable questions whose gold is not whole in any window.
        golds_not_on_token_borders: answerable questions whose gold does not begin and end with
            a token, so that its window span is longer than the gold.
    """

    windows: int
    tokens: int
    questions_with_overflow: int
    clipped_questions: int
    questions_without_window: int
    golds_outside_windows: int
    golds_not_on_token_borders: int


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """N windows as a few integers each; tokens are looked up in the shared texts.

    Attributes:
        example: (N,) index of the window's example; windows of one example follow each other.
        question: (N,) index of its question among the texts.
        context: (N,) index of its context among the texts.
        first: (N,) index in the context of its first context token.
        length: (N,) how many context tokens it holds, at least 1.
        start, end: (N,) positions of the first gold answer's first and last token in the window;
            (0, 0) where the window does not hold it whole, or there is no answer.
        question_lengths: (texts,) tokens of each text as a question, after clipping.
        texts: the distinct questions and contexts.
        template: the special tokens around them.
        counts: for the report.
    """

    example: Ints
    question: Ints
    context: Ints
    first: Ints
    length: Ints
    start: Ints
    end: Ints
    question_lengths: Ints
    texts: Texts
    template: PairTemplate
    counts: WindowCounts

    def __len__(self) -> int:
        return len(self.example)

    def context_position(self) -> Ints:
        """(N,) position of each window's first context token."""
        fixed = len(self.template.before) + len(self.template.between)
        return (self.question_lengths[self.question] + fixed).astype(np.int32)

    def total_lengths(self) -> Ints:
        """(N,) tokens of each window, special tokens included."""
        question = self.question_lengths[self.question]
        return (question + self.length + self.template.special_tokens).astype(np.int32)

    def token_ids(self, window: int) -> tuple[Ints, Ints | None]:
        """Input ids of one window, and its token types where the encoder has them."""
        q = self.texts.bounds[self.question[window]]
        c = self.texts.bounds[self.context[window]] + self.first[window]
        question = self.texts.ids[q : q + self.question_lengths[self.question[window]]]
        context = self.texts.ids[c : c + self.length[window]]
        t = self.template
        ids = np.concatenate([t.before, question, t.between, context, t.after]).astype(np.int32)
        if t.types is None:
            return ids, None
        sizes = (len(t.before), len(question), len(t.between), len(context), len(t.after))
        return ids, np.repeat(np.asarray(t.types, np.int32), sizes)

    def code_points(
        self, window: NDArray[np.integer], start: NDArray[np.integer], end: NDArray[np.integer]
    ) -> tuple[Ints, Ints]:
        """Where spans of windows are in the original contexts.

        Args:
            window: (M,) window indices.
            start: (M,) positions of first context tokens in those windows.
            end: (M,) positions of last context tokens.

        Returns:
            (M,) first code point, and (M,) the code point after the last.
        """
        base = self.texts.bounds[self.context[window]] + self.first[window]
        base = base - self.context_position()[window]
        return self.texts.starts[base + start], self.texts.ends[base + end]


def make_windows(
    examples: Sequence[QAExample],
    tokenizer: Tokenizer,
    template: PairTemplate,
    settings: WindowSettings,
) -> Windows:
    """Cut every example into windows, and find its first gold answer in them.

    Args:
        examples: the questions with their contexts.
        tokenizer: without truncation and padding.
        template: the special tokens of the encoder.
        settings: sizes of windows, in tokens.

    Raises:
        BenchmarkError: the settings leave no room for the context beside a longest question.
    """
    _check_room(settings, template)
    asked = [one.question.strip() for one in examples]
    of, texts = tokenize([*asked, *(one.context for one in examples)], tokenizer)
    question_of, context_of = of[: len(examples)], of[len(examples) :]
    question_lengths = np.minimum(texts.lengths(), settings.max_question_tokens)

    available = texts.lengths()[context_of]
    room = settings.max_length - template.special_tokens - question_lengths[question_of]
    example, first, length = _parts(available, room, settings.overlap)
    position = question_lengths[question_of][example] + len(template.before + template.between)
    labels = _find_golds(examples, texts, context_of, example, first, length, position)

    answerable = np.array([one.is_answerable for one in examples], bool)
    held = np.zeros(len(examples), bool)
    held[example[labels.start > 0]] = True
    number = np.bincount(example, minlength=len(examples))
    counts = WindowCounts(
        windows=len(example),
        tokens=int((position + length + len(template.after)).sum()),
        questions_with_overflow=int((number > 1).sum()),
        clipped_questions=int((texts.lengths()[question_of] > settings.max_question_tokens).sum()),
        questions_without_window=int((number == 0).sum()),
        golds_outside_windows=int((answerable & ~held).sum()),
        golds_not_on_token_borders=labels.ragged,
    )
    return Windows(
        example=example.astype(np.int32),
        question=question_of[example].astype(np.int32),
        context=context_of[example].astype(np.int32),
        first=first.astype(np.int32),
        length=length.astype(np.int32),
        start=labels.start,
        end=labels.end,
        question_lengths=question_lengths.astype(np.int32),
        texts=texts,
        template=template,
        counts=counts,
    )


def _parts(available: Longs, room: Longs, overlap: int) -> tuple[Longs, Longs, Longs]:
    """Cut contexts into parts that overlap.

    Args:
        available: (examples,) tokens of each context.
        room: (examples,) context tokens that a window holds.
        overlap: context tokens that neighbouring windows share.

    Returns:
        (N,) each: the windows' examples, first context tokens and numbers of context tokens.
    """
    step = room - overlap
    overflow = np.maximum(available - room, 0)
    number = np.where(available > 0, 1 + -(-overflow // step), 0)
    example = np.repeat(np.arange(len(available)), number)
    nth = np.arange(len(example)) - np.repeat(np.cumsum(number) - number, number)
    first = nth * step[example]
    return example, first, np.minimum(room[example], available[example] - first)


def _check_room(settings: WindowSettings, template: PairTemplate) -> None:
    room = settings.max_length - template.special_tokens - settings.max_question_tokens
    if room <= settings.overlap:
        raise BenchmarkError(
            f"Windows of {settings.max_length} tokens leave {room} for the context beside a "
            f"question of {settings.max_question_tokens} and {template.special_tokens} special "
            f"tokens, not more than the overlap of {settings.overlap}; raise "
            f"windows.max_length, or lower windows.overlap or windows.max_question_tokens."
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Golds:
    start: Ints
    end: Ints
    ragged: int


def _find_golds(
    examples: Sequence[QAExample],
    texts: Texts,
    context_of: Longs,
    example: Longs,
    first: Longs,
    length: Longs,
    position: Longs,
) -> _Golds:
    """Window positions of each example's first gold, (0, 0) where the window lacks part of it."""
    gold = np.array(
        [_without_blanks(one.answers[0]) if one.answers else (-1, -1) for one in examples],
        np.int64,
    ).reshape(-1, 2)
    first_token, last_token = _tokens_around(texts, context_of, gold)
    found = (gold[:, 0] >= 0) & (first_token <= last_token)
    borders = texts.bounds[context_of[found]]
    begins = texts.starts[borders + first_token[found]] == gold[found, 0]
    finishes = texts.ends[borders + last_token[found]] == gold[found, 1]
    a, b = first_token[example], last_token[example]
    inside = found[example] & (a >= first) & (b < first + length)
    shift = position - first
    return _Golds(
        start=np.where(inside, a + shift, 0).astype(np.int32),
        end=np.where(inside, b + shift, 0).astype(np.int32),
        ragged=int((~(begins & finishes)).sum()),
    )


def _without_blanks(gold: GoldAnswer) -> tuple[int, int]:
    """First code point of a gold, and the one after its last; tokens have no blanks around them."""
    start = gold.start + len(gold.text) - len(gold.text.lstrip())
    return start, start + len(gold.text.strip())


def _tokens_around(texts: Texts, context_of: Longs, gold: Longs) -> tuple[Longs, Longs]:
    """(N,) each: in the question's context, the first token that ends after the gold's start, and
    the last one that starts before its end.
    """
    # Text and code point in one number, so that one search serves all texts.
    of_token = np.repeat(np.arange(len(texts.bounds) - 1), texts.lengths()) << 32
    of_gold = context_of << 32
    first = np.searchsorted(of_token + texts.ends, of_gold + gold[:, 0], side="right")
    last = np.searchsorted(of_token + texts.starts, of_gold + gold[:, 1], side="left") - 1
    border = texts.bounds[context_of]
    return first - border, last - border
