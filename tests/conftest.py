"""Small made-up data and a tiny encoder, so that every test runs offline in seconds."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from support.people import FILLER, NAMES, PLACES, THINGS, squad

# Before anything imports the hub client, which reads it once: no test reaches for the network.
os.environ["HF_HUB_OFFLINE"] = "1"
# Any example may be slow while other tests run beside it.
hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run slow tests too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="slow; run with --slow")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)


@pytest.fixture(autouse=True)
def one_torch_thread() -> None:
    """Results are only bit-repeatable, and quick on a busy machine, on one thread."""
    import sys

    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="module")
def hears_ctrl_c() -> Iterator[None]:
    """SIGINT arrives even where a shell that started the tests in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def data_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A training and a dev file."""
    folder = tmp_path_factory.mktemp("data")
    train, dev = folder / "train.json", folder / "dev.json"
    train.write_text(json.dumps(squad(48, seed=1)))
    dev.write_text(json.dumps(squad(18, seed=2, filler=3)))
    return train, dev


def vocabulary() -> list[str]:
    words = sorted(
        set(
            " ".join(
                [*NAMES, *PLACES, *THINGS, FILLER, "lives owns Where What does live own ?"]
            ).split()
        )
    )
    letters = sorted(
        set("".join(words) + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?-'")
    )
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return [*special, *dict.fromkeys(words + letters), *(f"##{letter}" for letter in letters)]


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny cased BERT as SpanBERT is published: vocab.txt and config.json, no tokenizer files."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("encoder")
    words = vocabulary()
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    torch.manual_seed(0)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    return folder


@pytest.fixture(scope="session")
def benchmark_file(
    tmp_path_factory: pytest.TempPathFactory, data_files: tuple[Path, Path], encoder_folder: Path
) -> Path:
    """A benchmark over the tiny data and encoder that trains in seconds."""
    train, dev = data_files
    path = tmp_path_factory.mktemp("benchmark") / "tiny.toml"
    path.write_text(
        f"""
name = "tiny"
summary = "made-up people"

[data]
train = '{train}'
dev = '{dev}'

[backbone]
name = '{encoder_folder}'

[windows]
max_length = 48
overlap = 8
max_question_tokens = 16

[training]
epochs = 2
batch_size = 8
learning_rate = 1e-3
head_learning_rate = 3e-3
logging_steps = 2
threads = 1
device = "cpu"
"""
    )
    return path


@pytest.fixture(scope="session")
def heads() -> list[str]:
    """The names of the installed heads; each plugin is also tested by itself against the core."""
    from qabench.plugins.discovery import discover

    names = [head.name for head in discover().heads]
    if not names:
        pytest.skip("no head is installed; for example: pip install ./plugins/spanbert_linear")
    return names
