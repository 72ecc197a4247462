"""Start/end head of BERT and SpanBERT as a qabench plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qabench import HeadSpec, hookimpl

if TYPE_CHECKING:
    from qabench.heads import Head


def build(hidden_size: int, options: Mapping[str, Any]) -> Head:
    """A freshly initialised head."""
    from spanbert_linear.head import LinearHead

    return LinearHead(hidden_size, **options)


@hookimpl
def qabench_heads() -> list[HeadSpec]:
    """The one head of this distribution."""
    return [
        HeadSpec(
            name="spanbert_linear",
            summary="start and end logits from one linear layer (BERT, SpanBERT)",
            build=build,
            options={
                "dropout": {
                    "type": "number",
                    "minimum": 0,
                    "exclusiveMaximum": 1,
                    "default": 0.0,
                    "description": "Dropout on the encoder states.",
                }
            },
        )
    ]
