"""Texts to tokens with their code points: every distinct text once, every distinct chunk once.

BERT's normalizer, pre-tokenizer and WordPiece treat each stretch between ASCII blanks and
punctuation separately. So for tokenizers of that family texts are cut there, each distinct chunk of
all texts is tokenized once, and ids and offsets are put together by arithmetic, with the same
result. Any other tokenizer gets each distinct text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import numpy as np

from qabench.base.arrays import Ints, Longs

# How many are tokenized at once, so that memory does not grow with the data.
_TEXTS_AT_ONCE = 2_000
_CHUNKS_AT_ONCE = 50_000


class Encoding(Protocol):
    """The part of ``tokenizers.Encoding`` that is used."""

    @property
    def ids(self) -> list[int]:
        """Token ids."""

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Start and end of each token in the text, in code points."""


class Tokenizer(Protocol):
    """The part of ``tokenizers.Tokenizer`` that is used."""

    def encode_batch(
        self, input: list[str], is_pretokenized: bool = ..., add_special_tokens: bool = ...
    ) -> Iterable[Encoding]:
        """Encode each text."""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Distinct texts, tokenized: token i of text t is at ``bounds[t] + i``.

    Attributes:
        ids: (T,) token ids of all texts, one after the other.
        starts: (T,) first code point of each token in its text, without blanks before it.
        ends: (T,) the code point after each token's last, without blanks after it.
        bounds: (texts + 1,) where each text begins and ends in the other arrays.
    """

    ids: Ints
    starts: Ints
    ends: Ints
    bounds: Longs

    def lengths(self) -> Longs:
        """(texts,) tokens of each text."""
        return np.diff(self.bounds)


def tokenize(texts: Sequence[str], tokenizer: Tokenizer) -> tuple[Longs, Texts]:
    """Tokenize without special tokens.

    Returns:
        (texts,) the index of each text among the distinct texts; and the distinct texts.
    """
    distinct = list(dict.fromkeys(texts))
    added = _added_tokens(tokenizer) if chunks_are_independent(tokenizer) else None
    if added is None:
        chunked, whole = [], distinct
    else:
        special = re.compile("|".join(map(re.escape, added)) or r"(?!)")
        chunked = [text for text in distinct if not special.search(text)]
        whole = [text for text in distinct if special.search(text)]
    index = {text: place for place, text in enumerate(chain(chunked, whole))}
    of = np.fromiter(map(index.__getitem__, texts), np.int64, len(texts))
    return of, _joined([*_by_chunk(chunked, tokenizer), *_whole(whole, tokenizer)])


def chunks_are_independent(tokenizer: Any) -> bool:
    """Whether a tokenizer is of BERT's family, without settings that reach across chunks."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    return (
        isinstance(tokenizer, Tokenizer)
        and isinstance(tokenizer.normalizer, normalizers.BertNormalizer)
        and isinstance(tokenizer.pre_tokenizer, pre_tokenizers.BertPreTokenizer)
        and isinstance(tokenizer.model, models.WordPiece)
        and tokenizer.truncation is None
        and tokenizer.padding is None
        # Such tokens are found in the normalized text, or may span chunks.
        and not any(
            one.normalized or _BLANK.search(one.content)
            for one in tokenizer.get_added_tokens_decoder().values()
        )
    )


def _added_tokens(tokenizer: Any) -> list[str]:
    """Tokens such as ``[SEP]``; a text that holds one is not cut."""
    return [one.content for one in tokenizer.get_added_tokens_decoder().values()]


def _joined(parts: Sequence[Texts]) -> Texts:
    if not parts:
        empty = np.zeros(0, np.int32)
        return Texts(empty, empty, empty, np.zeros(1, np.int64))
    lengths = np.concatenate([part.lengths() for part in parts])
    return Texts(
        ids=np.concatenate([part.ids for part in parts]),
        starts=np.concatenate([part.starts for part in parts]),
        ends=np.concatenate([part.ends for part in parts]),
        bounds=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )


def _whole(texts: Sequence[str], tokenizer: Tokenizer) -> Iterator[Texts]:
    for low in range(0, len(texts), _TEXTS_AT_ONCE):
        some = list(texts[low : low + _TEXTS_AT_ONCE])
        encodings = list(tokenizer.encode_batch(some, add_special_tokens=False))
        yield _trimmed(some, _arrays(encodings))


def _trimmed(texts: Sequence[str], tokens: Texts) -> Texts:
    """The tokens of these texts without the blanks that some tokenizers put into them.

    A token of blanks only keeps its place.
    """
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    blank = np.isin(points, _SPACES)
    if not len(blank) or not len(tokens.ids):
        return tokens
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    shift = np.repeat(np.cumsum(lengths) - lengths, tokens.lengths())
    starts, ends = tokens.starts + shift, tokens.ends + shift
    place = np.arange(len(blank))
    # The next and the last code point that is no blank, seen from each.
    ahead = np.minimum.accumulate(np.where(blank, len(blank), place)[::-1])[::-1]
    behind = np.maximum.accumulate(np.where(blank, -1, place))
    first = ahead[np.minimum(starts, len(blank) - 1)]
    last = behind[np.maximum(ends, 1) - 1] + 1
    keeps = (first >= last) | (starts >= ends)
    return Texts(
        ids=tokens.ids,
        starts=np.where(keeps, tokens.starts, first - shift).astype(np.int32),
        ends=np.where(keeps, tokens.ends, last - shift).astype(np.int32),
        bounds=tokens.bounds,
    )


