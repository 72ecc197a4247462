"""The browsable report stands alone, and no text of the data is ever markup."""

from __future__ import annotations

import json
import re

import pytest
from test_comparison import QUESTIONS, write_run

from qabench.contests import gather
from qabench.examples import GoldAnswer, QAExample
from qabench.leaderboard import tables
from qabench.page import Picture, Section, write_page
from qabench.page.data import _Contexts, _utf16_offsets
from qabench.page.document import document

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028\x00&amp;\"'"


@pytest.fixture
def contest(tmp_path):
    import numpy as np

    for name, shift in (("good", 0), ("bad", 1)):
        write_run(tmp_path / "runs", name, 0, (np.arange(QUESTIONS) + shift) % 3 > 0)
    (found,) = gather([tmp_path / "runs"])
    return found


@pytest.fixture
def page(contest) -> str:
    (table,) = tables([contest])
    return document(
        [Section(contest, table, (Picture("a plot", "how to read it", "<svg></svg>"),))]
    )


def data_of(page: str) -> dict:
    (text,) = re.findall(r'<script type="application/json" id="data-0">(.*?)</script>', page)
    return json.loads(text)


def test_the_page_has_the_leaderboard_and_what_it_amounts_to(page):
    assert "<td>good" in page
    assert "always null" in page
    assert "EM: " in page


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
        found = system.records[0].outcomes
        assert data["questions"]["id"] == [one.id for one in found.examples]
        assert run["label"] == f"{system.label} seed 0"
        assert run["exact"] == system.records[0].final("exact").astype(int).tolist()
        assert run["abstains"] == found.abstains(0.0).astype(int).tolist()
        wrong = [
            fault for fault, right in zip(run["fault"], run["exact"], strict=True) if not right
        ]
        assert all(fault >= 0 for fault in wrong)
    assert data["contexts"] == ["Anna came in May ."]
    assert data["questions"]["golds"][:3] == [[[0, 4]], [[0, 4]], []]
    column = data["slices"]["answerability"]
    assert [column["names"][of] for of in column["of"][:3]] == ["HasAns", "HasAns", "NoAns"]


def test_markup_in_names_titles_and_texts_stays_text(contest, tmp_path):
    (table,) = tables([contest])
    page = document([Section(contest, table, (Picture(EVIL, EVIL, EVIL),))])
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_markup_in_the_data_is_inert_json(monkeypatch, contest):
    from qabench.page import document as module

    monkeypatch.setattr(module, "contest_data", lambda _: {"contexts": [EVIL]})
    (table,) = tables([contest])
    page = document([Section(contest, table)])
    assert data_of(page) == {"contexts": [EVIL]}
    assert "alert(1)</script>" not in page
    assert "\x00" not in page


def test_offsets_are_counted_as_javascript_counts_them():
    text = "a😀b👩‍👧c"
    offsets = _utf16_offsets(text)
    for start in range(len(text) + 1):
        assert offsets[start] == len(text[:start].encode("utf-16-le")) // 2
    assert _utf16_offsets("only é and 東") is None
    example = QAExample("q", "what ?", text, (GoldAnswer("b", 2), GoldAnswer("b", 2)))
    assert _Contexts.of([example]).golds(0, example) == [[3, 4]]


def test_the_page_is_written_whole(contest, tmp_path):
    (table,) = tables([contest])
    path = tmp_path / "page.html"
    write_page([Section(contest, table)], path)
    assert path.read_text("utf-8").endswith("</html>\n")
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["page.html"]
