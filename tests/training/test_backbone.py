"""Encoders load without a silent mistake, or not at all."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForQuestionAnswering, BertTokenizer

from qabench.benchmarks.settings import BackboneSettings
from qabench.errors import BackboneError
from qabench.training.backbone import load_encoder, load_tokenizer, weights_hash


@pytest.fixture
def folder(encoder_folder: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    copy = tmp_path / "encoder"
    shutil.copytree(encoder_folder, copy)
    return copy


def settings(folder: Path, **given) -> BackboneSettings:
    return BackboneSettings(str(folder), **given)


def change_weights(folder: Path, change) -> None:
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def test_a_cased_vocabulary_without_tokenizer_config_is_not_lowercased(folder):
    assert not (folder / "tokenizer_config.json").exists()
    tokenizer = load_tokenizer(settings(folder))
    assert tokenizer.encoder.encode("Paris", add_special_tokens=False).tokens == ["Paris"]


def test_an_uncased_vocabulary_is_lowercased_as_before(folder):
    words = (folder / "vocab.txt").read_text().split("\n")
    lowered = list(dict.fromkeys(w if w.startswith("[") else w.lower() for w in words))
    (folder / "vocab.txt").write_text("\n".join(lowered))
    tokenizer = load_tokenizer(settings(folder))
    assert tokenizer.encoder.encode("Paris", add_special_tokens=False).tokens == ["paris"]


def test_lowercasing_can_be_asked_for(folder):
    tokenizer = load_tokenizer(settings(folder, lowercase=True))
    assert "Paris" not in tokenizer.encoder.encode("Paris", add_special_tokens=False).tokens


def test_truncation_and_padding_baked_into_a_tokenizer_are_taken_out(folder):
    fast = BertTokenizer(str(folder / "vocab.txt"), do_lower_case=False)
    fast.backend_tokenizer.enable_truncation(4)
    fast.backend_tokenizer.enable_padding(length=4)
    fast.save_pretrained(folder)
    tokenizer = load_tokenizer(settings(folder))
    assert len(tokenizer.encoder.encode("Paris " * 9, add_special_tokens=False).ids) == 9


def test_the_template_is_what_the_tokenizer_puts_around_a_pair(folder):
    tokenizer = load_tokenizer(settings(folder))
    cls, sep = (tokenizer.encoder.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    template = tokenizer.template
    assert (template.before, template.between, template.after) == ((cls,), (sep,), (sep,))
    assert template.types == (0, 0, 0, 1, 1)


def test_an_encoder_loads_in_float32_without_a_pooler(folder):
    encoder = load_encoder(settings(folder))
    names = dict(encoder.model.named_parameters())
    assert not any("pooler" in name for name in names)
    assert {parameter.dtype for parameter in names.values()} == {torch.float32}
    assert (encoder.hidden_size, encoder.max_length) == (32, 128)


def test_half_precision_files_are_loaded_as_float32(folder):
    change_weights(folder, lambda state: {name: one.half() for name, one in state.items()})
    config = json.loads((folder / "config.json").read_text()) | {"dtype": "float16"}
    (folder / "config.json").write_text(json.dumps(config))
    encoder = load_encoder(settings(folder))
    assert {one.dtype for one in encoder.model.parameters()} == {torch.float32}


def test_bert_prefixed_weights_with_gamma_and_beta_load(folder):
    """As SpanBERT's file has them, and from a pickle-free reading of pytorch_model.bin."""

    def old_names(state):
        return {
            "bert."
            + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
                "LayerNorm.bias", "LayerNorm.beta"
            ): one
            for name, one in state.items()
        }

    before = load_encoder(settings(folder)).weights_hash
    state = old_names(load_file(folder / "model.safetensors"))
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    assert load_encoder(settings(folder)).weights_hash == before


def test_a_missing_encoder_weight_stops_the_run(folder):
    name = "encoder.layer.1.output.dense.weight"
    change_weights(folder, lambda state: {k: v for k, v in state.items() if k != name})
    with pytest.raises(BackboneError, match=r"lacks 1 encoder weights.*layer\.1\.output"):
        load_encoder(settings(folder))


def test_a_weight_of_another_shape_stops_the_run(folder):
    name = "encoder.layer.0.output.dense.bias"
    change_weights(folder, lambda state: {**state, name: torch.zeros(3)})
    with pytest.raises(BackboneError):
        load_encoder(settings(folder))


def test_weights_of_a_task_head_in_the_files_do_no_harm(folder):
    config = BertConfig.from_pretrained(folder)
    BertForQuestionAnswering(config).save_pretrained(folder)
    assert load_encoder(settings(folder)).hidden_size == 32


def test_a_folder_that_is_no_model_is_one_sentence(tmp_path):
    for load in (load_tokenizer, load_encoder):
        with pytest.raises(BackboneError, match="cannot be loaded") as caught:
            load(settings(tmp_path))
        assert "\n" not in str(caught.value)


def test_the_weights_hash_is_of_names_shapes_and_values():
    state = {"a": torch.arange(4.0), "b": torch.zeros(2, dtype=torch.bfloat16)}
    same = {"b": state["b"].clone(), "a": state["a"].clone()}
    assert weights_hash(state) == weights_hash(same)
    assert weights_hash(state) != weights_hash({**state, "a": state["a"].reshape(2, 2)})
    assert weights_hash(state) != weights_hash({**state, "a": state["a"] + 1})
    assert weights_hash(state) != weights_hash({"c": state["a"], "b": state["b"]})


def test_attention_dropout_of_the_benchmark_replaces_the_encoders(folder):
    attention = load_encoder(settings(folder, attention_dropout=0.0)).model.encoder.layer[0]
    assert attention.attention.self.dropout.p == 0.0
    attention = load_encoder(settings(folder, attention_dropout=0.3)).model.encoder.layer[0]
    assert attention.attention.self.dropout.p == 0.3


def test_attention_dropout_of_an_encoder_that_has_none_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    kept = ("hidden_size", "vocab_size", "num_hidden_layers", "num_attention_heads")
    small = {"model_type": "fnet", "intermediate_size": 8, **{name: config[name] for name in kept}}
    (folder / "config.json").write_text(json.dumps(small))
    with pytest.raises(BackboneError, match=r"remove backbone\.attention_dropout"):
        load_encoder(settings(folder, attention_dropout=0.0))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_found_when_they_are_loaded(folder, bad):
    def spoil(weights):
        name = "encoder.layer.1.output.dense.bias"
        weights[name][3] = bad
        return weights

    change_weights(folder, spoil)
    said = (
        r"NaN or infinite \(first: encoder\.layer\.1\.output\.dense\.bias\); its files are damaged"
    )
    with pytest.raises(BackboneError, match=said):
        load_encoder(settings(folder))


@pytest.mark.parametrize("name", ["./encoder", "path/to/encoder", "/nowhere", "~/x", "x" * 300])
def test_a_folder_that_is_missing_is_not_called_a_hub_model(name):
    with pytest.raises(BackboneError, match=f"There is no folder '{name}'"):
        load_tokenizer(BackboneSettings(name))


def test_what_may_be_a_folder_or_a_hub_model_is_called_neither():
    said = "'nobody/nothing' of backbone.name is no folder here, and as a hub model it cannot be"
    with pytest.raises(BackboneError, match=said):
        load_tokenizer(BackboneSettings("nobody/nothing"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_pipe_among_an_encoders_files_does_not_hang(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(BackboneError, match=r"config\.json is not a regular file"):
        load_tokenizer(settings(folder))
