"""Tables as text keep what strangers wrote from becoming markup."""

from __future__ import annotations

import pytest

from qabench.views.tables import markdown


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("see https://evil.example/x", "see https:&#8203;//evil.example/x"),
        ("see HTTP://evil.example", "see HTTP:&#8203;//evil.example"),
        ("www.evil.example", "www&#8203;.evil.example"),
        ("thanks @someone", "thanks @&#8203;someone"),
        ("mail me@evil.example", "mail me@&#8203;evil.example"),
        ("fixes #12", "fixes #&#8203;12"),
        ("a|b", r"a\|b"),
        ("[x](y) <b> &amp; *em* ~~no~~", r"\[x\](y) \<b\> \&amp; \*em\* \~\~no\~\~"),
        ("spanbert_crf (objective=bio)", "spanbert_crf (objective=bio)"),
        ("at 5 @ 3, # and www", "at 5 @ 3, # and www"),
    ],
)
def test_markdown_has_no_markup_links_or_mentions_from_names(text, written):
    assert markdown(text) == written
