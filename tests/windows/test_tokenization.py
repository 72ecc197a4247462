"""Tokens put together from chunks are those of the tokenizer itself, whatever the text."""

from __future__ import annotations

import sys
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.places import DEV
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

from qabench.data.readers import read_file
from qabench.windows.tokenization import chunks_are_independent, tokenize

WORDS = (
    "the of Paris café naïve Ünïcode straße 東京 日本 русский язык עברית العربية हिन्दी ภาษาไทย "
    "한국어 e\u0301 a\u0308 ﬁ Ⅷ x² don't 3.14 U.S.A. ½ emoji 😀 👩‍👩‍👧 İstanbul ΑΣ ǅ"
)


def bert(lowercase: bool = True, strip_accents: bool | None = None) -> Tokenizer:
    """A WordPiece tokenizer with letters and pieces of many scripts."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=12))
    tokenizer.normalizer = normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=strip_accents
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    letters = [chr(code) for code in (*range(33, 600), *range(0x370, 0x530), *range(0x5D0, 0x5EB))]
    trainer = trainers.WordPieceTrainer(
        vocab_size=2500,
        initial_alphabet=letters,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        show_progress=False,
    )
    tokenizer.train_from_iterator([WORDS, " ".join(letters)] * 3, trainer)
    return tokenizer


VARIANTS = [(True, None), (False, None), (True, False), (False, True)]


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def tokenizer(request) -> Tokenizer:
    return bert(*request.param)


def trimmed(text: str, start: int, end: int) -> list[int]:
    """A token's offsets without blanks at its borders; a token of blanks only stays."""
    inside = text[start:end]
    if not inside.strip():
        return [start, end]
    return [end - len(inside.lstrip()), start + len(inside.rstrip())]


def assert_same(texts: list[str], tokenizer: Tokenizer) -> None:
    of, found = tokenize(texts, tokenizer)
    for text, place in zip(texts, of, strict=True):
        one = tokenizer.encode(text, add_special_tokens=False)
        part = slice(*found.bounds[place : place + 2])
        assert found.ids[part].tolist() == one.ids, repr(text)
        offsets = np.stack([found.starts[part], found.ends[part]], 1)
        assert offsets.tolist() == [trimmed(text, *pair) for pair in one.offsets], repr(text)
        # Golds are looked up by binary search.
        assert (np.diff(found.starts[part]) >= 0).all()
        assert (np.diff(found.ends[part]) >= 0).all()


def test_every_character_of_the_basic_plane_in_four_surroundings(tokenizer):
    assert chunks_are_independent(tokenizer)
    characters = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    # One hundred to a text, each text a test of its own neighbours.
    for pattern in ("a{}b", " {} ", "{}!", "-{}e\u0301"):
        texts = [
            "".join(pattern.format(one) for one in characters[low : low + 100])
            for low in range(0, len(characters), 100)
        ]
        assert_same(texts, tokenizer)


HARD = st.sampled_from(
    [
        *" \t\n\r\x0b\x0c\x00\x1f\x7f\x85\xa0\u200b\u200d\u2028\u3000\ufeff\ufffd\u202e[]–’",
        *("e\u0301", "\u0301", "\u0300\u0323", "한", "東", "😀", "👩‍👧", "İ", "ς", "Σ", "ﬁ"),
        *("[SEP]", "##a", "a" * 13, "the", "café", "don't", "U.S.", "\U000e0061"),
    ]
)
TEXT = st.lists(HARD | st.characters(codec="utf-8"), max_size=12).map("".join)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(texts=st.lists(TEXT, max_size=5))
def test_any_texts_together(tokenizer, texts):
    assert_same(texts, tokenizer)


def test_special_tokens_that_a_text_spells_out_stay_what_they_are(tokenizer):
    texts = ["a [SEP] b", "[SEP]", "x[MASK]y", "[ SEP ]", "[sep]", "no token", "[PAD"]
    assert_same(texts, tokenizer)
    sep = tokenizer.token_to_id("[SEP]")
    of, found = tokenize(texts, tokenizer)
    assert sep in found.ids[slice(*found.bounds[of[0] : of[0] + 2])]


def test_blanks_and_empty_texts_have_no_tokens(tokenizer):
    assert_same(["", " ", "\n\t ", "a", "", "  a  b  ", "\r\n", "b "], tokenizer)


def test_real_questions_and_contexts(tokenizer):
    if not DEV.is_file():
        pytest.skip(f"needs real SQuAD v2 questions in {DEV}")
    examples = read_file(DEV, "skip").examples[::7]
    assert_same([text for one in examples for text in (one.question, one.context)], tokenizer)


@cache
def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([WORDS], trainer)
    return tokenizer


@cache
def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=150, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator([WORDS], trainer)
    return tokenizer


@cache
def metaspace() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator([WORDS], trainer)
    return tokenizer


WITH_BLANKS = [byte_level, unigram, metaspace]


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, max_size=5))
def test_blanks_at_the_borders_of_tokens_are_no_part_of_them(texts):
    for make in WITH_BLANKS:
        assert_same(texts, make())


@pytest.mark.parametrize("make", WITH_BLANKS)
def test_words_begin_and_end_with_tokens(make):
    text = "the of  Paris\u3000café straße"
    _, found = tokenize([text], make())
    for word in ("the", "of", "Paris", "café", "straße"):
        start = text.index(word)
        assert start in found.starts
        assert start + len(word) in found.ends


@pytest.mark.parametrize("make", WITH_BLANKS)
def test_other_families_get_whole_texts(make):
    other = make()
    assert not chunks_are_independent(other)
    assert_same([WORDS, "a b", "", "a b", "e\u0301 x!"], other)


def changed(change) -> Tokenizer:
    tokenizer = bert()
    change(tokenizer)
    return tokenizer


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.enable_truncation(4),
        lambda one: one.enable_padding(),
        lambda one: one.add_tokens(["new york"]),
        lambda one: one.add_tokens([AddedToken("york", normalized=True)]),
        lambda one: setattr(one, "normalizer", normalizers.Lowercase()),
        lambda one: setattr(one, "pre_tokenizer", pre_tokenizers.Whitespace()),
    ],
)
def test_settings_that_reach_across_chunks_are_seen(change):
    tokenizer = changed(change)
    assert not chunks_are_independent(tokenizer)


def test_an_added_token_that_is_matched_as_it_stands_is_kept_whole():
    tokenizer = changed(lambda one: one.add_tokens([AddedToken("x-y", normalized=False)]))
    assert chunks_are_independent(tokenizer)
    assert_same(["a x-y b", "x -y", "ax-yb", "nothing"], tokenizer)


def test_many_texts_are_handed_over_in_parts(tokenizer, monkeypatch):
    module = sys.modules["qabench.windows.tokenization"]
    monkeypatch.setattr(module, "_TEXTS_AT_ONCE", 2)
    monkeypatch.setattr(module, "_CHUNKS_AT_ONCE", 3)
    assert_same([f"text {number} of café!" for number in range(7)] + ["", "[SEP]"], tokenizer)
