"""Where misplaced answers can be meant to be: only without doubt, and with the cause named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabench.data.offsets import NEAR, Misplaced, place

CONTEXT = "🎻 Karin Vell built it.\nThe café at Ostby 🎻 opened in 1871.\nBen Holm ran the café."


def only(text, start, context=CONTEXT):
    (found,) = place([Misplaced(text, start, context)]).places
    return found


@pytest.mark.parametrize("off", [-NEAR, -1, 1, NEAR - 1])
def test_a_text_that_stands_once_near_its_start_is_placed(off):
    context = "x" * 100 + "1871" + "x" * 100
    assert only("1871", 100 + off, context) == 100


@pytest.mark.parametrize("off", [-NEAR - 1, NEAR + 1])
def test_a_text_farther_away_is_in_doubt_even_if_it_stands_only_once(off):
    assert only("1871", 100 + off, "x" * 100 + "1871" + "x" * 100) is None


def test_a_text_that_stands_twice_near_its_start_is_in_doubt():
    assert only("a", 3, "a b c a b c") is None
    assert only("aa", 1, "xaaax") is None


WORDS = ("Karin", "Ostby", "opened", "1871", "Ben", "Holm", "ran")
COUNTS = [
    (lambda before: len(before.encode("utf-16-le")) // 2, "UTF-16 units"),
    (lambda before: len(before.encode()), "bytes of UTF-8"),
    (lambda before: len(before) - 2 * before.count("🎻") + 3 * before.count("🎻"), "UTF-16 units"),
]


@pytest.mark.parametrize(("count", "cause"), COUNTS)
def test_another_way_to_count_characters_is_named_and_places_all(count, cause):
    at = [CONTEXT.index(word) for word in WORDS]
    found = place(
        [
            Misplaced(word, count(CONTEXT[:place]), CONTEXT)
            for word, place in zip(WORDS, at, strict=True)
        ]
    )
    assert cause in found.cause
    assert list(found.places) == at


@pytest.mark.parametrize(
    ("context", "counted", "cause"),
    [
        (
            "a\nb\nc\nKarin a\nb Ostby\nBen",
            lambda text: text.replace("\n", "\r\n"),
            "two characters",
        ),
        ("a\r\nb\r\nKarin a\r\nOstby\r\nBen", lambda text: text.replace("\r\n", "\n"), "as one"),
    ],
)
def test_line_breaks_counted_otherwise_are_named(context, counted, cause):
    words = ("Karin", "Ostby", "Ben")
    at = [context.index(word) for word in words]
    answers = [
        Misplaced(word, len(counted(context[:place])), context)
        for word, place in zip(words, at, strict=True)
    ]
    found = place(answers)
    assert cause in found.cause
    assert list(found.places) == at


@pytest.mark.parametrize(("shift", "side"), [(1, "great by 1"), (-2, "small by 2")])
def test_a_constant_shift_is_named_and_places_even_what_stands_twice(shift, side):
    at = [CONTEXT.index(word) for word in WORDS]
    answers = [
        Misplaced(word, place + shift, CONTEXT) for word, place in zip(WORDS, at, strict=True)
    ]
    twice = Misplaced("a", 3 + shift, "a, a, a")
    found = place([*answers, *answers, twice])
    assert found.cause == f"starts are too {side}"
    assert found.places == (*at, *at, 3)
    assert place([twice]).places == (None,)


def test_an_answer_that_the_cause_and_its_own_text_place_apart_is_in_doubt():
    in_bytes = Misplaced("1871", 200, "é" * 100 + "1871")
    assert place([in_bytes] * 10).places == (100,) * 10
    also_near = Misplaced("1871", 200, "é" * 100 + "1871" + "." * 90 + "1871")
    assert place([also_near]).places == (194,)
    assert place([*[in_bytes] * 10, also_near]).places == (*(100,) * 10, None)


def test_no_answers_are_no_placement():
    assert place([]).places == ()
    assert place([]).cause == ""


@given(st.lists(st.tuples(st.text("ab🎻\n", min_size=1, max_size=3), st.integers(-5, 60))))
def test_a_place_is_always_where_the_text_stands(rows):
    context = "ab🎻\nab ba\r\n🎻aab"
    answers = [Misplaced(text, start, context) for text, start in rows]
    for one, found in zip(answers, place(answers).places, strict=True):
        assert found is None or one.fits(found)
