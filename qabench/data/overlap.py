"""What training and dev data share: scores on questions that were trained on mean little."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from qabench.data.examples import ExampleSet, QAExample
from qabench.errors import DataError

# Share of dev questions that may be asked of other contexts in training.
_USUAL = 0.05


@dataclass(frozen=True, slots=True)
class Overlap:
    """Dev questions that share something with training, texts compared after normalization.

    Attributes:
        ids: whose id a training question has.
        questions: whose question is asked in training, of any context.
        contexts: whose context is read in training.
    """

    ids: int
    questions: int
    contexts: int

    def __str__(self) -> str:
        return (
            f"training shares ids with {self.ids} of the dev questions, contexts with "
            f"{self.contexts}, and asks {self.questions} of them word for word"
        )

    @property
    def is_any(self) -> bool:
        """Whether anything is shared."""
        return bool(self.ids or self.contexts or self.questions)

    def is_grave(self, questions: int) -> bool:
        """Whether scores on so many dev questions must not be believed without knowing of it.

        A few equal questions of different contexts are usual: "When was it built?"
        """
        return bool(self.ids or self.contexts) or self.questions > _USUAL * questions


def overlap(train: Iterable[QAExample], dev: Iterable[QAExample]) -> Overlap:
    """Compare the questions of two sets."""
    train, dev = list(train), list(dev)

    def shared(key: Callable[[QAExample], str]) -> int:
        known = set(map(key, train))
        return sum(key(one) in known for one in dev)

    texts = _Normalized()
    return Overlap(
        ids=shared(lambda one: one.id),
        questions=shared(lambda one: texts[one.question]),
        contexts=shared(lambda one: texts[one.context]),
    )


class _Normalized(dict[str, str]):
    """Texts in one case, with single blanks; each distinct text once."""

    def __missing__(self, text: str) -> str:
        plain = unicodedata.normalize("NFKC", text).casefold()
        found = self[text] = " ".join(plain.split())
        return found


def refuse_same(train: ExampleSet, dev: ExampleSet) -> None:
    """Refuse to score the very questions that are trained on.

    Raises:
        DataError: both sets are the same.
    """
    if len(train) == len(dev) and train.fingerprint == dev.fingerprint:
        raise DataError(
            f"The training and the dev questions are the same {len(dev)} ({train.source} and "
            f"{dev.source}), so scores would show only what was learned by heart; name other dev "
            f"questions, or run with --allow-overlap."
        )
