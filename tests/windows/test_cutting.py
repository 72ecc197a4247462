"""Windows equal the tokenizer's own overflow output, and lose no token and no gold."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.places import SQUAD
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from qabench.benchmarks.settings import BackboneSettings, WindowSettings
from qabench.data.examples import GoldAnswer, QAExample
from qabench.data.readers import read_file
from qabench.errors import BenchmarkError
from qabench.training.backbone import load_tokenizer
from qabench.windows.cutting import PairTemplate, Windows, make_windows

SMALL = WindowSettings(max_length=24, overlap=4, max_question_tokens=8)


@pytest.fixture(scope="module")
def tokenizer(encoder_folder):
    return load_tokenizer(BackboneSettings(str(encoder_folder)))


def cut(tokenizer, examples, settings_=SMALL) -> Windows:
    return make_windows(examples, tokenizer.encoder, tokenizer.template, settings_)


def example(context, question="Where does Anna live ?", answer=None, start=None, id="q"):
    golds = ()
    if answer is not None:
        golds = (GoldAnswer(answer, context.index(answer) if start is None else start),)
    return QAExample(id=id, question=question, context=context, answers=golds)


def own_overflow(tokenizer, one: QAExample, settings_: WindowSettings):
    """The slow obvious way: the tokenizer's own pair encoding with overflow."""
    return tokenizer.saver(
        one.question.strip(),
        one.context,
        truncation="only_second",
        max_length=settings_.max_length,
        stride=settings_.overlap,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )


def assert_same_as_tokenizer(tokenizer, examples, settings_):
    windows = cut(tokenizer, examples, settings_)
    row = 0
    for index, one in enumerate(examples):
        expected = own_overflow(tokenizer, one, settings_)
        for part, (ids, types) in enumerate(
            zip(expected["input_ids"], expected["token_type_ids"], strict=True)
        ):
            assert windows.example[row] == index
            got_ids, got_types = windows.token_ids(row)
            assert got_ids.tolist() == ids
            assert got_types.tolist() == types
            begin = windows.context_position()[row]
            positions = np.arange(begin, begin + windows.length[row])
            offsets = windows.code_points(np.full(len(positions), row), positions, positions)
            in_context = [
                offset
                for offset, owner in zip(
                    expected["offset_mapping"][part], expected.sequence_ids(part), strict=True
                )
                if owner == 1
            ]
            assert list(zip(*(one.tolist() for one in offsets), strict=True)) == in_context
            row += 1
    assert row == len(windows)


PIECES = st.one_of(
    st.sampled_from([*"Anna lives in Paris . , \t\n", "中", "👩‍👩‍👧", "é", "e\u0301", "ﬁ", "\x07"]),
    st.characters(codec="utf-8"),
)
TEXT = st.lists(PIECES, min_size=1, max_size=100).map("".join)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_windows_equal_the_tokenizers_own_overflow_on_any_text(tokenizer, pairs):
    examples = [
        example(context, question)
        for question, context in pairs
        if len(tokenizer.encoder.encode(question.strip(), add_special_tokens=False).ids) <= 8
        and tokenizer.encoder.encode(context, add_special_tokens=False).ids
    ]
    assert_same_as_tokenizer(tokenizer, examples, SMALL)


@given(st.integers(1, 90), st.integers(0, 11), st.integers(1, 8))
@settings(max_examples=80, deadline=None)
def test_every_context_token_is_in_a_window_and_neighbours_share_the_overlap(
    tokenizer, tokens, overlap, question_tokens
):
    one = example("Anna " * tokens, "Where " * question_tokens)
    limits = WindowSettings(max_length=24, overlap=overlap, max_question_tokens=8)
    windows = cut(tokenizer, [one], limits)
    covered = [
        range(first, first + length)
        for first, length in zip(windows.first.tolist(), windows.length.tolist(), strict=True)
    ]
    assert set().union(*map(set, covered)) == set(range(tokens))
    for left, right in itertools.pairwise(covered):
        assert len(set(left) & set(right)) == overlap
    assert windows.total_lengths().max() <= 24


