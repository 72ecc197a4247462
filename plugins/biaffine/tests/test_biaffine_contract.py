"""The head does what every head must do."""

from __future__ import annotations

import pytest
from qabench_biaffine import qabench_heads

from qabench.testing import HeadFactory, checks

(SPEC,) = qabench_heads()


@pytest.mark.parametrize("options", [{}, {"max_span": 4, "width": 5}, {"dropout": 0.2}], ids=str)
@pytest.mark.parametrize("check", checks(), ids=str)
def test_the_head_keeps_its_contract(check, options):
    check(HeadFactory(SPEC, options))
