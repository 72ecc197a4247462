"""Paragraphs about invented entities, and questions about them.

A paragraph states facts: (entity, relation) pairs with one value each, or a pair of values that
"at first" and "afterwards" tell apart. An answerable question asks for one fact. An unanswerable
one asks for an (entity, relation) that the paragraph does not state, mostly beside a distractor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from qabench.quickstart import words
from qabench.quickstart.chance import Chance
from qabench.quickstart.grammar import FIRST, THEN, Domain, Relation, Value
from qabench.quickstart.values import Values

# What an apposition states about a person; its question is the same in every domain.
IDENTITY = Relation("identity", "", questions=("Who was {e}?",))
# After values of these grammars "it" can only mean the entity; after a ship it could mean the ship.
_NO_THINGS = {"person", "date", "crew", "survey", "care", "motto", "job", "quantity", "use"}


@dataclass(frozen=True, slots=True)
class Shape:
    """How paragraphs are composed: ranges of numbers, and probabilities."""

    facts: tuple[int, int] = (4, 6)
    many_facts: tuple[int, int] = (8, 10)
    long: float = 0.12
    questions: int = 5
    unanswerable: float = 0.36
    second_entity: float = 0.6
    pair: float = 0.25
    adjunct: float = 0.25
    coordinated: float = 0.35
    filler: float = 0.12
    opener: float = 0.12


@dataclass(frozen=True, slots=True)
class Fact:
    """A value that the context states.

    Attributes:
        start: offset of the value in the context, in code points.
        when: "at first" or "afterwards" for a value of a pair, else empty.
    """

    entity: str
    relation: Relation
    value: Value
    start: int
    when: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the spans (text, start) of its golds, or of plausible wrong answers."""

    text: str
    entity: str
    relation: str
    when: str
    golds: tuple[tuple[str, int], ...]
    plausible: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A context, the facts that it states, and questions about it."""

    title: str
    context: str
    facts: tuple[Fact, ...]
    questions: tuple[Question, ...]


class _Text:
    """A context being written; the first letter of each sentence is capitalised."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._at_start = True

    def put(self, text: str) -> int:
        """Append a text; return the offset at which it begins."""
        start = self._length
        if self._at_start and text:
            text = _capitalised(text)
            self._at_start = False
        self._parts.append(text)
        self._length += len(text)
        return start

    def end_sentence(self) -> None:
        self.put(". ")
        self._at_start = True

    def whole(self) -> str:
        return "".join(self._parts).rstrip()


class _Writer:
    """Writes one paragraph and keeps the facts that it states."""

    def __init__(self, domain: Domain, values: Values, shape: Shape) -> None:
        self.domain = domain
        self.values = values
        self.chance = values.chance
        self.shape = shape
        self.text = _Text()
        self.facts: list[Fact] = []

    def introduction(self, entity: str) -> None:
        self.text.put(f"{entity} {self.chance.pick(self.domain.openings)}")
        self.text.end_sentence()

    def block(self, entity: str, relations: Sequence[Relation]) -> None:
        """Sentences about one entity, named in the first sentence and sometimes again."""
        rest, mention = list(relations), entity
        while rest:
            relation = rest.pop(0)
            also = rest.pop(0) if rest and self.chance.happens(self.shape.coordinated) else None
            self._sentence(entity, mention, relation, also)
            if self.chance.happens(self.shape.filler):
                self.text.put(self.chance.pick(words.FILLERS))
                self.text.end_sentence()
            mention = self._mention(entity)

    def _mention(self, entity: str) -> str:
        if self.chance.happens(0.4):
            return entity
        last = self.facts[-1]
        thingless = last.relation.grammar in _NO_THINGS
        if thingless and self.domain.pronouns and self.chance.happens(0.5):
            return self.chance.pick(self.domain.pronouns)
        return self.domain.noun

    def _sentence(
        self, entity: str, mention: str, relation: Relation, also: Relation | None
    ) -> None:
        whole = relation.sentences and mention not in self.domain.pronouns
        if also is None and whole and self.chance.happens(0.45):
            template = self.chance.pick(relation.sentences)
        else:
            opener = self.chance.happens(self.shape.opener)
            before = f"{self.chance.pick(words.OPENERS)} " if opener else ""
            template = f"{before}{{e}} {self._predicate(relation)}"
            if also is None and relation.event and template.endswith("{v}"):
                template += self._adjunct()
        open_comma = self._fill(template, entity, mention, relation)
        if also is not None:
            self.text.put(", and " if open_comma else " and ")
            open_comma = self._fill(self._predicate(also, no_pair=True), entity, mention, also)
        self.text.end_sentence()

    def _predicate(self, relation: Relation, no_pair: bool = False) -> str:
        if relation.pair and not no_pair and self.chance.happens(self.shape.pair):
            return relation.pair
        return self.chance.pick(relation.predicates)

    def _adjunct(self) -> str:
        if not self.chance.happens(self.shape.adjunct):
            return ""
        return f" {self.chance.pick(words.ADJUNCTS)}"

    def _fill(self, template: str, entity: str, mention: str, relation: Relation) -> bool:
        """Write a template; true if it ends with an apposition, which a comma must close."""
        value = self.values.value(relation.value)
        open_comma = False
        for part in re.split(r"(\{\w+\})", template):
            if part in ("{v}", "{w}"):
                value = value if part == "{v}" else self.values.value(relation.value)
                when = (FIRST if part == "{v}" else THEN) if "{w}" in template else ""
                start = self.text.put(value.text)
                self.facts.append(Fact(entity, relation, value, start, when))
                open_comma = not when and self._apposition(value)
                continue
            shown = {"{e}": mention, "{at}": value.at}.get(part, part)
            self.text.put(f",{shown}" if open_comma and shown else shown)
            open_comma = open_comma and not shown
        return open_comma

    def _apposition(self, value: Value) -> bool:
        if not value.apposition:
            return False
        self.text.put(", ")
        start = self.text.put(value.apposition)
        bare, _, _ = value.apposition.partition(" from ")
        said = Value(value.apposition, shorter=(bare,) if bare != value.apposition else ())
        self.facts.append(Fact(value.parts["name"], IDENTITY, said, start))
        return True


