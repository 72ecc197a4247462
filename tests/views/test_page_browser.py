"""The browsable report in a real browser: Chromium without a window, from a file."""

from __future__ import annotations

import dataclasses
import html
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.made_up import made_up

from qabench.comparison.contests import gather
from qabench.comparison.leaderboard import tables
from qabench.data.examples import GoldAnswer, QAExample
from qabench.reports import report_file
from qabench.scoring import outcomes
from qabench.scoring.outcomes import Outcomes
from qabench.views.page import Section
from qabench.views.page import document as page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)"
)
EVIL = "</script><script>alert('in')</script><img src=x onerror=alert('in')>"

# Watches for anything that goes wrong, from before the page's own script on.
BEFORE = """
window.wrong = [];
addEventListener("error", (event) => wrong.push("error: " + event.message));
addEventListener("securitypolicyviolation", (event) => wrong.push("policy: " + event.blockedURI));
window.alert = (text) => wrong.push("alert: " + text);
"""
AFTER = """
const rows = () =>
  [...document.querySelectorAll(".questions tbody tr")].map((row) => row.innerText);
const pick = (label, text) => {
  const found = [...document.querySelectorAll(".filters label")]
    .find((one) => one.firstChild.textContent === label).querySelector("select, input");
  found.value = found.tagName === "INPUT" ? text
    : [...found.options].find((one) => one.text === text).value;
  found.dispatchEvent(new Event(found.tagName === "INPUT" ? "input" : "change"));
};
const status = () => document.querySelector(".pager [role=status]").textContent;
const result = {};
browsers.then(() => {
  __STEPS__
}).catch((error) => wrong.push(`step: ${error}`)).then(() => {
  result.wrong = wrong;
  document.title = "result:" + JSON.stringify(result);
});
"""


def write_runs(runs: Path, questions: int, systems: int = 2) -> None:
    context = f"😀 Anna {EVIL}\u202e came in May ."
    start = context.index("Anna")
    examples = tuple(
        QAExample(
            id=f"q{number}",
            question=f"Who {EVIL} came {number} ?" if number % 2 else f"When {number} ?",
            context=context,
            answers=() if number % 3 == 2 else (GoldAnswer("Anna", start),),
            title=f"article {number // 3}",
        )
        for number in range(questions)
    )
    has_answer = np.array([one.is_answerable for one in examples])
    for system in range(systems):
        right = np.arange(questions) % (system + 2) > 0
        found = Outcomes(
            examples=examples,
            tune=np.zeros(questions, bool),
            answers=("Anna",) * questions,
            start=np.full(questions, start, np.int32),
            end=np.full(questions, start + 4, np.int32),
            null_odds=np.where(has_answer == right, -1.0, 1.0),
            exact=has_answer.astype(float),
            f1=has_answer.astype(float),
        )
        name = f"system{system}"
        folder = runs / name
        folder.mkdir(parents=True)
        outcomes.write(found, folder / outcomes.FILE_NAME)
        report = made_up(name, exact=50.0 - system)
        dev = dataclasses.replace(report.dev, questions=questions, scored=questions)
        report_file.write(dataclasses.replace(report, dev=dev), folder)


