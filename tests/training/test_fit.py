"""A tokenizer and an encoder that do not fit are served or refused before anything is trained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoTokenizer,
    BertConfig,
    DistilBertConfig,
    DistilBertModel,
    RobertaConfig,
    RobertaModel,
)

from qabench.benchmarks.settings import BackboneSettings
from qabench.errors import BackboneError
from qabench.training.backbone import load_encoder, load_tokenizer
from qabench.training.fit import fitted

SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture
def folder(encoder_folder: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    copy = tmp_path / "encoder"
    shutil.copytree(encoder_folder, copy)
    return copy


def fit(folder: Path):
    settings = BackboneSettings(str(folder))
    encoder = load_encoder(settings)
    tokenizer, changed = fitted(load_tokenizer(settings), encoder, str(folder))
    return tokenizer, encoder, changed


def rows(folder: Path) -> int:
    return BertConfig.from_pretrained(folder).vocab_size


def roberta(folder: Path, **changes) -> None:
    given = {"vocab_size": rows(folder), "type_vocab_size": 1, "pad_token_id": 0}
    config = RobertaConfig(**SIZES, **{"intermediate_size": 8, **given, **changes})
    RobertaModel(config).save_pretrained(folder)
    classes = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(classes))


def test_what_fits_stays_the_same(folder):
    settings = BackboneSettings(str(folder))
    tokenizer = load_tokenizer(settings)
    assert fitted(tokenizer, load_encoder(settings), "x") == (tokenizer, None)
    assert tokenizer.template.types == (0, 0, 0, 1, 1)


def test_an_encoder_with_fewer_token_types_gets_none_and_that_is_said(folder):
    roberta(folder)
    tokenizer, encoder, changed = fit(folder)
    assert tokenizer.template.types is None
    assert "2 token types and the encoder fewer, so all tokens have type 0" in changed
    ids = torch.tensor([[2, 7, 3, 8, 3]])
    assert torch.equal(
        encoder.model.eval()(ids).last_hidden_state,
        encoder.model(ids, token_type_ids=torch.zeros_like(ids)).last_hidden_state,
    )


def test_an_encoder_that_takes_no_token_types_gets_none(folder):
    config = DistilBertConfig(vocab_size=rows(folder), dim=32, n_layers=1, n_heads=2, hidden_dim=8)
    DistilBertModel(config).save_pretrained(folder)
    tokenizer, _, changed = fit(folder)
    assert tokenizer.template.types is None
    assert changed is not None


def test_a_token_without_an_embedding_is_refused_with_both_numbers(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["zzOstby", "Vell."])
    tokenizer.save_pretrained(folder)
    last = rows(folder) - 1
    with pytest.raises(BackboneError) as caught:
        fit(folder)
    assert f"has ids up to {last + 2} ('Vell.')" in str(caught.value)
    assert f"embeddings for {last + 1} tokens, 0 to {last}; use the tokenizer" in str(caught.value)


def test_padding_that_shifts_positions_is_refused(folder):
    roberta(folder, pad_token_id=1)
    with pytest.raises(BackboneError, match=r"pads with id 0, .* positions by padding id 1; set"):
        fit(folder)


def spoiled_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    del config["model_type"]
    (folder / "config.json").write_text(json.dumps(config))


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def no_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoiled_config, 'has no "model_type", which names the architecture: write it there'),
        (no_weights, r"has no weights: none of \*\.safetensors"),
        (no_tokenizer, "knows no word: the files of a Bert"),
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "is not valid JSON"),
    ],
)
def test_what_a_folder_lacks_is_named(folder, spoil, said):
    spoil(folder)
    with pytest.raises(BackboneError, match=said) as caught:
        fit(folder)
    assert "\n" not in str(caught.value)


def test_a_hub_model_that_is_not_here_while_offline_names_the_switch(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BackboneError, match="HF_HUB_OFFLINE is set, so only what is already"):
        load_tokenizer(BackboneSettings("nobody/nothing-of-this-name"))