def paragraph(
    domain: Domain, relations: Sequence[Relation], values: Values, shape: Shape
) -> Paragraph:
    """A paragraph in which every gold occurs once.

    Args:
        domain: of the entities.
        relations: what may be stated and asked about them.
        values: makes names and values.
        shape: how the paragraph is composed.
    """
    while True:
        values.forget()
        made = _compose(domain, relations, values, shape)
        if made.questions and all(
            _occurrences(gold, made.context) == 1
            for question in made.questions
            for gold, _ in question.golds
        ):
            return made


def _occurrences(gold: str, context: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(gold)}(?!\w)", context, re.IGNORECASE))


def _entity(domain: Domain, values: Values) -> str:
    form = values.chance.pick(domain.names)
    if "{place}" in form:
        return form.replace("{place}", values.place_name())
    return form.replace("{stem}", values.name())


def _compose(
    domain: Domain, relations: Sequence[Relation], values: Values, shape: Shape
) -> Paragraph:
    chance = values.chance
    writer = _Writer(domain, values, shape)
    entity, other = _entity(domain, values), _entity(domain, values)
    number = chance.between(*(shape.many_facts if chance.happens(shape.long) else shape.facts))
    stated = chance.draw(relations, number)
    # The second entity mostly has the same attributes, with other values.
    second: list[Relation] = []
    if chance.happens(shape.second_entity):
        second = chance.draw(stated, chance.between(1, 3))
        second = [one if chance.happens(0.7) else chance.pick(relations) for one in second]
        second = list({one.name: one for one in second}.values())
    if chance.happens(0.6):
        writer.introduction(entity)
    for about, said in _blocks(entity, stated, other, second, chance):
        writer.block(about, said)
    if not second and chance.happens(0.5):
        writer.text.put(f"{entity} is sometimes confused with {other}")
        writer.text.end_sentence()
    context, facts = writer.text.whole(), tuple(writer.facts)
    asker = _Asker(domain, relations, values, context, facts, (entity, other))
    return Paragraph(_capitalised(entity), context, facts, asker.questions(shape, bool(second)))


def _blocks(
    entity: str,
    stated: list[Relation],
    other: str,
    second: list[Relation],
    chance: Chance,
) -> list[tuple[str, list[Relation]]]:
    if not second:
        return [(entity, stated)]
    if chance.happens(0.5):
        cut = chance.between(2, len(stated) - 1) if len(stated) > 2 else 1
        return [(entity, stated[:cut]), (other, second), (entity, stated[cut:])]
    if chance.happens(0.3):
        return [(other, second), (entity, stated)]
    return [(entity, stated), (other, second)]


