"""Counts tensor operations: about as many kernels are launched on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


class _Counter(TorchDispatchMode):
    """Counts what is dispatched and is neither a view nor an allocation, backward included."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        returned = [one.alias_info for one in func._schema.returns]
        is_view = any(one is not None and not one.is_write for one in returned)
        allocates = func._schema.name.startswith(("aten::empty", "aten::new_empty"))
        self.count += not (is_view or allocates)
        return func(*args, **(kwargs or {}))


def operations(work: Callable[[], object]) -> int:
    """How many operations one call dispatches."""
    counter = _Counter()
    with counter:
        work()
    return int(counter.count)
