"""Results by question: what they hold, who lost each point, and what limits every head."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.arrow_memory import counted
from tokenizers import Tokenizer, models, pre_tokenizers

from qabench.base import untrusted as hostile
from qabench.benchmarks.settings import WindowSettings
from qabench.data.examples import GoldAnswer, QAExample
from qabench.errors import ReportError
from qabench.scoring import outcomes
from qabench.scoring.losses import Fault, Owner, ceilings, faults, owners
from qabench.scoring.obstacles import Obstacle, obstacles
from qabench.scoring.outcomes import Outcomes, best_exact
from qabench.scoring.scores import Score
from qabench.scoring.squad import Gold
from qabench.windows.answers import Answers, BestSpans
from qabench.windows.cutting import PairTemplate, make_windows

CONTEXT = "one two three four five six seven eight nine ten eleven twelve"


def windows_of(examples, max_length=100, overlap=0, split="whitespace"):
    """Each word is a token, or each letter."""
    tokenizer = Tokenizer(models.WordLevel({"x": 0}, unk_token="x"))
    tokenizer.pre_tokenizer = (
        pre_tokenizers.WhitespaceSplit()
        if split == "whitespace"
        else pre_tokenizers.Split("", "isolated")
    )
    template = PairTemplate((1,), (2,), (2,), 0, None)
    return make_windows(examples, tokenizer, template, WindowSettings(max_length, overlap, 4))


def question(id: str, context: str, *golds: str) -> QAExample:
    answers = tuple(GoldAnswer(gold, context.index(gold)) for gold in golds)
    return QAExample(id, "what ?", context, answers, "article")


@pytest.mark.parametrize(
    ("golds", "settings", "limit", "expected"),
    [
        (["two three"], {}, 30, Obstacle.NONE),
        ([], {}, 30, Obstacle.NONE),
        (["wo three"], {}, 30, Obstacle.TOKENS),
        (["two three four"], {}, 2, Obstacle.LENGTH),
        # Windows of four context words: three and four words of the gold are in two of them.
        (["four five"], {"max_length": 9}, 30, Obstacle.WINDOWS),
        (["four five"], {"max_length": 9, "overlap": 1}, 30, Obstacle.NONE),
        (["four five", "six"], {"max_length": 9}, 30, Obstacle.NONE),
        (["wo", "two three four"], {}, 2, Obstacle.LENGTH),
    ],
)
def test_the_obstacle_is_the_first_that_no_gold_gets_past(golds, settings, limit, expected):
    examples = [question("a", CONTEXT, *golds)]
    assert obstacles(examples, windows_of(examples, **settings), limit).tolist() == [expected]


def test_token_borders_that_only_add_punctuation_or_articles_are_no_obstacle():
    examples = [question("a", "one (two) three", "two")]
    assert obstacles(examples, windows_of(examples), 30).tolist() == [Obstacle.NONE]


def answers_of(
    examples: list[QAExample], texts: list[str], odds: list[float], others: list[list[str]]
) -> Answers:
    """Each question's best span, its null odds, and what else is in its n-best list."""

    def place(example: QAExample, text: str) -> tuple[int, int]:
        start = example.context.index(text)
        return start, start + len(text)

    lists = [
        [*(place(example, one) for one in (text, *rest)), (0, 0)]
        for example, text, rest in zip(examples, texts, others, strict=True)
    ]
    flat = np.array([span for spans in lists for span in spans], np.int32)
    firsts = np.array([spans[0] for spans in lists], np.int32)
    null_score = np.array(odds, np.float32)
    best = BestSpans(examples, firsts[:, 0], firsts[:, 1], np.zeros_like(null_score), null_score)
    bounds = np.cumsum([0, *map(len, lists)])
    zeros = np.zeros(len(flat))
    return Answers(best, 0.0, bounds, flat[:, 0], flat[:, 1], zeros.astype(np.float32), zeros)


@pytest.fixture
def run() -> Outcomes:
    """One question of each fate."""
    fates = {
        "right": (["two"], "two", -1.0, []),
        "ranked lower": (["two"], "six", -1.0, ["two"]),
        "not in n-best": (["two"], "six", -1.0, ["nine"]),
        "border": (["two three"], "two", -1.0, []),
        "abstained though right": (["two"], "two", 1.0, []),
        "answered though none": ([], "two", -1.0, []),
        "rightly none": ([], "two", 1.0, []),
        "tokens": (["wo"], "two", -1.0, []),
        "length": (["two three four"], "two", -1.0, []),
    }
    examples = [question(name, CONTEXT, *fate[0]) for name, fate in fates.items()]
    _, texts, odds, others = zip(*fates.values(), strict=True)
    answers = answers_of(examples, texts, odds, others)
    tune = np.arange(len(examples)) % 2 == 0
    return outcomes.of_run(answers, windows_of(examples), 2, tune)


def test_final_answers_are_empty_where_the_run_abstains(run):
    assert run.final_answers(0.0) == ("two", "six", "six", "two", "", "two", "", "two", "two")
    assert run.final_answers(-2.0) == ("",) * len(run)
    assert run.final_answers(1.0) == run.answers


