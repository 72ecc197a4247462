"""What names a set of examples: a hash of its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qabench.examples import QAExample


def fingerprint(examples: Iterable[QAExample]) -> str:
    """Name a set of examples by its content: SHA-256, as 64 hex digits.

    The records' order and file format do not change it; titles are not part of it.
    """
    digest, contexts = hashlib.sha256(), _Quoted()
    for example in sorted(examples, key=lambda example: example.id):
        digest.update(f"{_canonical(example, contexts)}\n".encode("ascii"))
    return digest.hexdigest()


class _Quoted(dict[str, str]):
    """Texts as JSON strings: each distinct one is escaped once."""

    def __missing__(self, text: str) -> str:
        quoted = self[text] = json.dumps(text)
        return quoted


def _canonical(example: QAExample, contexts: _Quoted) -> str:
    """JSON in ASCII with sorted keys and no spaces; by hand, since ``json`` takes twice as long."""
    answers = ",".join([f"[{json.dumps(one.text)},{one.start}]" for one in example.answers])
    return (
        f'{{"answers":[{answers}],"context":{contexts[example.context]},'
        f'"id":{json.dumps(example.id)},"question":{json.dumps(example.question)}}}'
    )
