"""The browsable report stands alone, and no text of the data is ever markup."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from support.made_up import QUESTIONS, write_run
from support.unpacking import data_of, plain

from qabench.comparison.contests import gather
from qabench.comparison.leaderboard import Row, tables
from qabench.comparison.verdicts import WORDS, located
from qabench.errors import ReportError
from qabench.reports import report_file
from qabench.scoring import outcomes
from qabench.scoring.losses import Fault, faults
from qabench.scoring.scores import Score
from qabench.views.page import Illustration, Section, write_page
from qabench.views.page.data import contest_data
from qabench.views.page.document import document
from qabench.views.page.standings import _row, escape

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028\x00&amp;\"'"


@pytest.fixture
def contest(tmp_path):
    for name, shift in (("good", 0), ("bad", 1)):
        write_run(tmp_path / "runs", name, 0, (np.arange(QUESTIONS) + shift) % 3 > 0)
    (found,) = gather([tmp_path / "runs"])
    return found


@pytest.fixture
def page(contest) -> str:
    (table,) = tables([contest])
    return document(
        [Section(contest, table, (Illustration("a plot", "how to read it", "<svg></svg>"),))]
    )


def test_the_page_has_the_leaderboard_and_what_it_amounts_to(page):
    assert '<th scope="row"><bdi>good' in page
    assert "always null" in page
    assert "EM: " in page


def test_the_page_says_where_differences_lie(page, contest):
    (table,) = tables([contest])
    headers, ((pair, *cells),) = located(table.differences)
    assert "".join(f'<th scope="col">{one}</th>' for one in headers) in page
    assert f"<bdi>{pair}</bdi></th>" + "".join(f"<td>{one}</td>" for one in cells) in page
    assert f'<p class="fine">{WORDS}</p>' in page


@pytest.mark.parametrize(
    ("seeds", "shown"),
    [((), "–"), ((0, 1, 2), "0, 1, 2"), ((3, 4, 5, 6), "3 to 6"), ((0, 1, 2, 4), "0, 1, 2, 4")],
)
def test_many_seeds_are_named_by_the_first_and_the_last(seeds, shown):
    assert f"<td>{shown}</td>" in _row(Row("one", seeds, ()))


def test_the_page_fetches_nothing_and_runs_nothing_but_its_own_script(page):
    assert "default-src 'none'" in page
    assert not re.search(r"https?://", page)
    assert len(re.findall(r"<script", page)) == 2
    assert not re.search(r"<[a-z]+[^>]* on[a-z]+=", page)
    assert " style=" not in page


def test_the_policy_names_the_hash_of_each_inline_part(page):
    import base64
    import hashlib

    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in page


def test_the_scripts_data_are_the_outcomes(page, contest):
    data = data_of(page)
    for run, system in zip(data["runs"], contest.systems, strict=True):
        (record,) = system.records
        found = record.outcomes
        assert data["questions"]["id"] == [one.id for one in found.examples]
        assert (run["system"], run["seed"]) == (system.label, 0)
        assert spans(data["spans"], run["span"]) == pairs(found.start, found.end)
        assert run["text"] == {}
        assert run["f1"].tolist() == (100 * record.final(Score.F1)).tolist()
        assert (run["odds"]["values"] / run["odds"]["per"]).tolist() == found.null_odds.tolist()
        abstains, right, fault = run["state"] & 1, run["state"] >> 1 & 1, run["state"] >> 2
        assert abstains.tolist() == found.abstains(0.0).tolist()
        assert right.tolist() == record.final(Score.EM).tolist()
        for number, kind in enumerate(Fault, start=1):
            assert (fault == number).tolist() == faults(found, 0.0)[kind].tolist()
        assert ((fault == 0) == right).all()
    assert data["contexts"] == ["Anna came in May ."]
    assert kinds(data, "answerability")[:3] == ["HasAns", "HasAns", "NoAns"]
    assert kinds(data, "article") == [f"article {number // 3}" for number in range(QUESTIONS)]
    assert data["faults"] == [str(one) for one in Fault]


def test_the_golds_of_a_question_are_its_distinct_spans(page):
    golds = data_of(page)["questions"]["golds"]
    assert np.diff(golds["first"]).tolist() == [1, 1, 0] * (QUESTIONS // 3)
    every = pairs(golds["start"], golds["start"] + golds["length"])
    assert every == [(0, 4)] * len(every)


def pairs(start: np.ndarray, end: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(start.tolist(), end.tolist(), strict=True))


def spans(table: dict, of_run: np.ndarray) -> list[tuple[int, int]]:
    """The span of each question that a run found."""
    at = table["first"][:-1].astype(int) + of_run
    return pairs(table["start"][at], table["start"][at] + table["length"][at])


def kinds(data: dict, group: str) -> list[str]:
    (column,) = [one for one in data["kinds"] if one["group"] == group]
    return [column["names"][of] for of in column["of"]]


def test_a_run_in_another_order_stands_in_the_contests_order(tmp_path):
    first = write_run(tmp_path / "runs", "first", 0, np.arange(QUESTIONS) % 3 > 0)
    second = write_run(tmp_path / "runs", "second", 0, np.arange(QUESTIONS) % 3 > 0)
    found = outcomes.read(second / outcomes.FILE_NAME)
    end = found.end.copy()
    end[7] = 3
    found = dataclasses.replace(found, end=end, answers=("Anna", "Maria", *found.answers[2:]))
    outcomes.write(found, first / outcomes.FILE_NAME)
    shuffled = np.random.default_rng(0).permutation(QUESTIONS)
    columns = ("tune", "start", "end", "null_odds", "exact", "f1")
    outcomes.write(
        dataclasses.replace(
            found,
            examples=tuple(found.examples[place] for place in shuffled),
            answers=tuple(found.answers[place] for place in shuffled),
            **{name: getattr(found, name)[shuffled] for name in columns},
        ),
        second / outcomes.FILE_NAME,
    )
    assert first != second
    one, other = contest_data(*gather([tmp_path / "runs"]))["runs"]
    assert plain({**other, "system": "first"}) == plain(one)
    assert one["text"] == {1: "Maria", 7: "Anna"}


def test_an_answer_whose_place_is_unknown_is_kept_as_text(tmp_path):
    folder = write_run(tmp_path / "runs", "one", 0, np.arange(QUESTIONS) % 3 > 0)
    found = outcomes.read(folder / outcomes.FILE_NAME)
    end = found.end.copy()
    end[5] = 0
    answers = ("", "Maria", *found.answers[2:])
    changed = dataclasses.replace(found, end=end, answers=answers)
    outcomes.write(changed, folder / outcomes.FILE_NAME)
    (run,) = contest_data(*gather([tmp_path / "runs"]))["runs"]
    assert run["text"] == {0: "", 1: "Maria", 5: "Anna"}


def test_what_cannot_be_seen_or_turns_the_text_around_is_named():
    assert escape("a\u202eb\x00<") == "a⟨U+202E⟩b⟨U+0000⟩&lt;"
    assert escape("é東😀\n") == "é東😀\n"


def test_page_and_script_name_the_same_characters():
    script = Path(str(files("qabench.views.page").joinpath("page.js"))).read_text("utf-8")
    (listed,) = re.findall(r"text\.replace\(/(.*?)/gu", script)
    every = [chr(code) for code in range(0xFFFF) if not 0xD800 <= code < 0xE000]
    others = "".join(re.escape(one) for one in every if unicodedata.category(one)[0] == "C")
    named = re.compile(listed.replace(r"\p{C}", f"[{others}]")).findall("".join(every))
    # A page shows the carriage returns of Windows as spaces; on a terminal they overwrite the line.
    assert ["\r", *named] == sorted(
        (one for one in every if f"U+{ord(one):04X}" in escape(one)), key=lambda one: one != "\r"
    )


def test_markup_in_names_titles_and_texts_stays_text(contest, tmp_path):
    (table,) = tables([contest])
    page = document([Section(contest, table, (Illustration(EVIL, EVIL, EVIL),))])
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_texts_of_the_data_are_packed(monkeypatch, contest):
    from qabench.views.page import document as module

    monkeypatch.setattr(module, "contest_data", lambda _: {"contexts": [EVIL]})
    (table,) = tables([contest])
    page = document([Section(contest, table)])
    assert data_of(page) == {"contexts": [EVIL]}
    assert "alert(1)" not in page
    assert "\x00" not in page


def with_odds(folder: Path, odds: list[float] | None) -> dict:
    found = outcomes.read(folder / outcomes.FILE_NAME)
    values = None if odds is None else np.array(odds + [0.0] * (QUESTIONS - len(odds)))
    outcomes.write(dataclasses.replace(found, null_odds=values), folder / outcomes.FILE_NAME)
    (run,) = contest_data(*gather([folder]))["runs"]
    return run["odds"]


@pytest.mark.parametrize(
    ("odds", "shown"),
    [
        ([-3.14159, 2.5, -0.001], [-314, 250, 0]),
        ([2.0e7, -2.0e7], [2_000_000_000, -2_000_000_000]),
    ],
)
def test_null_odds_are_kept_with_the_decimals_that_are_shown(tmp_path, odds, shown):
    folder = write_run(tmp_path / "runs", "one", 0, np.arange(QUESTIONS) % 3 > 0)
    found = with_odds(folder, odds)
    assert found["per"] == 100
    assert found["values"][: len(shown)].tolist() == shown


def test_null_odds_of_any_size_are_kept(tmp_path):
    folder = write_run(tmp_path / "runs", "one", 0, np.arange(QUESTIONS) % 3 > 0)
    found = with_odds(folder, [1.7e308, -1.7e308, 0.125])
    assert found["per"] == 1
    assert found["values"][:3].tolist() == [1.7e308, -1.7e308, 0.125]


def test_a_run_without_null_odds_has_none(tmp_path):
    folder = write_run(tmp_path / "runs", "one", 0, np.arange(QUESTIONS) % 3 > 0)
    assert with_odds(folder, None) is None


def test_the_page_is_written_whole(contest, tmp_path):
    (table,) = tables([contest])
    path = tmp_path / "page.html"
    write_page([Section(contest, table)], path)
    assert path.read_text("utf-8").endswith("</html>\n")
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["page.html"]


def test_a_page_that_cannot_be_made_leaves_the_old_one(contest, tmp_path):
    (table,) = tables([contest])
    path = tmp_path / "page.html"
    path.write_text("old")
    (contest.systems[1].records[0].folder / outcomes.FILE_NAME).unlink()
    (unread,) = gather([tmp_path / "runs"])
    with pytest.raises(ReportError, match="cannot be read"):
        write_page([Section(unread, table)], path)
    assert path.read_text() == "old"


def test_warnings_and_articles_are_never_markup_and_systems_names_cannot_be(tmp_path):
    folder = write_run(tmp_path / "runs", "one", 0, np.arange(QUESTIONS) % 3 > 0)
    report = report_file.read(folder / "report.json")
    report_file.write(dataclasses.replace(report, warnings=(EVIL,)), folder)
    found = outcomes.read(folder / outcomes.FILE_NAME)
    renamed = tuple(dataclasses.replace(one, title=EVIL) for one in found.examples)
    outcomes.write(dataclasses.replace(found, examples=renamed), folder / outcomes.FILE_NAME)
    (contest,) = gather([tmp_path / "runs"])
    page = document([Section(contest, *tables([contest]))])
    assert "<script>alert" not in page
    assert "<img" not in page
    assert set(kinds(data_of(page), "article")) == {EVIL}
    plugin = dataclasses.replace(report.plugin, name=EVIL)
    with pytest.raises(ReportError, match=r"plugin\.name"):
        report_file.write(dataclasses.replace(report, plugin=plugin), folder)
