"""Biaffine span head as a qabench plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qabench import HeadSpec, hookimpl

if TYPE_CHECKING:
    from qabench.heads import Head


def build(hidden_size: int, options: Mapping[str, Any]) -> Head:
    """A freshly initialised head."""
    from qabench_biaffine.head import BiaffineHead

    return BiaffineHead(hidden_size, **options)


@hookimpl
def qabench_heads() -> list[HeadSpec]:
    """The one head of this distribution."""
    return [
        HeadSpec(
            name="biaffine",
            summary="biaffine score of start and end, one softmax over all short spans",
            build=build,
            options={
                "width": {
                    "type": "integer",
                    "minimum": 1,
                    "default": 64,
                    "description": "Rank of the product of start and end.",
                },
                "max_span": {
                    "type": "integer",
                    "minimum": 1,
                    "default": 30,
                    "description": "Longest span that is scored, in tokens.",
                },
                "dropout": {
                    "type": "number",
                    "minimum": 0,
                    "exclusiveMaximum": 1,
                    "default": 0.0,
                    "description": "Dropout on the encoder states.",
                },
            },
        )
    ]
