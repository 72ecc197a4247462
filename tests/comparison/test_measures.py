"""What systems are compared on."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from qabench.comparison.measures import placements


def slow_area(odds, has_answer):
    """The share of pairs in which the question without answer has the greater null odds."""
    pairs = [
        1.0 if without > having else 0.5 if without == having else 0.0
        for without in odds[~has_answer]
        for having in odds[has_answer]
    ]
    return np.mean(pairs)


questions = st.lists(
    st.tuples(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 3.0]), st.booleans()), min_size=2, max_size=20
).filter(lambda made: len({has for _, has in made}) == 2)


@given(questions)
def test_the_mean_placement_is_the_area_under_the_curve(made):
    odds, has_answer = (np.array(one) for one in zip(*made, strict=True))
    assert placements(odds, has_answer).mean() == pytest.approx(slow_area(odds, has_answer))


def test_placements_vary_as_the_area_does():
    random = np.random.default_rng(0)
    areas, errors = [], []
    for _ in range(400):
        has_answer = random.random(300) < 0.6
        found = placements(random.normal(0, 1, 300) + ~has_answer, has_answer)
        areas.append(found.mean())
        errors.append(scipy.stats.sem(found))
    assert np.mean(errors) == pytest.approx(np.std(areas), rel=0.1)
