"""The pretrained encoder and its tokenizer, checked for mistakes that would not show."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from qabench.base.json_files import JSONError, read_json
from qabench.base.terminal import safe, shortened
from qabench.benchmarks.settings import BackboneSettings
from qabench.errors import BackboneError
from qabench.windows.cutting import PairTemplate

# Encoders that come with qabench; hub names have no colon.
_PACKAGED = {"qabench:quickstart": Path(__file__).parents[1] / "quickstart" / "encoder"}
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9_][\w.-]{0,95})?")
_CAPITALISED = re.compile(r"[Ġ▁]?([A-Z][a-z]{2,})")


@dataclass(frozen=True, slots=True, eq=False)
class TokenizerFacts:
    """A tokenizer as windows need it, and what identifies it.

    Attributes:
        encoder: of the library ``tokenizers``, without truncation and padding.
        template: special tokens around a pair.
        fingerprint: sha256 of the tokenizer's whole definition.
        saver: the transformers tokenizer, to save with a model.
    """

    encoder: Tokenizer
    template: PairTemplate
    fingerprint: str
    saver: Any


def load_tokenizer(settings: BackboneSettings) -> TokenizerFacts:
    """Load a fast tokenizer that keeps capital letters if its vocabulary has them.

    Text for a folder or hub repository without ``tokenizer_config.json`` (such as SpanBERT's) would
    be lowercased by default, although the vocabulary is cased.

    Raises:
        BackboneError: there is no such tokenizer, no fast one, or it loses capital letters.
    """
    given = {} if settings.lowercase is None else {"do_lower_case": settings.lowercase}
    tokenizer = _load(AutoTokenizer, settings, use_fast=True, **given)
    _refuse_empty(tokenizer, settings.name)
    if settings.lowercase is None and _loses_capitals(tokenizer):
        tokenizer = _load(AutoTokenizer, settings, use_fast=True, do_lower_case=False)
    if not settings.lowercase and _loses_capitals(tokenizer):
        raise BackboneError(
            f"The tokenizer of {settings.name} loses the capital letters of its own vocabulary; "
            f"correct its files, or set backbone.lowercase = true if that is intended."
        )
    if not getattr(tokenizer, "is_fast", False):
        raise BackboneError(
            f"The tokenizer of {settings.name} has no fast version, so it gives no offsets into "
            f"the context; save one with tokenizer.json beside the model."
        )
    encoder = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    encoder.no_truncation()
    encoder.no_padding()
    return TokenizerFacts(
        encoder=encoder,
        template=_template(tokenizer, settings.name),
        fingerprint=hashlib.sha256(encoder.to_str().encode()).hexdigest(),
        saver=tokenizer,
    )


def _refuse_empty(tokenizer: Any, name: str) -> None:
    """Refuse a tokenizer without words, which transformers makes where its files are missing."""
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):
        raise BackboneError(
            f"The tokenizer of {name} knows no word: the files of a {type(tokenizer).__name__} are "
            f"not there; save tokenizer.json beside the model, or name the right tokenizer_class "
            f"in tokenizer_config.json."
        )


def _load(kind: Any, settings: BackboneSettings, **options: Any) -> Any:
    _refuse_no_place(settings.name)
    try:
        with _quiet():
            place = str(_PACKAGED.get(settings.name, settings.name))
            # By default transformers would ask at the terminal whether to run a repository's code.
            return kind.from_pretrained(
                place, revision=settings.revision, trust_remote_code=False, **options
            )
    # Hub clients, parsers and model code raise many kinds of errors for a wrong name.
    except Exception as error:
        raise BackboneError(
            f"{_place(settings.name)} cannot be loaded ({_cause(settings.name, error)}); name a "
            f"local folder with config.json, weights and tokenizer files, or a hub model that can "
            f"be reached."
        ) from error


def _refuse_no_place(name: str) -> None:
    """Refuse what is neither a folder nor possibly a name on the hub, and what would hang."""
    if name in _PACKAGED:
        return
    if not _is_folder(name):
        if not _HUB_NAME.fullmatch(name):
            raise BackboneError(
                f"There is no folder {name!r}, which backbone.name asks for; name a local folder "
                f"with config.json, weights and tokenizer files, or a hub model."
            )
        return
    for path in Path(name).iterdir():
        if path.exists() and not path.is_file() and not path.is_dir():
            raise BackboneError(f"{path} is not a regular file; put a copy of the file there.")


def _is_folder(name: str) -> bool:
    # False for what no path can be, where pathlib would raise.
    return os.path.isdir(name)  # noqa: PTH112


def _place(name: str) -> str:
    if _is_folder(name):
        return f"The folder {name!r} of backbone.name"
    return f"{name!r} of backbone.name is no folder here, and as a hub model it"


def _cause(name: str, error: Exception) -> str:
    """What is known to be wrong, in our own words; else the library's, with its advice."""
    found = _lacking(Path(name)) if _is_folder(name) else None
    if found is None and not _is_folder(name):
        switches = [one for one in _OFFLINE if os.environ.get(one, "").lower() in _ON]
        if switches:
            found = f"{switches[0]} is set, so only what is already downloaded can be loaded"
    return found or shortened(f"{type(error).__name__}: {safe(str(error))}".rstrip("."), 300)


_OFFLINE, _ON = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"), ("1", "on", "yes", "true")
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "*.spm")


