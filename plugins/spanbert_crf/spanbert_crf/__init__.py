"""Linear-chain CRF tagger over O, B, I tags as a qabench plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qabench import HeadSpec, hookimpl

if TYPE_CHECKING:
    from qabench.heads import Head


def build(hidden_size: int, options: Mapping[str, Any]) -> Head:
    """A freshly initialised head."""
    from spanbert_crf.head import CRFHead

    return CRFHead(hidden_size, **options)


@hookimpl
def qabench_heads() -> list[HeadSpec]:
    """The one head of this distribution."""
    return [
        HeadSpec(
            name="spanbert_crf",
            summary="linear-chain CRF over O/B/I tags, every single span scored exactly",
            build=build,
            options={
                "objective": {
                    "enum": ["span", "bio"],
                    "default": "span",
                    "description": "What the gold tagging competes with in training: taggings of "
                    "one span or none (span), or all O/B/I taggings (bio).",
                },
                "dropout": {
                    "type": "number",
                    "minimum": 0,
                    "exclusiveMaximum": 1,
                    "default": 0.0,
                    "description": "Dropout on the encoder states.",
                },
            },
            # Transition scores barely move at an encoder's learning rate of 2e-5.
            learning_rate=1e-3,
        )
    ]
