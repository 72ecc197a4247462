"""Text from data is made safe to show by one rule, on the terminal and on the page."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from support.places import ROOT

from qabench.base.terminal import commented, echo, prepare_output, safe, shortened, visible
from qabench.errors import OutputError
from qabench.views.page.standings import escape


@pytest.mark.parametrize(
    ("character", "name"),
    [
        *(("\x1b", "⟨U+001B⟩"), ("\x00", "⟨U+0000⟩"), ("\x9b", "⟨U+009B⟩")),
        *(("\r", "⟨U+000D⟩"), ("\x7f", "⟨U+007F⟩")),
        *(("\u202e", "⟨U+202E⟩"), ("\u200b", "⟨U+200B⟩"), ("\ud83d", "⟨U+D83D⟩")),
        *(("\ue000", "⟨U+E000⟩"), ("\U000e0001", "⟨U+E0001⟩")),
    ],
)
def test_a_character_that_cannot_be_seen_is_named(character, name):
    assert visible(f"a{character}b") == f"a{name}b"
    assert escape(f"<a{character}b") == f"&lt;a{name}b"


def test_letters_marks_emoji_spaces_and_line_breaks_stay():
    text = "Zoë 東京 e\u0301 🎻 می\u200cخواهم 👩\u200d🚀\n  two  spaces \u00a0\t"
    assert visible(text) == text


def test_one_line_has_single_spaces():
    assert safe(" a\t\n b\u2028c ") == " a b c "


def test_a_long_text_is_cut_to_a_length_and_says_so():
    assert shortened("abcd", 4) == "abcd"
    assert shortened("abcde", 4) == "abc…"


def test_whatever_is_made_visible_can_be_written_as_utf8():
    for text in ("\ud800", "\udfff", "".join(map(chr, range(0xD700, 0xE100)))):
        assert visible(text).encode("utf-8")


def test_no_other_module_of_the_package_decides_what_can_be_seen():
    modules = (ROOT / "qabench").rglob("*.py")
    looks = re.compile(r"unicodedata\.category|backslashreplace|⟨U\+|ufffd")
    found = [path.name for path in modules if looks.search(path.read_text("utf-8"))]
    assert found == ["terminal.py"]


def test_comments_of_commands_stand_below_each_other():
    assert commented([("a", "one"), ("long", "two")]) == ["  a      # one", "  long   # two"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp437", "cp1252", "utf-8"])
def test_every_character_can_be_written_in_any_encoding(encoding, monkeypatch):
    text = "1.0 ± 0.2, −0.1 … +0.3 ≠ † ‡ – × ⟨U+202E⟩ 東京"
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding))
    prepare_output()
    echo(text)
    written = raw.getvalue().decode(encoding)
    if encoding == "utf-8":
        assert written == text + "\n"
    assert "0.2, " in written
    in_ascii = text.encode("ascii", "qabench").decode()
    assert in_ascii == "1.0 +/- 0.2, -0.1 ... +0.3 != + ++ - x <U+202E> ??"


def test_a_full_disk_is_one_sentence(monkeypatch):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)"):
            echo("text")


def test_a_closed_stdout_is_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="stdout is closed"):
        prepare_output()


def test_a_long_command_does_not_push_other_comments_away():
    lines = commented([("short", "one"), ("x" * 100, "two"), ("longer", "three")])
    assert lines == ["  short    # one", f"  {'x' * 100}   # two", "  longer   # three"]