@given(st.integers(0, 60), st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_a_gold_on_token_borders_is_found_and_decodes_to_itself(tokenizer, before, width):
    answer = " ".join(["Paris"] * width)
    context = " ".join(["Anna"] * before + [answer] + ["Rome"] * (60 - before))
    windows = cut(tokenizer, [example(context, answer=answer)])
    holding = np.flatnonzero(windows.start)
    assert len(holding) > 0
    starts, ends = windows.code_points(holding, windows.start[holding], windows.end[holding])
    assert {context[a:b] for a, b in zip(starts, ends, strict=True)} == {answer}
    assert windows.counts.golds_outside_windows == 0


def test_a_gold_cut_by_a_windows_border_is_no_answer_in_that_window(tokenizer):
    context = " ".join(["Anna"] * 14 + ["Paris", "Rome"] + ["Oslo"] * 10)
    windows = cut(tokenizer, [example(context, answer="Paris Rome")])
    # Room is 24 - 3 special - 5 question = 16 tokens: the gold ends the first window.
    assert windows.first.tolist() == [0, 12]
    assert (windows.start > 0).tolist() == [True, True]
    later = cut(tokenizer, [example("Anna " + context, answer="Paris Rome")])
    assert (later.start > 0).tolist() == [False, True]


def test_golds_at_the_first_and_last_token_of_the_context_are_kept(tokenizer):
    context = " ".join(["Paris"] + ["Anna"] * 40 + ["Rome"])
    for answer in ("Paris", "Rome"):
        windows = cut(tokenizer, [example(context, answer=answer)])
        assert windows.counts.golds_outside_windows == 0


def test_a_gold_of_the_last_context_token_is_labelled_there_and_not_behind_it(tokenizer):
    """run_qa's search for the start runs on over [SEP] and padding, and labels start > end."""
    context = " ".join(["Anna"] * 15 + ["Paris"])
    windows = cut(tokenizer, [example(context, answer="Paris")])
    position = windows.context_position()[0] + 15
    assert (windows.start[0], windows.end[0]) == (position, position)


def test_no_answer_is_position_zero(tokenizer):
    windows = cut(tokenizer, [example("Anna lives in Paris .")])
    assert (windows.start.tolist(), windows.end.tolist()) == ([0], [0])


def test_an_answer_word_in_the_question_is_never_the_label(tokenizer):
    windows = cut(tokenizer, [example("Paris is in Paris .", "Where is Paris ?", "Paris")])
    assert windows.start[0] >= windows.context_position()[0]


def test_a_gold_inside_a_token_is_counted(tokenizer):
    windows = cut(tokenizer, [example("Anna lives in Paris .", answer="aris")])
    assert windows.counts.golds_not_on_token_borders == 1
    assert windows.start[0] > 0


def test_a_gold_longer_than_a_window_is_counted(tokenizer):
    context = " ".join(["Anna"] * 40)
    windows = cut(tokenizer, [example(context, answer=context)])
    assert windows.counts.golds_outside_windows == 1


def test_long_questions_are_stripped_clipped_and_counted(tokenizer):
    examples = [example("Anna .", "  " + "Where " * 30), example("Anna .", " Where ?\n", id="r")]
    windows = cut(tokenizer, examples)
    assert windows.counts.clipped_questions == 1
    assert windows.question_lengths[windows.question].tolist() == [8, 2]
    assert windows.total_lengths().max() <= 24


def test_a_context_without_tokens_has_no_window_and_is_counted(tokenizer):
    windows = cut(tokenizer, [example("\x07\x08"), example("Anna .", id="r")])
    assert windows.example.tolist() == [1]
    assert windows.counts.questions_without_window == 1


def test_offsets_are_code_points_of_the_original_context(tokenizer):
    context = "👩‍👩‍👧 𝔸 é lives in Paris ."
    windows = cut(tokenizer, [example(context, answer="Paris")])
    start, end = windows.code_points(np.array([0]), windows.start[:1], windows.end[:1])
    assert context[start[0] : end[0]] == "Paris"


def test_each_distinct_text_is_tokenized_once(tokenizer):
    class Counting:
        texts = 0

        def encode_batch(self, texts, **options):
            self.texts += len(texts)
            return tokenizer.encoder.encode_batch(texts, **options)

    counting = Counting()
    same = [example("Anna lives in Paris .", id=str(number)) for number in range(50)]
    make_windows(same, counting, tokenizer.template, SMALL)
    assert counting.texts == 2


def test_an_overlap_without_room_is_refused_before_tokenizing(tokenizer):
    with pytest.raises(BenchmarkError, match=r"leave 13 for the context .* overlap of 13"):
        cut(tokenizer, [], WindowSettings(max_length=24, overlap=13, max_question_tokens=8))


@pytest.mark.skipif(not SQUAD.is_dir(), reason=f"needs real SQuAD v2 questions in {SQUAD}")
@pytest.mark.parametrize("file", ["dev.json", "train.json"])
def test_windows_equal_the_tokenizers_own_on_real_questions(tokenizer, file):
    limits = WindowSettings(max_length=256, overlap=64, max_question_tokens=128)
    examples = read_file(SQUAD / file).examples[::4]
    short = [
        one
        for one in examples
        if len(tokenizer.encoder.encode(one.question.strip(), add_special_tokens=False).ids) <= 128
    ]
    assert_same_as_tokenizer(tokenizer, short, limits)


def test_golds_of_tokenizers_whose_tokens_hold_blanks_are_on_token_borders():
    pieces = Tokenizer(models.BPE(unk_token="<unk>"))
    pieces.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(special_tokens=["<unk>", "<s>"], show_progress=False)
    context = "Karin Vell built the mill at Ostby in 1871 ."
    pieces.train_from_iterator([context], trainer)
    examples = [
        QAExample(text, "Who?", context, (GoldAnswer(text, context.index(text)),))
        for text in ("Karin Vell", "the mill", "Ostby", "1871", " Ostby ", " 1871")
    ]
    template = PairTemplate((1,), (1,), (1,), 0, None)
    windows = make_windows(examples, pieces, template, WindowSettings(64, 4, 16))
    assert windows.counts.golds_not_on_token_borders == 0
    assert windows.counts.golds_outside_windows == 0
    start, end = windows.code_points(np.arange(len(windows)), windows.start, windows.end)
    held = [context[a:b] for a, b in zip(start, end, strict=True)]
    assert held == [example.id.strip() for example in examples]
