"""Facts of the patent office. Each is a numbered line of a passage and answers one or two kinds of
question.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from tasks.sources.problems.lexicon import (
    HEADINGS,
    ITEMS,
    NAMES,
    NOTICES,
    capitalised,
    credit_sum,
    lowered,
    period,
    with_article,
)

TOPICS = tuple(lowered(heading) for heading in HEADINGS)
ASKING = (
    "The question asks for {about}.",
    "I need {about}.",
    "I look for {about}.",
    "Wanted: {about}.",
)


@dataclass(frozen=True)
class Need:
    """Something a question can ask for: its name, its value, and the questions that ask for it."""

    about: str
    value: str
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """One line of a passage.

    need: what the line tells of its subject. inverse: what it tells if it is read from its value to
    its subject, None if nothing. amount: its number of credits, 0 if it has none.
    """

    kind: str
    subject: str
    text: str
    need: Need
    inverse: Need | None = None
    amount: int = 0

    def seen_from(self, need: Need) -> Need:
        """Return the need of this line that is of the same kind as the given one, else its plain
        need.
        """
        if self.inverse and need.about.startswith(self.inverse.about.rsplit(" ", 1)[0]):
            return self.inverse
        return self.need

    @property
    def needs(self) -> tuple[Need, ...]:
        """Return everything that can be asked of this line."""
        return (self.need, self.inverse) if self.inverse else (self.need,)


def section_fact(rng: Random, topic: str = "") -> Fact:
    """Return a fact: which section governs a topic. A topic is drawn if none is given."""
    topic, section = topic or rng.choice(TOPICS), f"Section {rng.randint(100, 999)}"
    text = rng.choice(
        (
            f"{section} governs {topic}.",
            f"The rules on {topic} appear in {section}.",
            f"For {topic}, see {section}.",
        )
    )
    need = Need(
        f"the section for {topic}",
        section,
        (f"Which section governs {topic}?", f"Where are the rules on {topic}?"),
    )
    inverse = Need(
        f"the topic of {section}",
        topic,
        (f"What does {section} govern?", f"What is the topic of {section}?"),
    )
    return Fact("section", topic, text, need, inverse)


def reply_fact(rng: Random) -> Fact:
    """Return a fact: how long the period to answer a notice is."""
    notice, time = with_article(rng.choice(NOTICES)), period(rng)
    text = rng.choice(
        (
            f"A reply to {notice} is due in {time}.",
            f"The period to answer {notice} is {time}.",
            f"{capitalised(notice)} must be answered within {time}.",
        )
    )
    questions = (f"How long is the period to answer {notice}?", f"When is a reply to {notice} due?")
    return Fact("reply", notice, text, Need(f"the reply period for {notice}", time, questions))


def fee_fact(rng: Random) -> Fact:
    """Return a fact: what a notice costs."""
    notice, amount = with_article(rng.choice(NOTICES)), credit_sum(rng)
    text = rng.choice(
        (
            f"The fee for {notice} is {amount} credits.",
            f"Filing {notice} costs {amount} credits.",
            f"{capitalised(notice)} requires {amount} credits.",
        )
    )
    questions = (f"What is the fee for {notice}?", f"How much does {notice} cost?")
    return Fact(
        "fee",
        notice,
        text,
        Need(f"the fee for {notice}", f"{amount} credits", questions),
        amount=amount,
    )


def examiner_fact(rng: Random, topic: str = "") -> Fact:
    """Return a fact: who handles a topic. A topic is drawn if none is given."""
    topic, examiner = topic or rng.choice(TOPICS), f"Examiner {rng.choice(NAMES)}"
    text = rng.choice(
        (
            f"{examiner} handles {topic}.",
            f"Cases on {topic} go to {examiner}.",
            f"Questions on {topic} are assigned to {examiner}.",
        )
    )
    need = Need(
        f"the examiner for {topic}",
        examiner,
        (f"Who handles {topic}?", f"Which examiner is assigned to {topic}?"),
    )
    return Fact("examiner", topic, text, need)


def filing_fact(rng: Random) -> Fact:
    """Return a fact: who claimed what on which day."""
    name = rng.choice(NAMES)
    item = with_article(rng.choice(ITEMS))
    day = f"day {rng.randint(1, 99)}"
    text = rng.choice(
        (f"{name} filed a claim on {item} on {day}.", f"On {day}, {name} claimed {item}.")
    )
    need = Need(
        f"the filing day of {name}",
        day,
        (f"When did {name} file?", f"On which day did {name} file a claim?"),
    )
    inverse = Need(
        f"the item of {name}",
        item,
        (f"What did {name} claim?", f"What is the claim of {name} about?"),
    )
    return Fact("filing", name, text, need, inverse)


MAKERS: tuple[Callable[[Random], Fact], ...] = (
    section_fact,
    reply_fact,
    fee_fact,
    examiner_fact,
    filing_fact,
)


def clashes(fact: Fact, others: Iterable[Fact]) -> bool:
    """Return whether another line also answers a question about this one."""
    taken = {need.about for other in others for need in other.needs}
    return any(need.about in taken for need in fact.needs)


def another_fact(
    rng: Random, facts: list[Fact], make: Callable[[Random], Fact] | None = None
) -> Fact:
    """Return a fact that answers no question that the given facts answer. make: draws the fact; any
    kind if it is None.
    """
    while True:
        fact = (make or rng.choice(MAKERS))(rng)
        if not clashes(fact, facts):
            return fact


def distinct_facts(rng: Random, count: int) -> list[Fact]:
    """Return facts of which no two answer the same question."""
    facts: list[Fact] = []
    while len(facts) < count:
        facts.append(another_fact(rng, facts))
    return facts


def passage_of(facts: list[Fact]) -> str:
    """Return the facts as numbered lines."""
    return "\n".join(f"[{number}] {fact.text}" for number, fact in enumerate(facts, start=1))


def index_of(facts: list[Fact], need: Need) -> str:
    """Return what each line gives, line by line.

    A small model finds a line if it repeats what it needs and reads on. It cannot yet ask of each
    line whether it is the right one.
    """
    return "\n".join(
        f"{fact.seen_from(need).about}: [{number}]." for number, fact in enumerate(facts, start=1)
    )


def found(need: Need, line: int) -> str:
    """Return the sentence that names the line found in the index."""
    return f"So {need.about}: [{line}]."


def any_need(rng: Random, fact: Fact) -> Need:
    """Return what to ask of a line. The inverse reading is rarer."""
    return fact.inverse if fact.inverse and rng.random() < 0.35 else fact.need
