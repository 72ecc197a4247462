"""The quickstart encoder's vocabulary: cased WordPiece, learned from generated text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tokenizers import BertWordPieceTokenizer
from transformers import BertTokenizer

from qabench.pretraining.domains import PRETRAINING
from qabench.quickstart.chance import Chance
from qabench.quickstart.domains import QUICKSTART
from qabench.quickstart.paragraphs import Shape, paragraphs
from qabench.quickstart.values import Pool, Values

_PARAGRAPHS = 1500
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_SEED = 901


def write_tokenizer(folder: Path, size: int) -> None:
    """Learn ``size`` word pieces and write the tokenizer's files.

    The text is about the domains of pretraining and of the quickstart, with names only of the
    pretraining and training pools.
    """
    texts = list(_texts())
    # The learner numbers the characters that it finds inside words in the order of a hash table,
    # and breaks ties by these numbers. Special tokens have the same numbers in every process.
    characters = {one for text in texts for word in re.findall(r"\w+", text) for one in word[1:]}
    inside = [f"##{one}" for one in sorted(characters)]
    learner = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    learner.train_from_iterator(
        texts,
        vocab_size=size,
        min_frequency=2,
        show_progress=False,
        special_tokens=[*_SPECIAL, *inside],
    )
    pieces = sorted(learner.get_vocab().items(), key=lambda item: item[1])
    tokenizer = BertTokenizer(
        vocab=dict(pieces),
        do_lower_case=False,
        strip_accents=False,
        model_max_length=128,
    )
    tokenizer.save_pretrained(folder)


def _texts() -> Iterator[str]:
    for domains, pool in ((PRETRAINING, Pool.PRETRAINING), (QUICKSTART, Pool.TRAIN)):
        values = Values(Chance(_SEED), pool)
        for made in islice(paragraphs(domains, values, Shape()), _PARAGRAPHS):
            yield made.context
            yield from (question.text for question in made.questions)