def _arrays(encodings: Sequence[Encoding]) -> Texts:
    ids = [encoding.ids for encoding in encodings]
    bounds = np.concatenate([[0], np.cumsum([len(one) for one in ids], dtype=np.int64)])
    total = int(bounds[-1])
    pairs = chain.from_iterable(chain.from_iterable(one.offsets for one in encodings))
    offsets = np.fromiter(pairs, np.int32, 2 * total).reshape(-1, 2)
    return Texts(
        ids=np.fromiter(chain.from_iterable(ids), np.int32, total),
        starts=np.ascontiguousarray(offsets[:, 0]),
        ends=np.ascontiguousarray(offsets[:, 1]),
        bounds=bounds,
    )


_SPACES = [code for code in range(0x10000) if chr(code).isspace()]
_BLANKS = " \t\n\r"
_PUNCTUATION = r"!-/:-@\[-`{-~"
_BLANK = re.compile(rf"[{_BLANKS}]")
# A punctuation mark or a run of anything else, with the blanks after it; or the blanks at the
# beginning. So the chunks of a text, joined, are the text.
_CHUNK = re.compile(rf"(?:[{_PUNCTUATION}]|[^{_PUNCTUATION}{_BLANKS}]+)[{_BLANKS}]*|[{_BLANKS}]+")


class _Numbers(dict[str, int]):
    """Chunks by first appearance: 0, 1, 2, …"""

    def __missing__(self, chunk: str) -> int:
        number = self[chunk] = len(self)
        return number


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """Some texts in chunks.

    Attributes:
        chunks: (C,) the number of each chunk.
        places: (C,) its first code point in all texts, joined by one code point.
        borders: (texts,) the first code point of each text in the same.
    """

    chunks: Ints
    places: Longs
    borders: Longs


def _by_chunk(texts: Sequence[str], tokenizer: Tokenizer) -> Iterator[Texts]:
    numbers = _Numbers()
    cuts = [
        _cut(texts[low : low + _TEXTS_AT_ONCE], numbers)
        for low in range(0, len(texts), _TEXTS_AT_ONCE)
    ]
    # A chunk has the same tokens with blanks after it and without.
    bare = _Numbers()
    bare_of = np.array([bare[chunk.rstrip(_BLANKS)] for chunk in numbers], np.int64)
    tokens = _joined(list(_chunk_tokens(list(bare), tokenizer)))
    return (_together(cut, bare_of[cut.chunks], tokens) for cut in cuts)


def _cut(texts: Sequence[str], numbers: _Numbers) -> _Cut:
    chunks = _CHUNK.findall("\n".join(texts))
    lengths = np.fromiter(map(len, chunks), np.int64, len(chunks))
    sizes = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    return _Cut(
        chunks=np.fromiter(map(numbers.__getitem__, chunks), np.int32, len(chunks)),
        places=np.cumsum(lengths) - lengths,
        borders=np.cumsum(sizes) - sizes,
    )


def _chunk_tokens(chunks: Sequence[str], tokenizer: Tokenizer) -> Iterator[Texts]:
    """The tokens of each chunk, from chunks joined by blanks."""
    for low in range(0, len(chunks), _CHUNKS_AT_ONCE):
        some = chunks[low : low + _CHUNKS_AT_ONCE]
        joined = _arrays(list(tokenizer.encode_batch([" ".join(some)], add_special_tokens=False)))
        sizes = np.fromiter(map(len, some), np.int64, len(some)) + 1
        borders = np.cumsum(sizes) - sizes
        owner = np.searchsorted(borders, joined.starts, side="right") - 1
        counts = np.bincount(owner, minlength=len(some))
        yield Texts(
            ids=joined.ids,
            starts=(joined.starts - borders[owner]).astype(np.int32),
            ends=(joined.ends - borders[owner]).astype(np.int32),
            bounds=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        )


def _together(cut: _Cut, chunks: Longs, tokens: Texts) -> Texts:
    """The tokens of some texts, gathered from those of their chunks (C,)."""
    counts = tokens.lengths()[chunks]
    ahead = np.cumsum(counts) - counts
    source = np.repeat(tokens.bounds[chunks] - ahead, counts) + np.arange(counts.sum())
    owner = np.searchsorted(cut.borders, cut.places, side="right") - 1
    shift = np.repeat(cut.places - cut.borders[owner], counts)
    of_texts = np.bincount(owner, counts, minlength=len(cut.borders)).astype(np.int64)
    return Texts(
        ids=tokens.ids[source],
        starts=(tokens.starts[source] + shift).astype(np.int32),
        ends=(tokens.ends[source] + shift).astype(np.int32),
        bounds=np.concatenate([[0], np.cumsum(of_texts)]),
    )
