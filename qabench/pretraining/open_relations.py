"""Relations with arbitrary or invented words, only for pretraining.

"The brend of the Kolm Museum was …" has a form but no meaning. Such facts teach the encoder to find
the words of a question in a context, and which kind of answer a question word asks for.
"""

from __future__ import annotations

from qabench.quickstart import words
from qabench.quickstart.chance import Chance
from qabench.quickstart.grammar import Relation
from qabench.quickstart.values import Values

_PEOPLE = ("person",)
_THINGS = (
    "society",
    "goods",
    "trouble",
    "discovery",
    "motto",
    "award",
    "ship",
    "job",
    "habitat",
    "ruin",
    "use",
    "diet",
    "material",
    "power",
    "river",
    "title",
    "quantity:people",
    "quantity:weight",
    "quantity:price",
    "crew",
)


def open_relations(values: Values, n: int) -> list[Relation]:
    """``n`` different relations made of few words, so that several share a word."""
    chance = values.chance
    nouns = [_noun(values) for _ in range(max(2, n // 2))]
    verbs = [_participle(values) for _ in range(max(2, n // 3))]
    makers = (_attribute, _agent, _object, _place, _date)
    # Words may come twice; each verb makes four relations, each noun one.
    while len(set(nouns)) + 4 * len(set(verbs)) < n:
        verbs.append(_participle(values))
    found: dict[str, Relation] = {}
    while len(found) < n:
        make = chance.pick(makers)
        word = chance.pick(nouns if make is _attribute else verbs)
        relation = make(word, chance)
        found[relation.name] = relation
    return list(found.values())


def _noun(values: Values) -> str:
    chance = values.chance
    noun = values.stem() if chance.happens(0.5) else chance.pick(words.ATTRIBUTES)
    if chance.happens(0.3):
        return f"{chance.pick(words.ATTRIBUTE_ADJECTIVES)} {noun}"
    return noun


def _participle(values: Values) -> str:
    if values.chance.happens(0.5):
        return f"{values.stem()}ed"
    return values.chance.pick(words.PARTICIPLES)


def _attribute(noun: str, chance: Chance) -> Relation:
    is_person = chance.happens(0.35)
    value = "person" if is_person else chance.pick((*_THINGS, "place", "date"))
    asks = "Who" if is_person else "When" if value == "date" else "What"
    which = "Which person was" if is_person else "Which was"
    return Relation(
        f"noun {noun}",
        value,
        (f"had {{v}} as its {noun}", f"chose {{v}} as its {noun}"),
        (f"The {noun} of {{e}} was {{v}}", f"{{v}} was the {noun} of {{e}}"),
        (f"{asks} was the {noun} of {{e}}?", f"{which} the {noun} of {{e}}?"),
        pair=f"had {{v}} as its {noun} at first and {{w}} afterwards",
        pair_questions=(f"{asks} was the {noun} of {{e}} {{when}}?",),
    )


def _agent(verb: str, chance: Chance) -> Relation:
    value = chance.pick(("person", "person", "society", "trouble", "power"))
    asks = "What" if value in ("trouble", "power") else "Who"
    return Relation(
        f"agent {verb}",
        value,
        (f"was {verb} by {{v}}", f"had been {verb} by {{v}}"),
        (f"{{v}} {verb} {{e}}", f"{{v}} had {verb} {{e}}"),
        (f"{asks} {verb} {{e}}?", f"By {'what' if asks == 'What' else 'whom'} was {{e}} {verb}?"),
        pair=f"was {verb} by {{v}} at first and by {{w}} afterwards",
        pair_questions=(f"{asks} {verb} {{e}} {{when}}?",),
    )


def _object(verb: str, chance: Chance) -> Relation:
    value = chance.pick((*_PEOPLE, *_THINGS))
    asks = "Whom" if value in _PEOPLE else "What"
    return Relation(
        f"object {verb}",
        value,
        (f"{verb} {{v}}", f"had {verb} {{v}}"),
        (f"{{v}} was {verb} by {{e}}",),
        (f"{asks} had {{e}} {verb}?", f"{asks} was {verb} by {{e}}?"),
        event=True,
    )


def _place(verb: str, chance: Chance) -> Relation:
    where = chance.pick(("in", "near", "at", "from"))
    return Relation(
        f"place {verb}",
        "place",
        (f"was {verb} {where} {{v}}", f"had been {verb} {where} {{v}}"),
        (f"In spite of all, {{e}} was {verb} {where} {{v}}",),
        (f"Where was {{e}} {verb}?", f"Where had {{e}} been {verb}?"),
        {"name": (f"{where.capitalize()} which {{kind}} was {{e}} {verb}?",)},
        pair=f"was {verb} {where} {{v}} at first and {where} {{w}} afterwards",
        pair_questions=(f"Where was {{e}} {verb} {{when}}?",),
        event=True,
    )


def _date(verb: str, chance: Chance) -> Relation:
    return Relation(
        f"date {verb}",
        "date",
        (f"was {verb} {{at}} {{v}}", f"had been {verb} {{at}} {{v}}"),
        (f"{{at}} {{v}}, {{e}} was {verb}",),
        (f"When was {{e}} {verb}?", f"When had {{e}} been {verb}?"),
        {"year": (f"In what year was {{e}} {verb}?",)},
        event=True,
    )
