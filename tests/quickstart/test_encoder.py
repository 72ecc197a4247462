"""The quickstart's encoder: how it starts, how it is pretrained, what is shipped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from qabench import quickstart
from qabench.base.files import sha256
from qabench.benchmarks.settings import BackboneSettings, load
from qabench.pretraining import pretrain
from qabench.pretraining.structure import structured_bert
from qabench.quickstart.corpus import read_generated
from qabench.training.backbone import load_encoder, load_tokenizer
from qabench.windows.cutting import make_windows

FOLDER = Path(quickstart.__file__).parent / "encoder"
SETTINGS = BackboneSettings("qabench:quickstart")


@pytest.fixture(scope="module")
def windows():
    tokenizer = load_tokenizer(SETTINGS)
    rules = load("quickstart").windows
    examples = read_generated("dev").examples
    return make_windows(examples, tokenizer.encoder, tokenizer.template, rules)


def test_the_shipped_encoder_is_what_its_pretraining_recorded():
    facts = json.loads((FOLDER / "pretraining.json").read_text("utf-8"))
    assert {name: sha256(FOLDER / name) for name in facts["sha256"]} == facts["sha256"]
    assert pretrain.Recipe(**facts["recipe"]) == pretrain.Recipe()


def test_the_shipped_encoder_is_small_and_trains_in_single_precision():
    assert (FOLDER / "model.safetensors").stat().st_size <= 1_500_000
    encoder = load_encoder(SETTINGS)
    assert isinstance(encoder.model, BertModel)
    assert {one.dtype for one in encoder.model.parameters()} == {torch.float32}
    assert encoder.max_length == load("quickstart").windows.max_length


def test_its_vocabulary_knows_every_word_of_the_benchmark(windows):
    tokenizer = load_tokenizer(SETTINGS)
    unknown = tokenizer.encoder.token_to_id("[UNK]")
    assert unknown is not None
    assert unknown not in windows.texts.ids


def test_contexts_overflow_and_no_gold_is_lost(windows):
    counts = windows.counts
    assert counts.questions_with_overflow > 0.15 * 1000
    assert counts.golds_outside_windows == 0
    assert counts.golds_not_on_token_borders == 0
    assert counts.clipped_questions == 0


def tiny(**options: int) -> BertConfig:
    return BertConfig(
        vocab_size=200,
        hidden_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        attn_implementation="eager",
        **options,
    )


def test_at_the_start_heads_match_words_across_segments_and_look_at_neighbours():
    model = structured_bert(tiny(), seed=0).eval()
    ids = torch.arange(10, 50)
    question, context = ids[:10], ids[10:].clone()
    context[17] = question[4]
    tokens = torch.cat([question, context]).unsqueeze(0)
    types = torch.tensor([[0] * 10 + [1] * 30])
    found = model(input_ids=tokens, token_type_ids=types, output_attentions=True)
    attention = found.attentions[0][0]
    for head in (0, 1):
        assert attention[head, 4].argmax() == 27
        assert attention[head, 27].argmax() == 4
    for head, distance in ((2, -1), (3, 1)):
        assert (attention[head].argmax(1)[2:-2] == torch.arange(2, 38) + distance).all()


def test_the_start_follows_from_the_seed():
    one, same, other = (structured_bert(tiny(), seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def short(monkeypatch):
    """A pretraining of twelve steps with a checkpoint after every four."""
    monkeypatch.setattr(pretrain, "_STEPS_TO_CHECKPOINT", 4)
    return pretrain.Recipe(steps=12, batch_size=4, warmup_steps=2)


def finish(recipe: pretrain.Recipe, folder: Path) -> dict[str, str]:
    pretraining = pretrain.Pretraining(recipe, folder)
    while pretraining.step < recipe.steps:
        list(pretraining.advance())
    pretraining.finish(folder)
    return json.loads((folder / "pretraining.json").read_text("utf-8"))["sha256"]


def test_an_interrupted_pretraining_ends_with_the_same_encoder(short, tmp_path):
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    list(pretrain.Pretraining(short, tmp_path / "broken").advance())
    begun = pretrain.Pretraining(short, tmp_path / "broken")
    assert begun.step == 4
    # What is lost between two checkpoints is made again.
    next(begun.advance())
    assert finish(short, tmp_path / "broken") == finish(short, tmp_path / "whole")
    loaded = load_encoder(BackboneSettings(str(tmp_path / "whole")))
    assert loaded.model.dtype == torch.float32


def test_a_checkpoint_of_another_recipe_is_refused(short, tmp_path):
    list(pretrain.Pretraining(short, tmp_path).advance())
    with pytest.raises(SystemExit, match="another seed or number of steps"):
        pretrain.Pretraining(pretrain.Recipe(steps=13), tmp_path)


def test_the_objective_is_the_mean_of_two_likelihoods(windows):
    model = pretrain.PretrainingModel(structured_bert(tiny(), 0)).eval()
    batch = next(pretrain.batches(windows, 4, 3, seed=0))
    batch["input_ids"] %= 200
    with torch.no_grad():
        spans, tags = model.logits(batch)
    starts, ends = spans.log_softmax(1).unbind(2)
    expected = 0.0
    for row in range(4):
        start, end = int(batch["start"][row]), int(batch["end"][row])
        expected -= float(starts[row, start] + ends[row, end])
        for token in np.flatnonzero(batch["context_mask"][row]):
            inside = start > 0 and start < token <= end
            gold = 1 if start > 0 and token == start else 2 if inside else 0
            expected -= float(tags[row, token].log_softmax(0)[gold])
    assert model(batch).item() == pytest.approx(expected / 2 / 4, rel=1e-5)


def test_the_learning_rate_climbs_stays_and_falls_to_zero():
    recipe = pretrain.Recipe(steps=1000, warmup_steps=100, decay=0.4)
    rates = [recipe.rate(step) / recipe.learning_rate for step in (0, 99, 500, 800, 999)]
    assert rates == pytest.approx([0.01, 1.0, 1.0, 0.5, 0.0025])


def test_pretraining_is_a_command(short, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrain, "Recipe", lambda **_: short)
    pretrain.main([str(tmp_path / "made"), "--steps", "4"])
    assert (tmp_path / "made" / "model.safetensors").exists()
