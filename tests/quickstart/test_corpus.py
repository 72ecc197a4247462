"""The quickstart's corpus: the same everywhere, answerable from one place or none, names apart."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qabench.errors import DataError
from qabench.pretraining import domains
from qabench.pretraining.domains import PRETRAINING
from qabench.pretraining.open_relations import open_relations
from qabench.quickstart import grammar, paragraphs, values, words
from qabench.quickstart.chance import Chance
from qabench.quickstart.corpus import SPLITS, read_generated, records, split_paragraphs
from qabench.quickstart.domains import QUICKSTART
from qabench.quickstart.grammar import FIRST, THEN, Domain, Relation
from qabench.quickstart.paragraphs import Paragraph, Shape, paragraph
from qabench.quickstart.values import Pool, Values

DOMAINS = (*QUICKSTART, *PRETRAINING)
RELATIONS = [relation for domain in DOMAINS for relation in domain.relations]


def some(seed: int, domains: tuple[Domain, ...], pool: Pool, n: int) -> list[Paragraph]:
    return list(islice(paragraphs.paragraphs(domains, Values(Chance(seed), pool), Shape()), n))


def pretraining(seed: int, n: int) -> list[Paragraph]:
    given = Values(Chance(seed), Pool.PRETRAINING)
    made = []
    for _ in range(n):
        domain = given.chance.pick(PRETRAINING)
        relations = [*given.chance.draw(domain.relations, 4), *open_relations(given, 8)]
        made.append(paragraph(domain, relations, given, Shape()))
    return made


@pytest.fixture(scope="module")
def splits() -> dict[str, list[Paragraph]]:
    return {name: list(split_paragraphs(name)) for name in SPLITS}


@pytest.mark.parametrize(
    ("split", "fingerprint"),
    [
        ("train", "f9885c2995434efcbbc6f5d2ffc7d5637d9e5836b6c882d316d239fc04da86bf"),
        ("dev", "9dbc47220e6ff389f46c19c4dc3abb11e17d8f355827373ab59cc4cb262af956"),
    ],
)
def test_the_same_questions_are_made_on_every_platform(split, fingerprint):
    made = read_generated(split)
    assert made.fingerprint == fingerprint
    assert len(made) == SPLITS[split][2]
    assert 0.3 < made.unanswerable / len(made) < 0.4


def test_there_are_no_other_splits():
    with pytest.raises(DataError, match="no split 'test'; use 'train' or 'dev'"):
        read_generated("test")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_every_question_is_answerable_from_exactly_one_place_or_not_at_all(seed, ahead):
    made = pretraining(seed, 2) if ahead else some(seed, QUICKSTART, Pool.DEV, 3)
    for one in made:
        for question in one.questions:
            stating = [
                fact
                for fact in one.facts
                if (fact.entity, fact.relation.name) == (question.entity, question.relation)
            ]
            asked = [fact for fact in stating if fact.when == question.when]
            if not question.golds:
                assert not stating
                continue
            (fact,) = asked
            for text, start in question.golds:
                assert one.context[start : start + len(text)] == text
                assert fact.start <= start
                assert start + len(text) <= fact.start + len(fact.value.text)
                found = re.findall(rf"(?<!\w){re.escape(text)}(?!\w)", one.context, re.IGNORECASE)
                assert len(found) == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_facts_stand_where_they_are_said_to_stand(seed):
    for one in some(seed, DOMAINS, Pool.TRAIN, 3):
        for fact in one.facts:
            said = one.context[fact.start : fact.start + len(fact.value.text)]
            assert said.lower() == fact.value.text.lower()
        for question in one.questions:
            for text, start in question.plausible:
                assert one.context[start : start + len(text)] == text


def test_records_are_squad_v2(splits):
    for record in records(splits["dev"][:20], "dev"):
        fields = record.fields
        assert fields["is_impossible"] == (not fields["answers"])
        assert not (fields["answers"] and fields["plausible_answers"])
        assert fields["id"].startswith("dev-")


def test_answers_are_of_one_and_of_many_words_and_contexts_long_and_short(splits):
    golds = [
        question.golds[0][0]
        for one in splits["dev"]
        for question in one.questions
        if question.golds
    ]
    lengths = [len(gold.split()) for gold in golds]
    assert sum(length > 1 for length in lengths) > len(lengths) / 2
    assert sum(length >= 4 for length in lengths) > len(lengths) / 8
    sizes = [len(one.context.split()) for one in splits["dev"]]
    assert min(sizes) < 45
    assert max(sizes) > 110


def test_most_unanswerable_questions_have_a_plausible_wrong_answer(splits):
    impossible = [q for one in splits["dev"] for q in one.questions if not q.golds]
    assert sum(bool(question.plausible) for question in impossible) > 0.7 * len(impossible)


def text_of(made: list[Paragraph]) -> str:
    return "\n".join(
        [one.context for one in made] + [q.text for one in made for q in one.questions]
    )


def word_set(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Za-z]+", text)}


def test_names_of_dev_occur_neither_in_training_nor_in_pretraining(splits):
    made_by = [Path(words.__file__).parent, Path(domains.__file__).parent]
    modules = [path for folder in made_by for path in folder.glob("*.py")]
    tables = word_set("\n".join(path.read_text("utf-8") for path in modules))
    dev = word_set(text_of(splits["dev"])) - tables
    assert len(dev) > 1000
    assert not dev & word_set(text_of(splits["train"]))
    assert not dev & word_set(text_of(pretraining(0, 2000)))


def test_pools_share_no_word():
    given = Values(Chance(0), Pool.TRAIN)
    made = [given.stem() for _ in range(200)]
    assert len(set(made)) == 200
    for word in made:
        assert [pool for pool in Pool if pool.holds(word)] == [Pool.TRAIN]


def templates(relations: list[Relation]) -> set[str]:
    found: set[str] = set()
    for one in relations:
        for when in (FIRST, THEN):
            found |= {question.replace("{when}", when) for question in one.pair_questions}
        found |= {*one.questions, *(q for asked in one.narrow.values() for q in asked)}
    return {re.sub(r"\{kind\}|\{unit\}", "…", question.lower()) for question in found}


def test_no_question_is_shared_between_pretraining_and_benchmark(splits):
    given = Values(Chance(1), Pool.PRETRAINING)
    opened = [one for _ in range(1000) for one in open_relations(given, 8)]
    ahead = [*opened, *(one for domain in PRETRAINING for one in domain.relations)]
    asked = templates([one for domain in QUICKSTART for one in domain.relations])
    assert len(asked) > 100
    assert not asked & templates(ahead)
    # The question for an apposition is one for all domains; its names are not.
    texts = {question.text for one in splits["dev"] for question in one.questions}
    assert not texts & {question.text for one in pretraining(0, 2000) for question in one.questions}
    assert not texts & {q.text for one in splits["train"] for q in one.questions}


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda one: one.name)
def test_relations_are_complete(relation):
    stated = (*relation.predicates, *relation.sentences)
    assert relation.predicates
    assert relation.questions
    assert all(template.count("{v}") == 1 for template in stated)
    assert all(question.endswith("?") and "{e}" in question for question in relation.questions)
    assert all("{e}" in sentence for sentence in relation.sentences)
    assert all("{at} {v}" in template for template in stated) == (relation.value == "date")
    assert bool(relation.pair) == bool(relation.pair_questions)
    if relation.pair:
        assert relation.value != "date"
        assert re.search(rf"\{{v\}}.* {FIRST} .*\{{w\}}.* {THEN}$", relation.pair)
    value = Values(Chance(0), Pool.TRAIN).value(relation.value)
    assert isinstance(value, grammar.Value)


def test_names_of_relations_are_unique_in_their_domain():
    for domain in DOMAINS:
        names = [relation.name for relation in domain.relations]
        assert len(names) == len(set(names))


@pytest.mark.parametrize("grammar_", sorted({one.value for one in RELATIONS}))
def test_parts_and_shorter_golds_stand_in_their_value_once(grammar_):
    given = Values(Chance(3), Pool.TRAIN)
    for _ in range(200):
        value = given.value(grammar_)
        for part in (*value.parts.values(), *value.shorter):
            assert len(re.findall(rf"(?<!\w){re.escape(part)}(?!\w)", value.text)) == 1


MONTH = "|".join(words.MONTHS)
FAULTS = {
    "preposition of a season": r"\b[Oo]n the (spring|summer|autumn|winter)\b",
    "preposition of a month": rf"\b[Oo]n ({MONTH}) \d{{4}}",
    "preposition of a day": rf"\b[Ii]n (\d+ ({MONTH})|({MONTH}) \d{{1,2}},)",
    "adverbial of a state": rf"\b(is|are|has) [^.]* ({'|'.join(words.ADJUNCTS)})\.$",
    "article": r"\b[Aa] [aeio]\w+ |\ba a\b|\bthe the\b",
    "punctuation": r"[ ]{2}|[ ][.,]|,[,.]|\.\.|\{|\}",
    "lower case": r"\. [a-z]",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_language_is_free_of_known_faults(splits, fault):
    for one in (*splits["train"], *splits["dev"]):
        assert not re.search(FAULTS[fault], one.context), one.context


def test_a_pronoun_follows_only_a_sentence_that_names_no_other_thing(splits):
    things = {"ship", "place", "society", "river", "material", "goods", "trouble", "power"}
    for one in splits["dev"]:
        for match in re.finditer(r"(?<=\. )It (?!was (on|in) )", one.context):
            before = [fact for fact in one.facts if fact.start < match.start()]
            assert before[-1].relation.grammar not in things, one.context


def test_chance_draws_without_repetition():
    chance = Chance(0)
    assert sorted(chance.draw(range(10), 10)) == list(range(10))
    assert len(chance.draw([1, 2], 5)) == 2
    assert {chance.between(2, 4) for _ in range(100)} == {2, 3, 4}


def test_every_value_grammar_but_that_of_numbers_is_used_by_a_relation():
    named = {one.grammar for one in RELATIONS}
    made = {name.removeprefix("_") for name in vars(values.Values) if name.startswith("_")}
    assert {name for name in made if not name.startswith("_")} - named == {"number"}


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 20))
def test_open_relations_are_as_many_and_as_different_as_asked_for(seed, n):
    found = open_relations(Values(Chance(seed), Pool.PRETRAINING), n)
    assert len({relation.name for relation in found}) == n
