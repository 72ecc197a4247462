"""The kit finds what is broken in a head, and nothing else; the right heads pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
import torch
from support import broken_heads as broken
from support.places import ROOT

import qabench.testing
from qabench import HeadSpec, hookimpl
from qabench.cli import main
from qabench.errors import BenchmarkError, PluginError
from qabench.plugins import discovery as plugins
from qabench.testing import CheckError, HeadFactory, checks, installed


def spec_of(head: type[broken.GoodHead], **given) -> HeadSpec:
    fields = {"name": "made_up", "summary": "made up", **given}
    return HeadSpec(build=lambda hidden_size, options: head(hidden_size), **fields)


def failing(factory: HeadFactory) -> set[str]:
    return {str(check) for check in checks() if check.failure(factory)}


BROKEN = {
    "signatures_are_those_of_head": [broken.RenamesAnArgument, broken.SwapsTwoArguments],
    "initial_values_follow_the_seed": [
        broken.DrawsFromElsewhere,
        broken.LeavesMemoryUnset,
        broken.BeginsAbsurd,
    ],
    "saved_heads_predict_the_same": [broken.KeepsAPlainTensor, broken.SharesMemory],
    "loss_is_a_finite_scalar": [broken.LossByOne, broken.LossIsNoNumberWhereAllHaveAnswers],
    "loss_is_the_mean_over_windows": [broken.LossIsASum, broken.LossSeesPadding],
    "gradients_reach_everything": [broken.HasAnUnusedParameter, broken.DetachesTheStates],
    "learns_by_heart": [broken.LearnsTheStartForTheEnd, broken.HidesItsLoss],
    "null_score_points_to_no_answer": [
        broken.TurnsTheNullScoreRound,
        broken.LeavesTheNullScoreOut,
    ],
    "spans_have_their_shapes": [broken.ReturnsInt32, broken.ReturnsOneColumnTooFew],
    "spans_are_legal": [broken.AllowsOneTokenTooMany, broken.AnswersFromTheQuestion],
    "spans_are_distinct": [broken.ListsASpanTwice],
    "spans_are_sorted": [broken.PutsTheWorstFirst],
    "padding_changes_nothing": [broken.PoolsOverPadding, broken.MixesWindows],
    "evaluation_is_deterministic": [broken.DrawsInEvalMode],
    "golds_do_not_leak": [
        broken.RemembersGolds,
        broken.KeepsTheBatchOfLoss,
        broken.WalksFrames,
    ],
    "inputs_stay_untouched": [broken.WritesToTheStates, broken.WritesToTheMask],
    "extreme_contexts_are_answered": [
        broken.CannotAnswerWithOneToken,
        broken.WantsASeparatorBehindTheContext,
    ],
}
BROKEN_SPECS = {
    "not a JSON Schema": {"options": {"width": {"type": "whole"}}},
    "has no default": {"options": {"width": {"type": "integer"}}},
    "must be at least 1": {"options": {"width": {"minimum": 1, "default": 0}}},
    "not one line": {"summary": ""},
    "not a number above 0": {"learning_rate": 0.0},
    "not made of letters": {"name": "../up"},
}


@pytest.mark.parametrize("head", [broken.GoodHead, broken.AttentiveHead])
def test_a_right_head_passes_every_check(head):
    assert failing(HeadFactory(spec_of(head))) == set()


@pytest.mark.parametrize(
    ("head", "check"), [(head, check) for check, heads in BROKEN.items() for head in heads]
)
def test_a_broken_head_fails_its_check_and_no_other(head, check):
    assert failing(HeadFactory(spec_of(head))) == {check}


@pytest.mark.parametrize("problem", BROKEN_SPECS)
def test_a_broken_specification_fails_its_check_and_no_other(problem):
    factory = HeadFactory(spec_of(broken.GoodHead, **BROKEN_SPECS[problem]))
    found = {str(check): failure for check in checks() if (failure := check.failure(factory))}
    assert found.keys() == {"specification_is_valid"}
    assert problem in found["specification_is_valid"].broke


def test_every_check_is_proven_by_a_broken_head():
    assert {str(check) for check in checks()} == {*BROKEN, "specification_is_valid"}


def test_every_check_says_what_must_hold_why_and_how_to_fix_it():
    for check in checks():
        assert check.summary.endswith("."), check
        assert "\n" not in check.summary, check
        assert len(check.matters) > 20, check
        assert len(check.fix) > 20, check


def test_a_failed_check_raises_its_three_parts():
    (check,) = [check for check in checks() if str(check) == "spans_are_legal"]
    with pytest.raises(CheckError) as caught:
        check(HeadFactory(spec_of(broken.AllowsOneTokenTooMany)))
    assert "is longer than 1 tokens" in caught.value.failure.broke
    for part in ("spans_are_legal", "what broke: ", "why it matters: ", "how to fix it: "):
        assert part in str(caught.value)


def test_a_head_that_exits_fails_its_check():
    class Leaves(broken.GoodHead):
        def loss(self, *arguments):
            sys.exit(0)

    (check,) = [check for check in checks() if str(check) == "loss_is_a_finite_scalar"]
    assert "SystemExit at test_checks.py" in check.failure(HeadFactory(spec_of(Leaves))).broke


def test_a_head_that_raises_is_told_the_line():
    class Raises(broken.GoodHead):
        def spans(self, *arguments):
            raise KeyError("no such thing")

    (check,) = [check for check in checks() if str(check) == "spans_are_sorted"]
    failure = check.failure(HeadFactory(spec_of(Raises)))
    assert re.match(r"KeyError at test_checks\.py:\d+: 'no such thing'", failure.broke)


def test_checks_leave_torch_as_it_was():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    failing(HeadFactory(spec_of(broken.GoodHead)))
    assert torch.equal(torch.rand(2), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_build_that_raises_or_returns_no_head_is_the_plugins_error():
    def divide(hidden_size, options):
        return hidden_size / 0

    with pytest.raises(
        PluginError, match=r"failed in build at test_checks\.py:\d+: ZeroDivisionError"
    ):
        HeadFactory(HeadSpec("made_up", "made up", divide)).build()
    with pytest.raises(PluginError, match=r"built a Linear, which is not a qabench\.heads\.Head"):
        HeadFactory(HeadSpec("made_up", "made up", lambda *_: torch.nn.Linear(2, 2))).build()


@pytest.mark.parametrize("name", ["spanbert_linear", "spanbert_crf", "biaffine"])
def test_the_heads_of_this_repository_pass(name, heads):
    if name not in heads:
        pytest.skip(f"{name} is not installed here")
    assert failing(installed(name)) == set()


PLUGIN = """
from support.broken_heads import PoolsOverPadding
from qabench import HeadSpec, hookimpl

