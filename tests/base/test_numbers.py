"""Numbers read the same wherever they stand."""

from __future__ import annotations

import pytest

from qabench.base.numbers import fixed, interval, p_phrase, p_value, percent, points, unsigned


@pytest.mark.parametrize(
    ("value", "text"), [(68.55, "68.55"), (100, "100.00"), (-0.004, "0.00"), (-1.5, "−1.50")]
)
def test_a_score_has_two_decimals_and_no_sign_where_it_rounds_to_0(value, text):
    assert percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(2.46, "+2.5"), (-2.46, "−2.5"), (0.04, "0.0"), (-0.04, "0.0"), (0, "0.0")]
)
def test_a_difference_has_one_decimal_and_a_sign_unless_it_rounds_to_0(value, text):
    assert points(value) == text


def test_an_interval_has_both_ends_as_differences():
    assert interval(-1.23, 4.56) == "−1.2 … +4.6"


def test_decimals_are_chosen_where_a_number_is_no_score():
    assert (fixed(-1234.5678, 3), fixed(12.3, 0)) == ("−1234.568", "12")


@pytest.mark.parametrize(
    ("p", "cell", "phrase"),
    [
        (0.0009, "<0.001", "p < 0.001"),
        (0.001, "0.001", "p = 0.001"),
        (0.02249, "0.022", "p = 0.022"),
        (0.5, "0.500", "p = 0.500"),
    ],
)
def test_a_p_value_has_three_decimals_in_tables_and_in_sentences(p, cell, phrase):
    assert (p_value(p), p_phrase(p)) == (cell, phrase)


def test_an_end_of_an_interval_that_is_not_0_never_reads_as_0():
    assert interval(-0.04, 0.04) == "−0.04 … +0.04"
    assert interval(0, 0.0004) == "0.0 … +0.0004"
    assert interval(-0.004, 0.00004) == "−0.004 … 0.0"


def test_the_size_of_a_difference_has_no_sign():
    assert (unsigned(-2.46), unsigned(2.46), unsigned(0)) == ("2.5", "2.5", "0.0")
