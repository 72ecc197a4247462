"""What one comparison must show for all of a family to hold."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from qabench.comparison.families import Family

families = st.builds(Family, st.sampled_from(["pairs", "baseline"]), st.integers(2, 12))


def test_a_single_comparison_needs_no_correction():
    one = Family("pairs", 2)
    assert (one.size, one.method, one.level(0.05), one.adjusted(0.03)) == (1, "", 0.05, 0.03)


@pytest.mark.parametrize("systems", [3, 5, 10, 40])
def test_all_pairs_have_tukeys_level(systems):
    quantile = scipy.stats.studentized_range.ppf(0.95, systems, 1e7)
    expected = 2 * scipy.stats.norm.sf(quantile / np.sqrt(2))
    assert Family("pairs", systems).level(0.05) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("systems", [2, 4, 9])
def test_against_a_baseline_it_is_dunnetts_level(systems):
    covariance = np.full((systems, systems), 0.5) + 0.5 * np.eye(systems)
    level = Family("baseline", systems).level(0.05)
    z = scipy.stats.norm.isf(level / 2)
    normal = scipy.stats.multivariate_normal(cov=covariance, seed=0)
    inside = normal.cdf(np.full(systems, z), lower_limit=np.full(systems, -z))
    assert 1 - inside == pytest.approx(0.05, abs=2e-3)


@given(families, st.floats(1e-12, 1), st.floats(1e-12, 1))
def test_adjusted_p_values_keep_their_order_and_stay_within_bonferronis(family, one, other):
    assert (family.adjusted(one) <= family.adjusted(other)) == (one <= other) or (
        family.adjusted(one) == pytest.approx(family.adjusted(other), rel=1e-6)
    )
    assert one * 0.999 <= family.adjusted(one) <= min(1, family.size * one) + 1e-15


@given(families, st.sampled_from([0.01, 0.05, 0.1]))
def test_the_level_is_where_the_adjusted_p_value_is_alpha(family, alpha):
    assert family.adjusted(family.level(alpha)) == pytest.approx(alpha, rel=1e-6)
    assert alpha / family.size <= family.level(alpha) * (1 + 1e-12) <= alpha * (1 + 1e-12)
