"""What Arrow takes, which Python's own tracing does not see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

# What was read may outlive its test, and Arrow does not keep its pool for it.
_POOLS: list[pa.MemoryPool] = []


@contextmanager
def counted() -> Iterator[pa.MemoryPool]:
    """A pool that counts what Arrow takes in this block."""
    usual = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(usual)
    _POOLS.append(pool)
    pa.set_memory_pool(pool)
    try:
        yield pool
    finally:
        pa.set_memory_pool(usual)