def _lacking(folder: Path) -> str | None:
    """What a folder needs and does not have."""
    config = folder / "config.json"
    if not config.is_file():
        return "it has no config.json"
    try:
        written = read_json(config)
    except JSONError as error:
        return str(error)
    if not isinstance(written, dict) or not written.get("model_type"):
        return (
            'its config.json has no "model_type", which names the architecture: write it there, '
            'for example "model_type": "bert"'
        )
    for what, patterns in (("weights", _WEIGHTS), ("tokenizer", _TOKENIZERS)):
        if not any(path for pattern in patterns for path in folder.glob(pattern)):
            return f"it has no {what}: none of {', '.join(patterns)}"
    if (folder / "vocab.json").is_file() and not any(
        (folder / one).is_file() for one in ("merges.txt", "tokenizer.json")
    ):
        return "its tokenizer has vocab.json but no merges.txt"
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Turn off transformers' own progress bars and load reports: the checks here report instead."""
    level = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()


def _loses_capitals(tokenizer: Any) -> bool:
    """Whether tokenization changes capitalised whole words of the vocabulary."""
    words = (
        match[1] for match in map(_CAPITALISED.fullmatch, sorted(tokenizer.get_vocab())) if match
    )
    some = [word for word, _ in zip(words, range(100), strict=False)]
    kept = sum(word in "".join(tokenizer.tokenize(word)) for word in some)
    return bool(some) and kept < len(some)


def _template(tokenizer: Any, name: str) -> PairTemplate:
    pair = tokenizer("a", "b", return_token_type_ids=True)
    parts = pair.sequence_ids()
    if 0 not in parts or 1 not in parts or parts[0] is not None:
        raise BackboneError(
            f"The tokenizer of {name} does not begin a question-context pair with a special token, "
            f"which means 'no answer'; use an encoder with a [CLS] or <s> token in front."
        )
    ids, types = pair["input_ids"], pair["token_type_ids"]
    question, context = parts.index(0), parts.index(1)
    question_end = len(parts) - parts[::-1].index(0)
    context_end = len(parts) - parts[::-1].index(1)
    pad = tokenizer.pad_token_id
    return PairTemplate(
        before=tuple(ids[:question]),
        between=tuple(ids[question_end:context]),
        after=tuple(ids[context_end:]),
        pad_id=0 if pad is None else pad,
        types=(types[0], types[question], types[question_end], types[context], types[-1])
        if "token_type_ids" in tokenizer.model_input_names
        else None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """A pretrained encoder, in float32, without a pooler.

    Attributes:
        model: maps input ids to hidden states.
        hidden_size: H.
        max_length: the longest window that it has positions for, in tokens.
        weights_hash: sha256 of its initial weights.
        revision: the hub commit it came from; ``None`` for a folder.
    """

    model: nn.Module
    hidden_size: int
    max_length: int
    weights_hash: str
    revision: str | None


def load_encoder(settings: BackboneSettings) -> Encoder:
    """Load an encoder, and stop if any of its weights would be newly initialised.

    Raises:
        BackboneError: it cannot be loaded, is not an encoder, or its files lack a weight or hold
            one that is NaN or infinite.
    """
    config = _load(AutoConfig, settings)
    if getattr(config, "is_encoder_decoder", False):
        raise BackboneError(
            f"{settings.name} is an encoder-decoder model; backbone.name must be an encoder."
        )
    _set_attention_dropout(settings, config)
    model, info = _load_model(settings, config)
    _refuse_not_finite(settings, model)
    missing = sorted(info["missing_keys"]) + sorted(str(one) for one in info["mismatched_keys"])
    if missing:
        raise BackboneError(
            f"{settings.name} lacks {len(missing)} encoder weights, which would be random (first: "
            f"{missing[0]}); use a complete checkpoint of this architecture."
        )
    return Encoder(
        model=model,
        hidden_size=config.hidden_size,
        max_length=_positions(config),
        weights_hash=weights_hash(model.state_dict()),
        revision=getattr(config, "_commit_hash", None),
    )


def _load_model(settings: BackboneSettings, config: Any) -> tuple[nn.Module, dict[str, Any]]:
    options = {"config": config, "dtype": torch.float32, "output_loading_info": True}
    try:
        return _load(AutoModel, settings, add_pooling_layer=False, **options)  # type: ignore[no-any-return]
    except BackboneError as error:
        # Some encoder classes, such as DeBERTa's, have no pooler to leave out.
        if "add_pooling_layer" not in str(error.__cause__):
            raise
    return _load(AutoModel, settings, **options)  # type: ignore[no-any-return]


def _refuse_not_finite(settings: BackboneSettings, model: nn.Module) -> None:
    """Refuse weights that would look like a training that diverged."""
    for name, value in model.state_dict().items():
        if not torch.isfinite(value).all():
            raise BackboneError(
                f"{settings.name} has encoder weights that are NaN or infinite (first: {name}); "
                f"its files are damaged: save or download them again."
            )


def _set_attention_dropout(settings: BackboneSettings, config: Any) -> None:
    if settings.attention_dropout is None:
        return
    names = [name for name in _ATTENTION_DROPOUT if hasattr(config, name)]
    if not names:
        raise BackboneError(
            f"The configuration of {settings.name} has none of {', '.join(_ATTENTION_DROPOUT)}; "
            f"remove backbone.attention_dropout."
        )
    setattr(config, names[0], settings.attention_dropout)


# BERT's and most others' name; DistilBERT's and ModernBERT's.
_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")


def _positions(config: Any) -> int:
    """The longest window with position embeddings, in tokens."""
    positions = int(getattr(config, "max_position_embeddings", 0) or 1 << 30)
    # RoBERTa counts positions from the padding index on.
    offset = (config.pad_token_id or 0) + 1 if config.model_type in COUNT_FROM_PADDING else 0
    return positions - offset


COUNT_FROM_PADDING = {"roberta", "xlm-roberta", "camembert", "longformer", "mpnet", "data2vec-text"}


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """sha256 of names, shapes, dtypes and bytes of the tensors, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
