"""A kit that checks heads: for ``qabench check``, and for a plugin's own tests.

A whole test file of a plugin:

.. code-block:: python

    import pytest
    from my_head import qabench_heads

    from qabench.testing import HeadFactory, checks

    (SPEC,) = qabench_heads()


    @pytest.mark.parametrize("check", checks(), ids=str)
    def test_the_head_keeps_its_contract(check):
        check(HeadFactory(SPEC, {"width": 16}))

``installed("my_head", width=16)`` is the factory of an installed plugin, whose hook is then checked
too. Each check builds its own head, tries it on a few windows of made-up states, and takes a
fraction of a second. The checks are functions in :mod:`qabench.testing.contract`,
:mod:`~qabench.testing.prediction` and :mod:`~qabench.testing.learning`; the first line of each says
what must hold. A failure says what broke, why it matters and how to fix it.

pytest is not required.
"""

from __future__ import annotations

from qabench.testing import contract, learning, prediction
from qabench.testing.check import Check, CheckError, Failure
from qabench.testing.subject import HeadFactory, installed

__all__ = ["Check", "CheckError", "Failure", "HeadFactory", "checks", "installed"]

_CHECKS = (
    contract.specification_is_valid,
    contract.signatures_are_those_of_head,
    contract.initial_values_follow_the_seed,
    contract.saved_heads_predict_the_same,
    learning.loss_is_a_finite_scalar,
    learning.loss_is_the_mean_over_windows,
    learning.gradients_reach_everything,
    learning.learns_by_heart,
    learning.null_score_points_to_no_answer,
    prediction.spans_have_their_shapes,
    prediction.spans_are_legal,
    prediction.spans_are_distinct,
    prediction.spans_are_sorted,
    prediction.padding_changes_nothing,
    prediction.evaluation_is_deterministic,
    prediction.golds_do_not_leak,
    prediction.inputs_stay_untouched,
    prediction.extreme_contexts_are_answered,
)


def checks() -> tuple[Check, ...]:
    """Every check; ``str`` of one is its name."""
    return _CHECKS
