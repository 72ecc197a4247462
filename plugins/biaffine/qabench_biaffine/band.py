"""Products of neighbouring positions, without the products of distant ones."""

from __future__ import annotations

from torch import Tensor, nn


def band_product(rows: Tensor, columns: Tensor, width: int) -> Tensor:
    """``rows[i] · columns[i + w]`` for w from 0 to ``width - 1``.

    The positions are cut into blocks of ``width``. Block n needs only the columns of the blocks n
    and n + 1, so its products are one matrix of ``width`` by ``2 * width``, of which row r is used
    from column r on. Read as if its rows were one longer, row r moves r columns to the left.

    Args:
        rows: (B, L, D) float.
        columns: (B, L, D) float.
        width: W, at most L.

    Returns:
        (B, L, W) float; 0 where i + w is after the last position. Time is O(B L W D), memory
        O(B L (W + D)).
    """
    count, length, size = rows.shape
    missing = -length % width
    blocks = (length + missing) // width
    here = nn.functional.pad(rows, (0, 0, 0, missing)).view(count, blocks, width, size)
    there = nn.functional.pad(columns, (0, 0, 0, missing + width)).unfold(1, 2 * width, width)
    products = (here @ there).flatten(2)
    skewed = nn.functional.pad(products, (0, width)).view(count, blocks, width, 2 * width + 1)
    return skewed[..., :width].flatten(1, 2)[:, :length]