class _Asker:
    """Asks about one context."""

    def __init__(
        self,
        domain: Domain,
        relations: Sequence[Relation],
        values: Values,
        context: str,
        facts: Sequence[Fact],
        entities: tuple[str, str],
    ) -> None:
        self.domain = domain
        self.relations = relations
        self.values = values
        self.chance = values.chance
        self.context = context
        self.facts = facts
        self.entities = entities
        self.stated = {(fact.entity, fact.relation.name) for fact in facts}

    def questions(self, shape: Shape, two: bool) -> tuple[Question, ...]:
        """At most ``shape.questions`` questions, all different."""
        asked: dict[str, Question] = {}
        untold = iter(self.chance.draw(self.facts, len(self.facts)))
        for _ in range(shape.questions):
            if self.chance.happens(shape.unanswerable):
                question = self._unanswerable(two)
            else:
                fact = next(untold, None)
                question = self._answerable(fact) if fact else None
            if question is not None:
                asked.setdefault(question.text, question)
        return tuple(asked.values())

    def _answerable(self, fact: Fact) -> Question:
        template, part = self._template(fact.relation, fact.value, fact.when)
        golds = (fact.value.parts[part],) if part else (fact.value.text, *fact.value.shorter)
        spans = tuple(self._span(gold, fact) for gold in golds)
        text = _ask(template, fact.entity, fact.value, fact.when)
        return Question(text, fact.entity, fact.relation.name, fact.when, spans)

    def _template(self, relation: Relation, value: Value, when: str) -> tuple[str, str]:
        """A question template, and the part of the value that it asks for; "" for the whole."""
        if when:
            return self.chance.pick(relation.pair_questions), ""
        options = [(question, "") for question in relation.questions]
        for part, questions in relation.narrow.items():
            if part in value.parts and (part != "name" or value.kind):
                options += [(question, part) for question in questions]
        return self.chance.pick(options)

    def _span(self, gold: str, fact: Fact) -> tuple[str, int]:
        inside = fact.value.text.index(gold)
        start = fact.start + inside
        return self.context[start : start + len(gold)], start

    def _unanswerable(self, two: bool) -> Question | None:
        """Asks what is not stated about an entity, or what is stated only about another."""
        if self.chance.happens(0.65):
            return self._missing_relation(self.entities[self.chance.between(0, int(two))])
        return self._other_entity(two)

    def _missing_relation(self, entity: str) -> Question | None:
        missing = [one for one in self.relations if (entity, one.name) not in self.stated]
        near = [one for one in missing if self._distractors(one, same_relation=True)] or [
            one for one in missing if self._distractors(one, same_relation=False)
        ]
        if not missing:
            return None
        relation = self.chance.pick(near if near and self.chance.happens(0.75) else missing)
        decoys = self._distractors(relation, True) or self._distractors(relation, False)
        value = decoys[0].value if decoys else self.values.value(relation.value)
        return self._impossible(entity, relation, value, decoys[:1])

    def _distractors(self, relation: Relation, same_relation: bool) -> list[Fact]:
        if same_relation:
            return [fact for fact in self.facts if fact.relation.name == relation.name]
        return [fact for fact in self.facts if fact.relation.grammar == relation.grammar]

    def _other_entity(self, two: bool) -> Question:
        known = [fact for fact in self.facts if fact.relation is not IDENTITY]
        fact = self.chance.pick(known)
        # A second entity without facts may still be named in the context.
        named = not two and self.chance.happens(0.6)
        entity = self.entities[1] if named else _entity(self.domain, self.values)
        return self._impossible(entity, fact.relation, fact.value, [fact], fact.when)

    def _impossible(
        self, entity: str, relation: Relation, value: Value, decoys: Sequence[Fact], when: str = ""
    ) -> Question:
        template, _ = self._template(relation, value, when)
        plausible = tuple(self._span(fact.value.text, fact) for fact in decoys)
        text = _ask(template, entity, value, when)
        return Question(text, entity, relation.name, when, (), plausible)


def _ask(template: str, entity: str, value: Value, when: str) -> str:
    slots = {"e": entity, "kind": value.kind, "unit": value.unit, "when": when}
    return _capitalised(template.format_map(slots))


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]


def paragraphs(domains: Sequence[Domain], values: Values, shape: Shape) -> Iterator[Paragraph]:
    """Endless paragraphs about the entities of these domains."""
    while True:
        domain = values.chance.pick(domains)
        yield paragraph(domain, domain.relations, values, shape)


def at_most(paragraph: Paragraph, questions: int) -> Paragraph:
    """The paragraph with its first ``questions`` questions."""
    return replace(paragraph, questions=paragraph.questions[:questions])