def test_final_scores_of_what_is_nulled_are_1_where_there_is_no_answer(run):
    nulled = run.null_odds > 0
    final = run.final(Score.EM, 0.0)
    assert (final[nulled] == ~run.has_answer[nulled]).all()
    assert (final[~nulled] == run.raw(Score.EM)[~nulled]).all()


def test_scoring_again_gives_the_same_scores_and_corrects_wrong_ones(run):
    wrong = dataclasses.replace(run, exact=1 - run.exact, f1=run.f1 / 2)
    assert same(wrong.rescored(), run)


@pytest.mark.parametrize(
    ("golds", "listed", "answer", "expected"),
    [
        (["two"], {"The two.", "six"}, "six", 1),
        (["two"], {"six"}, "two", 0),
        (["two"], set(), "two", 1),
        (["the", "two"], {"a"}, "six", 0),
        (["the"], {"a"}, "six", 1),
        ([], set(), "", 1),
    ],
)
def test_the_best_of_a_list_is_an_exact_match_of_a_gold(golds, listed, answer, expected):
    assert best_exact([Gold("q", tuple(golds))], [listed], [answer]).tolist() == [expected]


def test_every_lost_point_has_one_owner(run):
    lost = owners(run, 0.0)
    share = 100 / len(run)
    assert lost == pytest.approx(
        {
            Owner.TOKENS: share,
            Owner.WINDOWS: 0,
            Owner.LENGTH: share,
            Owner.SEARCH: 2 * share,
            Owner.RANKING: share,
            Owner.ABSTAINED: share,
            Owner.ANSWERED: share,
        }
    )


@given(st.floats(-3, 3))
def test_lost_points_and_em_add_up_to_100_at_every_threshold(threshold):
    random = np.random.default_rng(abs(hash(threshold)) % 1000)
    examples = [question(str(i), CONTEXT, *(["two"] if i % 3 else [])) for i in range(30)]
    texts = random.choice(["two", "six"], 30).tolist()
    answers = answers_of(examples, texts, random.normal(size=30).tolist(), [["nine"]] * 30)
    found = outcomes.of_run(answers, windows_of(examples), 30, np.zeros(30, bool))
    em = 100 * found.final(Score.EM, threshold).mean()
    assert sum(owners(found, threshold).values()) + em == pytest.approx(100)
    wrong = sum(mask.astype(int) for mask in faults(found, threshold).values())
    assert (wrong == (found.final(Score.EM, threshold) < 1)).all()


def test_ceilings_fall_from_step_to_step(run):
    found = ceilings(run)
    share = 100 / len(run)
    assert found.tokens == pytest.approx(100 - share)
    assert found.windows == pytest.approx(100 - share)
    assert found.length == pytest.approx(100 - 2 * share)
    assert found.n_best == pytest.approx(100 - 4 * share)
    assert found.answerability == pytest.approx(100 - 5 * share)


def test_a_wrong_answer_overlaps_a_gold_or_shares_no_word_with_it(run):
    names = [one.id for one in run.examples]
    found = {
        fault: [name for name, hit in zip(names, mask, strict=True) if hit]
        for fault, mask in faults(run, 0.0).items()
    }
    assert found == {
        Fault.ABSTAINED: ["abstained though right"],
        Fault.ANSWERED: ["answered though none"],
        Fault.BORDER: ["border", "length"],
        Fault.ELSEWHERE: ["ranked lower", "not in n-best", "tokens"],
    }


def same(a: Outcomes, b: Outcomes) -> bool:
    arrays = ("tune", "start", "end", "null_odds", "exact", "f1", "windows", "obstacle")
    return (
        a.examples == b.examples
        and a.answers == b.answers
        and all(np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays)
        and np.array_equal(a.n_best_exact, b.n_best_exact)
    )


def test_results_read_as_they_were_written(run, tmp_path):
    path = tmp_path / outcomes.FILE_NAME
    outcomes.write(run, path)
    assert same(outcomes.read(path), run)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_the_same_results_are_the_same_bytes(run, tmp_path):
    for name in ("a", "b"):
        outcomes.write(run, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"{}"])
def test_a_file_that_holds_no_results_is_one_sentence_that_names_it(content, tmp_path):
    path = tmp_path / outcomes.FILE_NAME
    path.write_bytes(content)
    with pytest.raises(ReportError, match=str(path)):
        outcomes.read(path)


def test_a_parquet_file_of_another_kind_is_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / outcomes.FILE_NAME
    pq.write_table(pa.table({"id": ["a"]}), path)
    with pytest.raises(ReportError, match="not a qabench-questions/1 file"):
        outcomes.read(path)


def test_a_long_context_of_many_questions_is_written_and_read_once(tmp_path, monkeypatch):
    limit = 1 << 20
    monkeypatch.setattr(hostile, "_LARGEST_UNPACKED", limit)
    examples = [QAExample(f"q{number}", "what ?", "x" * 20_000, (), "") for number in range(1_000)]
    zeros, path = np.zeros(1_000), tmp_path / outcomes.FILE_NAME
    ints = zeros.astype(np.int32)
    many = Outcomes(tuple(examples), zeros == 0, ("",) * 1_000, ints, ints, None, zeros, zeros)
    with counted() as pool:
        outcomes.write(many, path)
        found = outcomes.read(path)
    assert pool.max_memory() < limit
    assert found.examples == many.examples
    assert len({id(one.context) for one in found.examples}) == 1
