"""What is said of the questions themselves: failed audits, scripts, golds far apart."""

from __future__ import annotations

import json

import pytest
from support.places import DEV
from support.reference_scorer import evaluate

from qabench.data.examples import UNPLACED, GoldAnswer, QAExample
from qabench.data.readers import read_file
from qabench.errors import DataError
from qabench.runs.importing import ForeignFiles, import_predictions
from qabench.runs.verify import verify
from qabench.scoring import outcomes
from qabench.scoring.data_doubts import data_doubts
from qabench.scoring.predictions import score_files
from qabench.views.page.data import _unplaced
from qabench.views.tables import score_table

CONTEXT = "Karin  Vell built the mill at Ostby in 1871."


def question(*golds, context=CONTEXT, id="q"):
    answers = tuple(GoldAnswer(text, context.find(text)) for text in golds)
    return QAExample(id, "Who?", context, answers)


def write(path, value):
    path.write_text(json.dumps(value))
    return path


def record(id, *answers, **changes):
    listed = [{"text": text, "answer_start": start} for text, start in answers]
    valid = {"id": id, "question": "Who?", "context": CONTEXT, "answers": listed}
    return valid | changes


BAD = [
    record("misplaced", ("Karin Vell", 0)),
    record("off by one", ("Ostby", 29)),
    record("one empty", ("Ostby", 30), ("", -1)),
    record("empty at a place", ("", 7)),
    record("no question", ("Ostby", 30), question=""),
    record("no context", ("Ostby", 30), context=None),
    record("flag", ("Ostby", 30), is_impossible=True),
    record("surrogate", ("\ud800 Ostby", 30)),
    record("no start", question="Where?", answers=["Ostby"]),
    record("title", ("Ostby", 30), title=["x"]),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda one: one["id"])
def test_a_record_with_id_and_texts_is_scored_though_it_fails_the_audit(tmp_path, bad):
    path = write(tmp_path / "dev.json", [record("good", ("1871", 39)), bad])
    with pytest.raises(DataError, match="1 of 2 records is bad"):
        read_file(path)
    data = read_file(path, "score")
    assert [one.id for one in data.unplaced] == [bad["id"]]
    answers = write(tmp_path / "p.json", {"good": "1871", bad["id"]: "the Ostby"})
    found = score_files(data, answers)
    assert found.official.total == found.official.HasAns_total == 2
    assert found.unplaced == found.as_dict()["failed_audit"] == 1
    right = bad["answers"] and "Ostby" in json.dumps(bad["answers"]) and "\\ud8" not in str(bad)
    assert found.official.exact in ((100.0,) if right else (50.0,))
    assert f"question {bad['id']!r}" in found.remarks[0]


@pytest.mark.parametrize("answer", ["", "Ostby", "the Ostby mill", "Karin Vell"])
def test_records_that_fail_the_audit_have_the_official_scores(tmp_path, answer):
    rows = [record("good", ("1871", 39)), record("none"), *(one for one in BAD if one["answers"])]
    golds = {
        row["id"]: [one["text"] if isinstance(one, dict) else one for one in row["answers"]]
        for row in rows
    }
    data = read_file(write(tmp_path / "dev.json", rows), "score")
    answers = dict.fromkeys(golds, answer)
    found = score_files(data, write(tmp_path / "p.json", answers)).official.as_dict()
    assert found == evaluate(golds, answers)


def test_an_empty_gold_among_others_is_left_to_the_official_rules(tmp_path):
    data = read_file(write(tmp_path / "a.json", [record("a", ("Ostby", 30), ("", -1))]), "score")
    (only,) = data.examples
    assert only.answers == (GoldAnswer("Ostby", UNPLACED), GoldAnswer("", UNPLACED))
    assert only.placed == ()


@pytest.mark.parametrize(
    "bad",
    [
        record(None, ("Ostby", 30)),
        record("good", ("1871", 39)),
        record("x", answers=None, is_impossible=False) | {"answers": "Ostby"},
        record("x", (7, 0)),
    ],
)
def test_a_record_that_cannot_be_scored_refuses_the_file_without_advice_that_score_lacks(
    tmp_path, bad
):
    path = write(tmp_path / "dev.json", [record("good", ("1871", 39)), bad])
    with pytest.raises(DataError, match="scores need the id and the answers of each") as caught:
        read_file(path, "score")
    assert "--on-bad-record" not in str(caught.value)


def test_the_totals_of_a_score_are_marked_and_the_first_finding_is_named(tmp_path):
    data = read_file(write(tmp_path / "dev.json", [record("a", ("Karin Vell", 0))]), "score")
    text = score_table(score_files(data, write(tmp_path / "p.json", {"a": "Karin Vell"})))
    assert "total †" in text
    assert "† 1 of 1 records failed the audit and are scored by their texts" in text
    assert "question 'a', field 'answers[0].text': 'Karin Vell' is nowhere" in text


def test_the_report_of_an_import_is_marked_and_can_be_verified(tmp_path):
    data = write(tmp_path / "dev.json", [record("good", ("1871", 39)), *BAD])
    answers = write(tmp_path / "p.json", {one["id"]: "Ostby" for one in [record("good"), *BAD]})
    folder = import_predictions(ForeignFiles("other", data, answers), tmp_path / "runs")
    report = json.loads((folder / "report.json").read_text())
    assert any("10 of 11 questions failed the audit" in one for one in report["warnings"])
    assert verify(folder).problems == ()
    assert outcomes.read(folder / outcomes.FILE_NAME).examples[1].answers[0].start == UNPLACED


@pytest.mark.parametrize(
    ("gold", "said"),
    [
        ("東京都千代田区", True),
        ("กรุงเทพมหานคร", True),
        ("القاهرة القديمة", True),
        ("ភ្នំពេញ", True),
        ("서울 특별시", False),
        ("Москва", False),
        ("the mill at Ostby", False),
        ("1871", False),
    ],
)
def test_golds_in_scripts_that_the_english_rules_do_not_know_are_said(gold, said):
    examples = [question(gold, context=f"{gold}.", id=str(n)) for n in range(10)]
    assert any("English rules" in one for one in data_doubts(examples)) == said


def test_long_golds_without_blanks_are_said_in_any_script():
    words = ["Donaudampfschifffahrt", "Ostbymühlenbauverein"]
    examples = [question(one, context=one, id=f"{one}{n}") for one in words for n in range(3)]
    assert any("hardly have blanks" in one for one in data_doubts(examples))
    assert data_doubts(examples[:2]) == []


def test_golds_at_different_places_with_different_words_are_said_with_their_share():
    several = [question("Ostby", "1871", id=str(n)) for n in range(3)]
    others = [question("mill", id=f"o{n}") for n in range(3)]
    (said,) = data_doubts([*several, *others])
    assert said.startswith("50 % of the answerable questions have golds at different places")


@pytest.mark.parametrize(
    "golds", [("the mill", "mill"), ("the mill at Ostby", "Ostby"), ("mill", "mill"), ("1871",)]
)
def test_golds_that_overlap_or_share_words_are_alternatives(golds):
    assert data_doubts([question(*golds)]) == []


@pytest.mark.skipif(not DEV.is_file(), reason=f"needs real SQuAD v2 questions in {DEV}")
def test_nothing_is_said_of_squad():
    assert data_doubts(read_file(DEV).examples) == []


def test_the_page_has_the_texts_of_golds_without_a_place(tmp_path):
    examples = read_file(
        write(tmp_path / "a.json", [record("good", ("1871", 39)), BAD[0]]), "score"
    ).examples
    assert _unplaced(examples) == {1: ["Karin Vell"]}