def browse(
    runs: Path, steps: str, monkeypatch, before: str = "", flags: Sequence[str] = ()
) -> dict:
    """Open the page of these runs, take the steps, and return what they put into ``result``.

    Args:
        runs: where they lie.
        steps: JavaScript, after the page's own.
        monkeypatch: pytest's.
        before: JavaScript, before the page's own.
        flags: more of Chromium's.
    """
    real = page.files

    class Parts:
        def joinpath(self, name: str) -> Parts:
            self.name = name
            return self

        def read_text(self, encoding: str) -> str:
            text = real("qabench.views.page").joinpath(self.name).read_text(encoding)
            return (
                text
                if self.name != "page.js"
                else BEFORE + before + text + AFTER.replace("__STEPS__", steps)
            )

    monkeypatch.setattr(page, "files", lambda _: Parts())
    contests = gather([runs])
    sections = [Section(*pair) for pair in zip(contests, tables(contests), strict=True)]
    path = runs / "page.html"
    path.write_text(page.document(sections), "utf-8")
    usual = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000")
    home = f"--user-data-dir={runs / 'browser'}"
    done = subprocess.run(
        [CHROMIUM, *usual, *flags, home, "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=300,
    )
    (found,) = re.findall(r"<title>result:(.*?)</title>", done.stdout, flags=re.S)
    result = json.loads(html.unescape(found))
    assert result.pop("wrong") == []
    return result


def test_questions_are_filtered_searched_and_opened(tmp_path, monkeypatch):
    write_runs(tmp_path, 120)
    result = browse(
        tmp_path,
        """
        result.all = [status(), rows().length];
        pick("show", "A right, B wrong"); result.flips = status();
        pick("show", "all questions");
        pick("answerability", "NoAns"); result.none = status();
        pick("answerability", "all"); pick("search", "when 4 "); result.search = rows();
        document.querySelector(".questions .open").click();
        result.gold = [...document.querySelectorAll(".context .gold")].map((one) => one.innerText);
        result.context = document.querySelector(".context").textContent;
        pick("search", ""); pick("error of A", "answered, has none"); result.fault = status();
        pick("error of A", "all");
        const next = document.querySelectorAll(".pager button")[2];
        next.focus(); next.click();
        result.second = rows()[0]; result.focus = document.activeElement === next;
        next.click(); next.click(); result.last = status();
        """,
        monkeypatch,
    )
    number = np.arange(120)
    a, b = number % 2 > 0, number % 3 > 0
    assert result["all"] == ["120 of 120 questions, page 1 of 3", 50]
    assert result["flips"].startswith(f"{int((a & ~b).sum())} of 120")
    assert result["none"].startswith("40 of 120")
    assert len(result["search"]) == 1
    assert "When 4 ?" in result["search"][0]
    assert result["gold"] == ["Anna"]
    assert result["context"] == f"😀 Anna(①)② {EVIL}⟨U+202E⟩ came in May ."
    assert result["fault"].startswith(f"{int((~a & (number % 3 == 2)).sum())} of 120")
    assert "When 50 ?" in result["second"]
    assert result["focus"]
    assert result["last"] == "120 of 120 questions, page 3 of 3"


def test_filters_add_up_and_are_cleared_together(tmp_path, monkeypatch):
    write_runs(tmp_path, 120)
    result = browse(
        tmp_path,
        """
        pick("answerability", "HasAns"); pick("question word", "when"); result.both = status();
        pick("article", "article 2"); result.three = rows();
        document.querySelector(".filters [type=reset]").click(); result.cleared = status();
        pick("search", "no such text"); result.nothing = rows();
        """,
        monkeypatch,
    )
    number = np.arange(120)
    assert result["both"].startswith(f"{int(((number % 3 < 2) & (number % 2 == 0)).sum())} of 120")
    assert len(result["three"]) == 1
    assert "When 6 ?" in result["three"][0]
    assert result["cleared"].startswith("120 of 120")
    assert result["nothing"] == ["No question matches these filters."]


def test_questions_are_put_in_order(tmp_path, monkeypatch):
    write_runs(tmp_path, 120)
    result = browse(
        tmp_path,
        """
        const first = () => document.querySelector(".questions .open").textContent;
        pick("order", "F1 of A above B, most first"); result.lead = first();
        pick("order", "question, A to Z"); result.question = first();
        pick("order", "as in the data"); result.data = first();
        """,
        monkeypatch,
    )
    number = np.arange(120)
    lead = int(np.flatnonzero((number % 2 > 0) & (number % 3 == 0))[0])
    assert f"came {lead} ?" in result["lead"]
    assert result["question"] == result["data"] == "When 0 ?"


def test_an_opened_question_marks_every_answer_with_its_own_line_and_number(tmp_path, monkeypatch):
    write_runs(tmp_path, 12, systems=3)
    result = browse(
        tmp_path,
        """
        const open = document.querySelectorAll(".questions .open")[1];
        open.focus(); open.click();
        result.lines = ["r0", "r1", "r2"].map((name) =>
          document.querySelector(`.context .${name}`).textContent);
        result.styles = ["r0", "r1", "r2"].map((name) =>
          getComputedStyle(document.querySelector(`.context .${name}`)).textDecorationStyle);
        result.tags = document.querySelector(".context sup").textContent;
        result.focus = document.activeElement === open;
        open.click(); result.closed = document.querySelectorAll(".context").length;
        """,
        monkeypatch,
    )
    assert result["lines"] == ["Anna"] * 3
    assert len(set(result["styles"])) == 3
    # The first three systems are right on question 1, so none of them holds its span back.
    assert result["tags"] == "①②③"
    assert result["focus"]
    assert result["closed"] == 0


def test_further_seeds_can_be_shown_four_at_most(tmp_path, monkeypatch):
    write_runs(tmp_path, 12, systems=6)
    result = browse(
        tmp_path,
        """
        const boxes = [...document.querySelectorAll(".columns input")];
        const columns = () => [...document.querySelectorAll(".questions thead bdi")]
          .map((one) => one.textContent);
        result.start = columns();
        result.disabled = boxes.map((one) => one.disabled);
        boxes[3].click(); boxes[5].click(); result.changed = columns();
        """,
        monkeypatch,
    )
    assert result["start"] == ["system0", "system1", "system2", "system3"]
    assert result["disabled"] == [True, True, False, False, True, True]
    assert result["changed"] == ["system0", "system1", "system2", "system5"]


def test_markup_in_the_data_is_shown_and_never_run(tmp_path, monkeypatch):
    write_runs(tmp_path, 10)
    result = browse(
        tmp_path,
        """
        result.images = document.querySelectorAll(".browser img").length;
        result.text = rows()[1];
        """,
        monkeypatch,
    )
    assert result["images"] == 0
    assert EVIL in result["text"]


# Of six questions, the third and the last without answer: answer, F1, null odds, and how the page
# shows them at the null threshold 0.
SHOWN = (
    ("Anna", 1.0, -3.14159, "right: AnnaF1 1.00, null odds −3.14"),
    ("unused", 1.0, 0.004, "wrong: no answerF1 0.00, null odds 0.00abstained, has an answer"),
    ("unused", 0.0, 123_456.789, "right: no answerF1 1.00, null odds 123456.79"),
    ("Miss Anna", 2 / 3, -2.5, "wrong: Miss AnnaF1 0.67, null odds −2.50overlaps a gold"),
    ("Eve", 0.0, -300.5, "wrong: EveF1 0.00, null odds −300.50shares no word with a gold"),
    ("Eve", 0.0, -0.001, "wrong: EveF1 0.00, null odds 0.00answered, has none"),
)


def test_every_value_is_shown_as_it_was_recorded(tmp_path, monkeypatch):
    write_runs(tmp_path, len(SHOWN), systems=1)
    path = tmp_path / "system0" / outcomes.FILE_NAME
    answers, f1, odds, cells = zip(*SHOWN, strict=True)
    found = outcomes.read(path)
    start = np.where(np.array(answers) == "Anna", found.start, 0)
    changed = dataclasses.replace(
        found,
        answers=answers,
        start=start.astype(np.int32),
        end=np.where(start > 0, found.end, 0).astype(np.int32),
        null_odds=np.array(odds),
        exact=(np.array(f1) == 1).astype(float),
        f1=np.array(f1),
    )
    outcomes.write(changed, path)
    result = browse(
        tmp_path,
        """
        const every = [...document.querySelectorAll(".questions tbody tr")];
        result.cells = every.map((row) => row.lastChild.textContent);
        """,
        monkeypatch,
    )
    assert result["cells"] == list(cells)


def test_a_browser_that_cannot_unpack_says_so(tmp_path, monkeypatch):
    write_runs(tmp_path, 10)
    steps = 'result.text = document.querySelector(".browser").textContent;'
    gone = "delete globalThis.DecompressionStream;"
    result = browse(tmp_path, steps, monkeypatch, before=gone)
    assert result["text"].startswith("This browser cannot unpack the questions: open the page with")


def test_a_damaged_page_says_so(tmp_path, monkeypatch):
    write_runs(tmp_path, 10)
    steps = 'result.text = document.querySelector(".browser").textContent;'
    damage = 'document.getElementById("data-0").textContent = "AAAA";'
    result = browse(tmp_path, steps, monkeypatch, before=damage)
    assert result["text"].startswith("The questions cannot be unpacked: this file is damaged.")


def test_a_narrow_page_does_not_scroll_sideways(tmp_path, monkeypatch):
    write_runs(tmp_path, 10, systems=6)
    result = browse(
        tmp_path,
        """
        document.querySelector(".questions .open").click();
        const { scrollWidth, clientWidth } = document.documentElement;
        result.narrow = clientWidth < 600;
        result.beyond = scrollWidth - clientWidth;
        """,
        monkeypatch,
        flags=["--window-size=390,900"],
    )
    assert result == {"narrow": True, "beyond": 0}


def test_as_many_questions_as_a_dev_set_are_filtered_as_few_are(tmp_path, monkeypatch):
    write_runs(tmp_path, 12_000, systems=4)
    result = browse(
        tmp_path,
        """
        pick("show", "A and B differ"); result.differ = status();
        pick("search", "when 1199"); result.search = status();
        """,
        monkeypatch,
    )
    number = np.arange(12_000)
    differ = int(((number % 2 > 0) != (number % 3 > 0)).sum())
    assert result["differ"].startswith(f"{differ} of 12000")
    assert not result["search"].startswith("0 ")
