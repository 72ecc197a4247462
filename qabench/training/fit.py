"""Whether a tokenizer and an encoder fit: one check, before anything is trained."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

from qabench.errors import BackboneError
from qabench.training.backbone import COUNT_FROM_PADDING, Encoder, TokenizerFacts


def fitted(
    tokenizer: TokenizerFacts, encoder: Encoder, name: str
) -> tuple[TokenizerFacts, str | None]:
    """The tokenizer as this encoder can be given its tokens, and what was changed, as a sentence.

    An encoder without the token types of the tokenizer gets none, which means 0 everywhere.

    Raises:
        BackboneError: a token has no embedding, or both disagree about padding.
    """
    _check_ids(tokenizer, encoder, name)
    _check_padding(tokenizer, encoder, name)
    types = tokenizer.template.types
    if types is None or max(types) < _known_types(encoder):
        return tokenizer, None
    without = replace(tokenizer, template=replace(tokenizer.template, types=None))
    return without, (
        f"The tokenizer of {name} has {max(types) + 1} token types and the encoder fewer, so all "
        "tokens have type 0."
    )


def _check_ids(tokenizer: TokenizerFacts, encoder: Encoder, name: str) -> None:
    template = tokenizer.template
    special = {*template.before, *template.between, *template.after, template.pad_id}
    ids = tokenizer.encoder.get_vocab(with_added_tokens=True)
    token = max(ids, key=ids.__getitem__, default="")
    highest = max(ids.get(token, 0), *special)
    embeddings = encoder.model.get_input_embeddings()  # type: ignore[operator]
    rows = int(embeddings.weight.shape[0])
    if highest >= rows:
        raise BackboneError(
            f"The tokenizer of {name} has ids up to {highest} ({token!r}), but its encoder has "
            f"embeddings for {rows} tokens, 0 to {rows - 1}; use the tokenizer that belongs to the "
            f"encoder, or resize the embeddings and save both."
        )


def _check_padding(tokenizer: TokenizerFacts, encoder: Encoder, name: str) -> None:
    config: Any = encoder.model.config
    of_tokenizer, of_encoder = tokenizer.saver.pad_token_id, config.pad_token_id
    # Other encoders only read the mask.
    if config.model_type not in COUNT_FROM_PADDING or of_tokenizer is None:
        return
    if of_tokenizer != of_encoder:
        raise BackboneError(
            f"The tokenizer of {name} pads with id {of_tokenizer}, but the encoder counts "
            f"positions by padding id {of_encoder}; set pad_token_id in config.json to that of the "
            f"tokenizer the encoder was trained with."
        )


def _known_types(encoder: Encoder) -> int:
    """How many token types it has; encoders with 0 ignore them."""
    if "token_type_ids" not in inspect.signature(encoder.model.forward).parameters:
        return 0
    config = encoder.model.config
    # Of 0 types, DeBERTa uses none and needs no zeros in their place.
    return int(getattr(config, "type_vocab_size", 0) or 1 << 30)
