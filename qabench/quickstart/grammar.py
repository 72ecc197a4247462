"""The types of the tables of domains: what can be said and asked about an entity.

Slots of a statement: ``{e}`` the entity, ``{v}`` the value, ``{w}`` the second value of a pair,
``{at}`` the preposition that a date needs. Slots of a question: ``{e}``, ``{kind}`` (what sort of
place), ``{unit}`` (what is counted), ``{when}`` (which value of a pair).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# How context and question tell the two values of a pair apart.
FIRST, THEN = "at first", "afterwards"


@dataclass(frozen=True, slots=True)
class Value:
    """Something that an entity's attribute can be.

    Attributes:
        text: as in the context.
        parts: what a narrow question asks for (``name``, ``year``, ``number``); each occurs once in
            ``text``.
        shorter: other golds for the whole value; each occurs once in ``text``.
        kind: fills ``{kind}``; empty if the text does not say it.
        unit: fills ``{unit}``.
        at: fills ``{at}``.
        apposition: what follows a person's name, between commas; may be empty.
    """

    text: str
    parts: Mapping[str, str] = field(default_factory=dict)
    shorter: tuple[str, ...] = ()
    kind: str = ""
    unit: str = ""
    at: str = ""
    apposition: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """An attribute of the entities of a domain.

    Attributes:
        name: unique in its domain.
        value: name of a value grammar; its argument follows a colon.
        predicates: verb phrases that follow the entity.
        sentences: whole sentences without a full stop.
        questions: ask for the whole value.
        narrow: questions by the part of the value that they ask for.
        pair: verb phrase that states two values; empty if there cannot be two.
        pair_questions: ask for one of the two.
        event: whether it happened once, so that an adverbial phrase can follow.
    """

    name: str
    value: str
    predicates: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    narrow: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pair: str = ""
    pair_questions: tuple[str, ...] = ()
    event: bool = False

    @property
    def grammar(self) -> str:
        """The value grammar without its argument: the sort of answer."""
        return self.value.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Domain:
    """A sort of entity, such as machines or towns.

    Attributes:
        noun: refers back to the entity.
        names: forms of a name; ``{stem}`` is an invented word, ``{place}`` an invented place.
        openings: predicates that nothing is asked about.
        relations: its attributes.
        pronouns: for the entity, where they cannot mean anything else.
    """

    noun: str
    names: tuple[str, ...]
    openings: tuple[str, ...]
    relations: tuple[Relation, ...]
    pronouns: tuple[str, ...] = ("it",)