@hookimpl
def qabench_heads():
    build = lambda hidden_size, options: PoolsOverPadding(hidden_size)
    width = {"type": "integer", "minimum": 1, "default": 64}
    return [HeadSpec("my_head", "made up", build, {"width": width})]
"""


def test_the_example_of_the_documentation_is_a_plugins_whole_test(tmp_path):
    example = re.search(r"block:: python\n\n(.*?)\n\n``", qabench.testing.__doc__, re.S)
    lines = [line.removeprefix("    ") for line in example[1].splitlines()]
    (tmp_path / "test_my_head.py").write_text("\n".join(lines))
    (tmp_path / "my_head.py").write_text(PLUGIN)
    search = os.pathsep.join([str(tmp_path), str(ROOT / "tests"), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_head.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": search},
    )
    summary = done.stdout.splitlines()[-1]
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed)", summary)}
    assert counts == {"passed": 17, "failed": 1}, done.stdout
    assert re.search(r"^FAILED .*padding_changes_nothing", done.stdout, re.M)


def test_the_kit_needs_no_pytest():
    code = "import sys; sys.modules['pytest'] = None; import qabench.testing.examination"
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))


@pytest.fixture
def check(monkeypatch, capsys):
    """``qabench check my_head`` where my_head is this head; exit code and both outputs."""

    def call(head: type[broken.GoodHead], *words: str) -> tuple[int, str, str]:
        class Plugin:
            @hookimpl
            def qabench_heads(self):
                width = {"type": "integer", "minimum": 1, "default": 64}
                return [spec_of(head, name="my_head", options={"width": width})]

        monkeypatch.setattr(EntryPoint, "load", lambda self: Plugin())
        point = EntryPoint("my_head", "my_head", "qabench")
        monkeypatch.setattr(plugins, "entry_points", lambda group: [point])
        monkeypatch.setattr(sys, "argv", ["qabench", "check", "my_head", *words])
        with pytest.raises(SystemExit) as left:
            main()
        output = capsys.readouterr()
        return int(left.value.code or 0), output.out, output.err

    return call


def test_the_command_prints_one_line_for_each_check(check):
    code, output, _ = check(broken.GoodHead, "--set", "head.width=3")
    assert code == 0
    assert [line.split()[:2] for line in output.splitlines()] == [["ok", str(c)] for c in checks()]


def test_the_command_says_the_three_parts_and_ends_as_a_plugins_error(check):
    code, output, error = check(broken.PutsTheWorstFirst)
    assert code == PluginError.exit_code
    at = output.splitlines().index(
        "FAILED  spans_are_sorted                The best span is first, and scores fall."
    )
    parts = [line.split(":")[0].strip() for line in output.splitlines()[at + 1 : at + 4]]
    assert parts == ["what broke", "why it matters", "how to fix it"]
    assert output.count("FAILED") == 1
    assert error.strip() == (
        "qabench: Plugin 'my_head' fails 1 of 18 checks; fix what is named above."
    )


@pytest.mark.parametrize(
    ("override", "kind", "said"),
    [
        ("head.widht=3", PluginError, "did you mean 'width'"),
        ("head.width=0", PluginError, "must be at least 1"),
        ("head.my_head.width=0", PluginError, "must be at least 1"),
        ("head.your_head.width=3", BenchmarkError, "is not for plugin 'my_head'"),
        ("training.epochs=1", BenchmarkError, "is not an option of a head"),
        ("head.width", BenchmarkError, "is not of the form"),
    ],
)
def test_a_wrong_option_is_one_sentence(check, override, kind, said):
    code, output, error = check(broken.GoodHead, "--set", override)
    assert (code, output) == (kind.exit_code, "")
    assert said in error
    assert len(error.splitlines()) == 1
