"""A data set of the Hub gives the same examples as a file; a failure is one clear sentence."""

import datasets
import pytest
from support.formats import EXAMPLES, columns, flat, rows

from qabench.data.examples import fingerprint
from qabench.data.hub import read_hub
from qabench.errors import DataError


def hub_holds(monkeypatch, records):
    calls = []

    def load_dataset(*args, **options):
        calls.append((args, options))
        return datasets.Dataset.from_list(records)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls


@pytest.mark.parametrize("form", [columns, rows])
def test_a_hub_data_set_gives_the_same_examples_as_a_file(monkeypatch, form):
    calls = hub_holds(monkeypatch, [record | {"extra": 1} for record in flat(EXAMPLES, form)])
    read = read_hub("someone/squad", "abc123", "validation")
    assert read.examples == EXAMPLES
    assert read.fingerprint == fingerprint(EXAMPLES)
    assert read.source == "someone/squad@abc123:validation"
    assert calls == [(("someone/squad",), {"revision": "abc123", "split": "validation"})]


def test_hub_records_are_audited(monkeypatch):
    records = flat(EXAMPLES)
    records[0]["question"] = ""
    hub_holds(monkeypatch, records)
    with pytest.raises(DataError, match=r"someone/squad@main:dev, question 'q1', field 'question'"):
        read_hub("someone/squad", "main", "dev")
    assert len(read_hub("someone/squad", "main", "dev", "skip").skipped) == 1


def test_a_hub_data_set_must_have_the_columns(monkeypatch):
    hub_holds(monkeypatch, [{"text": "Ada"}])
    with pytest.raises(DataError, match="has no column 'question', 'context', 'answers'"):
        read_hub("someone/squad", "main", "dev")


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionError("Couldn't reach the Hub\nwith details"),
        datasets.exceptions.DatasetNotFoundError("doesn't exist"),
        ValueError("Unknown split"),
        RuntimeError(),
    ],
)
def test_a_hub_failure_says_how_to_fix_it(monkeypatch, failure):
    def load_dataset(*args, **options):
        raise failure

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError) as caught:
        read_hub("someone/squad", "main", "dev")
    message = str(caught.value)
    assert message.startswith("someone/squad@main:dev: cannot be loaded")
    assert type(failure).__name__ in message
    assert "HF_HUB_OFFLINE" in message
    assert "data.train=PATH" in message
    assert "\n" not in message


def test_a_folder_here_is_never_read_in_place_of_the_hub(monkeypatch, tmp_path):
    (tmp_path / "someone" / "squad").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    calls = hub_holds(monkeypatch, flat(EXAMPLES))
    with pytest.raises(DataError, match="would be read in place of the Hub"):
        read_hub("someone/squad", "main", "dev")
    assert calls == []
