"""Value grammars: invented names, and what an attribute can be."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from enum import Enum

from qabench.quickstart import words
from qabench.quickstart.chance import Chance
from qabench.quickstart.grammar import Value

_UNITS = {
    "weight": (("kilograms", "tonnes", "pounds"), 3, 9000),
    "price": (("crowns", "dollars", "gold coins"), 20, 90000),
    "people": (("inhabitants", "people", "residents"), 800, 90000),
    "staff": (("workers", "employees", "people"), 20, 9000),
    "height": (("metres", "feet"), 9, 200),
    "money": (("pounds", "francs", "marks"), 900, 900000),
    "length": (("centimetres", "inches"), 2, 90),
    "time": (("years", "months"), 2, 40),
    "losses": (("soldiers", "horses", "men"), 40, 9000),
}


class Pool(Enum):
    """Invented words are divided into pools by their checksum, so that no word is in two pools."""

    PRETRAINING = range(5)
    TRAIN = range(5, 7)
    DEV = range(7, 8)

    def holds(self, word: str) -> bool:
        """Whether a word in lower case is in this pool."""
        return zlib.crc32(word.encode("ascii")) % 8 in self.value


class Values:
    """Makes values of every grammar from one stream of choices."""

    def __init__(self, chance: Chance, pool: Pool) -> None:
        self.chance = chance
        self.pool = pool
        self._used: set[str] = set()

    def value(self, grammar: str) -> Value:
        """A value of the grammar that a relation names."""
        name, _, argument = grammar.partition(":")
        make: Callable[..., Value] = getattr(self, f"_{name}")
        return make(argument) if argument else make()

    def forget(self) -> None:
        """Begin a new paragraph: invented words may be used again."""
        self._used.clear()

    def stem(self, syllables: int = 0) -> str:
        """An invented word of this pool in lower case, not yet used in its paragraph."""
        chance = self.chance
        while True:
            number = syllables or chance.pick((1, 2, 2, 2, 3))
            open_syllables = [
                chance.pick(words.ONSETS) + chance.pick(words.NUCLEI) for _ in range(number)
            ]
            word = "".join(open_syllables) + chance.pick(words.CODAS)
            if 4 <= len(word) <= 9 and word not in self._used and self.pool.holds(word):
                self._used.add(word)
                return word

    def name(self, syllables: int = 0) -> str:
        """A capitalised invented word."""
        return self.stem(syllables).capitalize()

    def place_name(self) -> str:
        """An invented place."""
        chance = self.chance
        name = self.name(chance.pick((1, 2)))
        if chance.happens(0.6):
            name += chance.pick(words.PLACE_SUFFIXES)
        return f"{chance.pick(words.PLACE_PREFIXES)} {name}" if chance.happens(0.2) else name

    def _person(self) -> Value:
        chance = self.chance
        initial = f"{chance.pick(words.INITIALS)}. " if chance.happens(0.15) else ""
        name = f"{chance.pick(words.FIRST_NAMES)} {initial}{self.name()}"
        text = name
        if chance.happens(0.2):
            text = f"{chance.pick(words.TITLES)} {name}"
        elif chance.happens(0.15):
            text = f"{name} {chance.pick(('of', 'von'))} {self.place_name()}"
        apposition = ""
        if chance.happens(0.25):
            origin = f" from {self.place_name()}" if chance.happens(0.5) else ""
            apposition = chance.pick(words.APPOSITIONS) + origin
        shorter = (name,) if name != text else ()
        return Value(text, {"name": name}, shorter, apposition=apposition)

    def _place(self) -> Value:
        chance = self.chance
        name = self.place_name()
        form = chance.between(0, 9)
        if form < 4:
            kind = chance.pick(words.PLACE_KINDS)
            return Value(f"the {kind} of {name}", {"name": name}, (name,), kind)
        if form < 6:
            return Value(f"{name} in the province of {self.name(2)}", shorter=(name,))
        if form < 7:
            return Value(f"{name}, {self.name(2)}ia", shorter=(name,))
        return Value(name)

    def _date(self) -> Value:
        chance = self.chance
        year, month = str(chance.between(1740, 1979)), chance.pick(words.MONTHS)
        form = chance.between(0, 9)
        if form < 4:
            text, at = f"{chance.between(1, 28)} {month} {year}", "on"
        elif form < 6:
            text, at = f"{month} {chance.between(1, 28)}, {year}", "on"
        elif form < 8:
            text, at = f"the {chance.pick(words.SEASONS)} of {year}", "in"
        else:
            text, at = f"{month} {year}", "in"
        return Value(text, {"year": year}, at=at)

    def _number(self, low: int, high: int) -> str:
        number = self.chance.between(low, high)
        return f"{number if number < 100 else round(number, -1):,}"

    def _quantity(self, what: str) -> Value:
        units, low, high = _UNITS[what]
        unit, number = self.chance.pick(units), self._number(low, high)
        about = self.chance.pick(words.ABOUT)
        shorter = (f"{number} {unit}",) if about else ()
        return Value(f"{about}{number} {unit}", {"number": number}, shorter, unit=unit)

    def _crew(self) -> Value:
        first = f"{self._number(12, 90)} {self.chance.pick(words.CREW)}"
        if self.chance.happens(0.4):
            return Value(first)
        return Value(f"{first} and {self._number(2, 11)} {self.chance.pick(words.SPECIALISTS)}")

    def _ship(self) -> Value:
        noun = self.chance.pick(words.SHIP_NOUNS).capitalize()
        if self.chance.happens(0.7):
            return Value(f"the {self.name()} {noun}")
        return Value(f"the {noun} of {self.name(2)}")

    def _river(self) -> Value:
        if self.chance.happens(0.6):
            return Value(f"the River {self.name(2)}")
        return Value(f"the {self.name(2)} River")

    def _title(self) -> Value:
        noun = self.chance.pick(words.TITLE_NOUNS).capitalize()
        if self.chance.happens(0.5):
            return Value(f"The {noun} of {self.name(2)}")
        adjective = self.chance.pick(words.TITLE_ADJECTIVES).capitalize()
        return Value(f"The {adjective} {noun} and the {self.name()}")

    def _society(self) -> Value:
        chance = self.chance
        form = chance.between(0, 2)
        if form == 0:
            return Value(f"the {self.name()} {chance.pick(words.SOCIETIES)}")
        if form == 1:
            return Value(f"the Royal {chance.pick(words.ROYAL)} of {self.place_name()}")
        return Value(f"{self.name()} and {chance.pick(words.PARTNERS)}")

    def _award(self) -> Value:
        award = f"the {self.name(2)} {self.chance.pick(words.AWARDS)}"
        if self.chance.happens(0.6):
            return Value(award)
        return Value(f"{award} for {self.chance.pick(words.AWARD_FIELDS)}", shorter=(award,))

    def _material(self) -> Value:
        chance = self.chance
        one, two, three = chance.draw(words.MATERIALS, 3)
        form = chance.between(0, 3)
        if form == 0:
            return Value(one)
        if form == 1:
            return Value(f"{one} and {two}")
        if form == 2:
            return Value(f"{one}, {two} and {three}")
        return Value(f"{chance.pick(words.FINISHES)} {one} {chance.pick(words.JOINS)} {two}")

    def _goods(self) -> Value:
        chance = self.chance
        items = [
            f"{chance.pick(words.GOODS_ADJECTIVES)} {item}" if chance.happens(0.2) else item
            for item in chance.draw(words.GOODS, chance.pick((2, 2, 3, 4)))
        ]
        return Value(", ".join(items[:-1]) + " and " + items[-1])

    def _trouble(self) -> Value:
        adjective, noun = (
            self.chance.pick(words.TROUBLE_ADJECTIVES),
            self.chance.pick(words.TROUBLES),
        )
        if self.chance.happens(0.55):
            return Value(f"{adjective} {noun}")
        place = self.chance.pick(words.TROUBLE_PLACES)
        return Value(f"{adjective} {noun} {place}", shorter=(f"{adjective} {noun}",))

    def _power(self) -> Value:
        return Value(self.chance.pick(words.POWERS))

    def _use(self) -> Value:
        chance = self.chance
        use, other = chance.draw(words.USES, 2)
        form = chance.between(0, 3)
        if form < 2:
            return Value(use)
        if form < 3:
            return Value(f"{use} and {other}")
        return Value(f"{use} {chance.pick(words.USE_PLACES)}", shorter=(use,))

    def _discovery(self) -> Value:
        found = self.chance.pick(words.DISCOVERIES)
        if self.chance.happens(0.5):
            return Value(found)
        return Value(f"{found} near {self.place_name()}", shorter=(found,))

    def _ruin(self) -> Value:
        chance = self.chance
        ruin = f"{chance.pick(words.RUINS)} {chance.pick(words.RUIN_KINDS)}"
        return Value(f"{chance.pick(words.RUIN_PARTS)} of {ruin}")

    def _survey(self) -> Value:
        chance = self.chance
        goal = " ".join(
            (
                chance.pick(words.SURVEY_VERBS),
                "the",
                chance.pick(words.SURVEY_ADJECTIVES),
                chance.pick(words.SURVEY_OBJECTS),
            )
        )
        form = chance.between(0, 2)
        if form == 1:
            goal += f" of {self.name(2)}"
        if form == 2:
            goal += f" and {chance.pick(words.SURVEY_EXTRAS)}"
        return Value(f"to {goal}", shorter=(goal,))

    def _care(self) -> Value:
        chance = self.chance
        goal = f"{chance.pick(words.CARE_VERBS)} {chance.pick(words.CARE_OBJECTS)}"
        if chance.happens(0.5):
            goal += f" {chance.pick(words.CARE_TIMES)}"
        return Value(f"to {goal}", shorter=(goal,))

    def _motto(self) -> Value:
        first = self.chance.pick(words.MOTTO_WORDS).capitalize()
        return Value(f"{first} {self.chance.pick(words.MOTTO_ENDS)}")

    def _habitat(self) -> Value:
        chance = self.chance
        habitat = f"{chance.pick(words.HABITAT_ADJECTIVES)} {chance.pick(words.HABITATS)}"
        if chance.happens(0.5):
            return Value(habitat)
        return Value(f"{habitat} of {self.name(2)}", shorter=(habitat,))

    def _diet(self) -> Value:
        return Value(" and ".join(self.chance.draw(words.FOODS, self.chance.pick((1, 2)))))

    def _job(self) -> Value:
        return Value(" and ".join(self.chance.draw(words.JOBS, self.chance.pick((1, 1, 2)))))
