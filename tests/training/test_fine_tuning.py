"""What is our own in training: the order of windows, two learning rates, batches, the log."""

from __future__ import annotations

import dataclasses
import json
import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from qabench.benchmarks import settings as benchmark
from qabench.data.examples import QAExample
from qabench.heads import Head, LabelledBatch, SpanScores, WindowBatch
from qabench.training.backbone import load_encoder, load_tokenizer
from qabench.training.batches import LengthGroupedOrder, LongestFirst, WindowDataset, padding_share
from qabench.training.fine_tuning import FineTuner, TrainingSetup
from qabench.training.hardware import Hardware, pick_hardware
from qabench.training.log import log_lines
from qabench.training.model import QAModel, collate
from qabench.windows.cutting import make_windows


@pytest.fixture(scope="module")
def settings(benchmark_file):
    return benchmark.load(str(benchmark_file))


@pytest.fixture(scope="module")
def examples():
    return [
        QAExample(str(number), "Where ?", "Anna lives . " * (1 + number * 7 % 12), ())
        for number in range(40)
    ]


@pytest.fixture(scope="module")
def windows(settings, examples):
    tokenizer = load_tokenizer(settings.backbone)
    return make_windows(examples, tokenizer.encoder, tokenizer.template, settings.windows)


class TinyHead(Head):
    """A head with a weight, a bias and a norm."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.project = nn.Linear(size, 2)
        self.norm = nn.LayerNorm(size)

    def loss(self, states, batch):
        return self.project(self.norm(states)).mean()

    def spans(self, states, batch, n_best, max_answer_tokens):
        zeros = torch.zeros(len(states), n_best)
        return SpanScores(zeros.long(), zeros.long(), zeros.log(), zeros[:, 0])


@pytest.fixture(scope="module")
def data(windows, examples):
    return WindowDataset(windows, examples)


def tuner_of(settings, data, folder, encoder=None):
    size = 4 if encoder is None else encoder.hidden_size
    model = QAModel(encoder.model if encoder else nn.Linear(4, 4), TinyHead(size), 2, 3)
    setup = TrainingSetup(settings.training, 0.5, Hardware("cpu", "x", "fp32", 1), seed=3)
    return FineTuner(model, data, data, setup, lambda spans: {}, folder)


def test_a_fine_tuner_trains_and_predicts_as_it_was_constructed(settings, data, tmp_path):
    tuner = tuner_of(settings, data, tmp_path, load_encoder(settings.backbone))
    outcome = tuner.fine_tune()
    assert outcome.steps == 2 * math.ceil(len(data) / settings.training.batch_size)
    assert 0 < outcome.seconds.loader < outcome.seconds.training
    assert 0 < outcome.seconds.evaluation < outcome.seconds.training
    written = (tmp_path / "training_log.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in written] == [*map(dataclasses.asdict, outcome.log)]
    assert sorted(tuner.predict_spans(data).window) == [*range(len(data))]


def test_every_epoch_is_a_new_permutation_that_seed_and_epoch_decide(windows):
    order = LengthGroupedOrder(windows, 8, seed=1)
    first = list(order)
    assert sorted(first) == list(range(len(windows)))
    assert list(order) == first
    order.set_epoch(1)
    assert list(order) != first
    order.set_epoch(0)
    assert list(order) == first
    assert list(LengthGroupedOrder(windows, 8, seed=2)) != first


def test_batches_hold_windows_of_like_length(windows):
    lengths = windows.total_lengths()
    order = list(LengthGroupedOrder(windows, 8, seed=1))
    grouped = sum(lengths[order[at : at + 8]].max() * 8 for at in range(0, len(order), 8))
    in_file_order = sum(lengths[at : at + 8].max() * 8 for at in range(0, len(lengths), 8))
    assert lengths.sum() <= grouped < in_file_order


def test_the_trainer_tells_the_order_each_epoch(settings, data, tmp_path, monkeypatch):
    told = []
    original = LengthGroupedOrder.set_epoch
    monkeypatch.setattr(
        LengthGroupedOrder,
        "set_epoch",
        lambda self, epoch: (told.append(epoch), original(self, epoch)),
    )
    tuner = tuner_of(settings, data, tmp_path)
    loader = tuner.get_train_dataloader()
    assert isinstance(loader.batch_sampler.sampler, LengthGroupedOrder)
    loader.set_epoch(1)
    assert told[-1] == 1


def test_prediction_takes_the_longest_windows_first(windows):
    lengths = windows.total_lengths()[list(LongestFirst(windows))]
    assert (lengths[:-1] >= lengths[1:]).all()


def test_the_head_has_its_own_rate_and_biases_and_norms_do_not_decay(settings, data, tmp_path):
    tuner = tuner_of(settings, data, tmp_path)
    groups = tuner.create_optimizer().param_groups
    names = {id(parameter): name for name, parameter in tuner.model.named_parameters()}
    found = {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in groups
        for parameter in group["params"]
    }
    assert found == {
        "encoder.weight": (1e-3, 0.01),
        "encoder.bias": (1e-3, 0.0),
        "head.project.weight": (0.5, 0.01),
        "head.project.bias": (0.5, 0.0),
        "head.norm.weight": (0.5, 0.0),
        "head.norm.bias": (0.5, 0.0),
    }


def test_a_batch_is_padded_to_its_longest_window_and_masks_say_what_is_what(windows):
    chosen = [0, 1, 2]
    batch = collate(windows, chosen)
    lengths = windows.total_lengths()[chosen]
    assert batch["input_ids"].shape == (3, lengths.max())
    assert batch["attention_mask"].sum(1).tolist() == lengths.tolist()
    assert batch["context_mask"].sum(1).tolist() == windows.length[chosen].tolist()
    for row, index in enumerate(chosen):
        ids, types = windows.token_ids(index)
        assert batch["input_ids"][row, : len(ids)].tolist() == ids.tolist()
        assert (batch["input_ids"][row, len(ids) :] == windows.template.pad_id).all()
        assert batch["token_type_ids"][row, : len(ids)].tolist() == types.tolist()
        context = batch["context_mask"][row].nonzero().flatten().tolist()
        assert context[0] == windows.context_position()[index]
        assert context == list(range(context[0], context[-1] + 1))


def test_the_padding_share_is_counted_over_the_batches_of_an_order(windows):
    order = list(LengthGroupedOrder(windows, 8, seed=1))
    batches = [collate(windows, order[at : at + 8])["attention_mask"] for at in range(0, 40, 8)]
    positions = sum(mask.numel() for mask in batches)
    padding = positions - sum(int(mask.sum()) for mask in batches)
    assert padding_share(windows, order, 8) == pytest.approx(padding / positions)
    assert padding_share(windows, [0, 1, 2], 1) == 0


def test_length_grouped_batches_have_less_padding_than_random_ones(windows):
    order = list(LengthGroupedOrder(windows, 8, seed=1))
    assert padding_share(windows, order, 8) < padding_share(windows, sorted(order), 8)


def test_log_lines_keep_training_and_validation_and_leave_out_the_summary():
    history = [
        {"loss": 1.5, "learning_rate": 0.1, "grad_norm": 2.0, "epoch": 0.5, "step": 1},
        {"eval_loss": 1.0, "eval_exact": 50.0, "eval_f1": 60.0, "epoch": 1.0, "step": 2},
        {"train_runtime": 3.0, "train_loss": 1.5, "epoch": 1.0, "step": 2},
    ]
    train, validation = map(dataclasses.asdict, log_lines(history))
    assert (train["train_loss"], train["validation_loss"]) == (1.5, None)
    assert (validation["exact"], validation["f1"], validation["train_loss"]) == (50.0, 60.0, None)
    assert json.loads(json.dumps(train)) == train


class Listener(TinyHead):
    """Writes down what it is asked, and which batch it got."""

    def __init__(self, size):
        super().__init__(size)
        self.heard = []

    def loss(self, states, batch):
        self.heard.append(("loss", type(batch)))
        return super().loss(states, batch)

    def spans(self, states, batch, n_best, max_answer_tokens):
        self.heard.append(("spans", type(batch)))
        return super().spans(states, batch, n_best, max_answer_tokens)


class Counted(nn.Module):
    """An encoder that counts its passes."""

    def __init__(self):
        super().__init__()
        self.passes = 0

    def forward(self, input_ids, attention_mask, **_):
        self.passes += 1
        return SimpleNamespace(last_hidden_state=torch.zeros(*input_ids.shape, 4))


def test_spans_are_asked_for_before_golds_are_given_in_one_pass_of_the_encoder(windows):
    model = QAModel(Counted(), Listener(4), 2, 3).eval()
    found = model(**collate(windows, [0, 1]))
    assert model.head.heard == [("spans", WindowBatch), ("loss", LabelledBatch)]
    assert model.encoder.passes == 1
    assert found.keys() == {"window", "start", "end", "score", "null_score", "loss"}
    model.train()
    assert model(**collate(windows, [0, 1])).keys() == {"loss"}


def test_a_prediction_that_is_scored_gets_no_golds_at_all(settings, data, tmp_path):
    tuner = tuner_of(settings, data, tmp_path)
    heard = []
    for loader in (tuner.get_test_dataloader(data), tuner.get_eval_dataloader(data)):
        heard.append({"start", "end"} & next(iter(loader)).keys())
    assert heard == [set(), {"start", "end"}]


@pytest.mark.parametrize("norm", [float("inf"), float("nan")])
def test_an_overflowed_gradient_norm_is_left_out_of_the_log(norm):
    (line,) = log_lines([{"loss": 1.0, "grad_norm": norm, "epoch": 0.5, "step": 1}])
    assert line.gradient_norm is None


def test_a_cpu_computes_in_fp32_unless_told_and_with_the_threads_asked_for(settings):
    found = pick_hardware(settings.training)
    assert (found.device, found.precision, found.threads) == ("cpu", "fp32", 1)
    told = dataclasses.replace(settings.training, precision="bf16")
    assert pick_hardware(told).precision == "bf16"
    assert str(found).endswith("fp32, 1 thread")


def test_the_twenty_best_spans_of_a_window_are_kept_in_300_bytes(settings, data, tmp_path):
    places, scores = torch.ones(4, 20, dtype=torch.int64), torch.zeros(4, 20)

    def model(window):
        names = ("loss", "window", "start", "end", "score", "null_score")
        values = (scores.mean(), window, places, places, scores, scores[:, 0])
        return dict(zip(names, values, strict=True))

    tuner = tuner_of(settings, data, tmp_path)
    _, kept, _ = tuner.prediction_step(model, {"window": torch.arange(4)})
    assert [one.tolist() for one in kept] == [
        one.tolist() for one in (torch.arange(4), places, places, scores, scores[:, 0])
    ]
    assert sum(one.numel() * one.element_size() for one in kept) <= 4 * 300
