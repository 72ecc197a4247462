"""``python perf`` compares every stage with its peer, finds equal results, and writes them down."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT

from qabench.data.examples import GoldAnswer, QAExample

PERF = ROOT / "perf"
pytestmark = pytest.mark.skipif(not PERF.is_dir(), reason="perf/ is in the repository only")

QUICK = ("windows", "crf", "answers", "scores")
EXPECTED = {
    "windows": {
        "training windows, the encoder's tokenizer",
        "training windows, byte-level BPE",
        "validation windows, the encoder's tokenizer",
    },
    "crf": {
        "BIO loss, 2 x 48 tokens",
        "single-span loss, 2 x 48 tokens",
        "best span, 2 x 48 tokens",
    },
    "answers": {"answers, null odds, n-best lists", "the same as columns, no dictionaries"},
    "scores": {
        "one prediction file",
        "1 further files, the golds made ready",
        "the whole command",
        "the whole command, as many questions as SQuAD's",
    },
    "training": {"forward and backward, the same dropout", "inference"},
    "start-up": {
        f"qabench {one}" for one in ("--help", "plugins", "benchmarks", "report", "score")
    },
}


@pytest.fixture
def modules(monkeypatch):
    """Imports a module of the suite as ``python perf`` would."""
    monkeypatch.syspath_prepend(PERF)
    return importlib.import_module


def perf(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path[1:])}
    return subprocess.run(
        [sys.executable, str(PERF), *words],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=500,
    )


def assert_whole(done: subprocess.CompletedProcess[str], folder: Path, stages: set[str]) -> dict:
    assert done.returncode == 0, done.stderr
    results = json.loads((folder / "perf" / "results.json").read_text("utf-8"))
    found: dict[str, set[str]] = {stage: set() for stage in stages}
    for one in results["comparisons"]:
        found[one["stage"]].add(one["name"])
        assert one["agrees"], one
        assert one["ratio"] == pytest.approx(one["theirs_median"] / one["ours_median"])
        assert one["name"] in done.stdout
    assert found == {stage: EXPECTED[stage] for stage in stages}
    return results


def test_quick_stages_agree_with_their_peers_and_are_written_down(tmp_path, modules):
    pytest.importorskip("spanbert_crf")
    only = [word for stage in QUICK for word in ("--only", stage)]
    results = assert_whole(perf(tmp_path, "--small", *only), tmp_path, set(QUICK))
    assert {one["stage"] for one in results["growth"]} == set(QUICK)
    assert all(one["ours"] < one["theirs"] for one in results["counts"])
    page = (tmp_path / "docs" / "performance.md").read_text("utf-8")
    assert page == modules("outcome").page(results)
    assert results["machine"]["processor"] in page


@pytest.mark.slow
def test_all_stages_agree_with_their_peers(tmp_path):
    for plugin in ("spanbert_crf", "spanbert_linear"):
        pytest.importorskip(plugin)
    results = assert_whole(perf(tmp_path, "--small"), tmp_path, set(EXPECTED))
    timed = {one["name"]: one["sizes"] for one in results["growth"] if one["stage"] == "load"}
    assert timed.keys() >= {"read training questions", "cut dev windows", "predict", "score"}
    assert timed == {one["name"]: one["sizes"] for one in results["memory"]}
    assert all(min(one["mebibytes"]) > 1 for one in results["memory"])


def test_made_up_questions_are_valid_and_as_long_as_squads(modules):
    synthetic = modules("synthetic")
    side = dataclasses.replace(synthetic.TRAIN, questions=7 * 400)
    made = list(synthetic.questions(side, ["alpha", "beta", "gamma"], seed=3))
    assert made == list(synthetic.questions(side, ["alpha", "beta", "gamma"], seed=3))
    assert len(made) == len({one.id for one in made}) == 2800
    contexts = list(dict.fromkeys(one.context for one in made))
    assert len(contexts) == 400
    for one in made:
        for gold in one.answers:
            assert one.context.startswith(gold.text, gold.start)
            assert 1 <= len(gold.text.split()) <= 26
    assert statistics.median(len(one.split()) for one in contexts) == pytest.approx(114, rel=0.1)
    assert statistics.median(len(one.question.split()) for one in made) == 10
    without = sum(not one.answers for one in made) / len(made)
    assert without == pytest.approx(0.33, abs=0.04)


def test_turned_copies_have_other_texts_at_the_same_places(modules):
    example = QAExample("a", "Who? Zoë", "It was Zoë B.", (GoldAnswer("Zoë", 7),))
    first, second = modules("material").turned([example], 2)
    assert first == dataclasses.replace(example, id="a-0")
    assert second == QAExample("a-1", "Xip? Apë", "Ju xbt Apë C.", (GoldAnswer("Apë", 7),))


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    done = perf(tmp_path, "--small", "--data", "nowhere.json")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("nowhere.json does not exist; check the path")


def test_ways_take_turns_and_the_median_of_each_counts(modules):
    measuring, calls = modules("measuring"), []
    first, second = measuring.in_turns([lambda: calls.append("a"), lambda: calls.append("b")], 3)
    assert calls == ["a", "b"] * 3
    assert len(first.seconds) == len(second.seconds) == 3
    assert measuring.Timing((5.0, 1.0, 3.0)).median == 3.0
    assert measuring.Timing((4.0, 1.0)).median == 2.5


def test_the_ratio_is_the_peers_time_by_ours(modules):
    measuring = modules("measuring")
    ours, theirs = measuring.Timing((1.0, 2.0, 9.0)), measuring.Timing((8.0, 6.0, 1.0))
    one = measuring.Comparison("stage", "name", "peer", ours, theirs, 1, "items", True, "")
    assert one.ratio == 3.0
    assert one.spread == (1.0 / 9.0, 8.0)


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_the_exponent_is_the_power_of_the_growth(modules, power):
    sizes = modules("measuring").doublings(80, 4)
    assert sizes == [10, 20, 40, 80]
    seconds = [0.003 * size**power for size in sizes]
    assert modules("measuring").exponent(sizes, seconds) == pytest.approx(power)


def test_different_results_are_told_and_do_not_stop_the_rest(modules):
    measuring = modules("measuring")

    def agree(ours: int, theirs: int) -> str:
        if ours != theirs:
            raise measuring.DisagreementError(f"{ours} and {theirs}")
        return "equal"

    bench = measuring.Bench("stage", 1)
    same = bench.compare("name", "peer", lambda: 1, lambda: 1, agree, (1, "items"))
    other = bench.compare("name", "peer", lambda: 1, lambda: 2, agree, (1, "items"))
    assert (same.agrees, same.agreement) == (True, "equal")
    assert (other.agrees, other.agreement) == (False, "1 and 2")


def test_of_two_n_best_lists_only_a_better_one_of_the_peers_is_a_disagreement(modules):
    is_better = modules("stages.answers")._is_better

    def listed(*pairs: tuple[str, float]) -> list[dict]:
        return [{"text": text, "score": score} for text, score in pairs]

    exact = listed(("a", 3.0), ("b", 2.0), ("", 1.0))
    assert not is_better(exact, listed(("a", 3.0), ("a", 2.5), ("b", 2.0), ("", 1.0)))
    assert is_better(exact, listed(("a", 3.0), ("c", 1.5)))
    with pytest.raises(modules("measuring").DisagreementError):
        is_better(exact, listed(("a", 3.0), ("c", 2.5)))


def test_operations_are_counted_backward_too_and_views_are_not(modules):
    import torch

    x = torch.ones(3, requires_grad=True)
    count = modules("operations").operations
    assert count(lambda: x.view(3, 1).T) == 0
    forward = count(lambda: (x * x).sum())
    assert forward == 2
    assert count(lambda: (x * x).sum().backward()) > forward


@pytest.mark.parametrize(
    ("gold", "expected"),
    [((0, "ab"), (3, 3)), ((3, "cd ef"), (4, 5)), ((6, "ef"), (6, 5)), (None, (0, 0))],
)
def test_run_qas_labels_are_right_but_at_a_windows_last_token(modules, gold, expected):
    """A window of ``[CLS] q [SEP] ab cd ef [SEP]`` and no padding."""
    label = modules("peers.features")._label
    spans = [(0, 0), (0, 1), (0, 0), (0, 2), (3, 5), (6, 8), (0, 0)]
    parts = [None, 0, None, 1, 1, 1, None]
    start, text = gold or (None, None)
    answers = {"answer_start": [start] if gold else [], "text": [text] if gold else []}
    assert label(answers, spans, parts, 0) == expected
