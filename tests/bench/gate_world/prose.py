"""Sound rows in free prose: questions about handbooks of many trades, answered from the passages.

Nothing here speaks the pocket teacher's grammar. A row is drawn from a trade (its topics, roles and
things), from several wordings of every rule, question and answer, and from several ways to think.
"""

from dataclasses import dataclass
from random import Random

from tasks.verdicts.case import Case, Passage


@dataclass(frozen=True)
class Trade:
    """The world of one handbook."""

    label: str
    topics: tuple[str, ...]
    roles: tuple[str, ...]
    money: str
    whose: str


LIBRARY = """late returns|lost books|study rooms|inter-library loans|guest cards|laptop lending
|reading groups|rare prints"""
HOUSE = """subletting|rent arrears|garden upkeep|pets|heating costs|minor repairs|key deposits
|bicycle storage"""
OFFICE = """night shifts|travel expenses|sick leave|parental leave|remote work|overtime pay
|training courses|company cars"""
HARBOUR = """pilot boats|berth changes|waste discharge|crew passes|crane hire|cold storage
|customs seals|anchor dues"""
HOSPITAL = """allergy tests|blood donations|visiting hours|patient transport|second opinions
|medical certificates|dental x-rays|home visits"""


def _topics(text: str) -> tuple[str, ...]:
    return tuple(text.replace("\n", "").split("|"))


TRADES = (
    Trade("Section {}", _topics(LIBRARY), ("librarian", "branch manager"), "euros", "reader"),
    Trade("Article {}", _topics(HOUSE), ("property manager", "caretaker"), "dollars", "tenant"),
    Trade("§ {}", _topics(OFFICE), ("payroll officer", "department head"), "francs", "employee"),
    Trade("Rule {}", _topics(HARBOUR), ("harbour master", "duty officer"), "pounds", "skipper"),
    Trade(
        "Chapter {}", _topics(HOSPITAL), ("ward sister", "chief physician"), "credits", "patient"
    ),
)
PEOPLE = """Abara Bellini Castellanos Dvorak Eriksen Fontaine Grzelak Haddad Ishikawa Jansen Kowalczyk
Lindqvist Moreau Nakamura Okafor Petersen Quiroga Rahman Santoro Takahashi Ulrich Vasquez Winterbourne
Yamada Zielinski""".split()
NUMBERS = "ten twelve fourteen fifteen twenty thirty".split()
REASONS = (
    "so that other {whose}s are not kept waiting",
    "because the insurance does not cover it",
    "since the equipment is shared by all departments",
    "because earlier disputes took months to settle",
)


@dataclass(frozen=True)
class Fact:
    """One rule of a section: how it stands there, how it is asked for and answered, and what
    decides.
    """

    kind: str
    sentence: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class Part:
    """A section of a handbook."""

    label: str
    topic: str
    facts: tuple[Fact, ...]
    remark: str

    @property
    def passage(self) -> Passage:
        sentences = [fact.sentence for fact in self.facts]
        return Passage(self.label, " ".join([*sentences, self.remark]), self.topic.capitalize())


def prose_rows(count: int, *, seed: int) -> list[Case]:
    """Return sound rows; three ask about every handbook section drawn, each about another rule."""
    rows: list[Case] = []
    rng = Random(f"prose/{seed}")
    while len(rows) < count:
        trade = rng.choice(TRADES)
        topics = rng.sample(trade.topics, rng.choice((2, 3)))
        parts = [_part(rng, trade, topic) for topic in topics]
        if len({one.label for one in parts}) < len(parts):
            continue
        for fact in rng.sample(parts[0].facts, 3):
            rows.append(_row(rng, len(rows), trade, parts, fact))
    return rows[:count]


def _part(rng: Random, trade: Trade, topic: str) -> Part:
    facts = [_amount(rng, trade, topic), _period(rng, trade, topic), _person(rng, trade, topic)]
    facts += [_permission(rng, trade, topic), _reason(rng, trade, topic)]
    rng.shuffle(facts)
    label = trade.label.format(
        rng.choice((f"{rng.randint(1, 40)}", f"{rng.randint(1, 9)}.{rng.randint(1, 9)}"))
    )
    remark = rng.choice(
        (
            "Forms are kept at the front desk.",
            "Copies may be requested in writing.",
            "Complaints go to the board, which meets twice a year.",
            "The annex gives three worked examples.",
        )
    )
    return Part(label, topic, tuple(facts), remark)


def _amount(rng: Random, trade: Trade, topic: str) -> Fact:
    value = f"{rng.randint(3, 240) * 5} {trade.money}"
    return Fact(
        "amount",
        rng.choice(
            (
                f"For {topic}, the charge is {value} per request.",
                f"The {trade.whose} pays {value} towards the cost of {topic}.",
                f"A flat charge of {value} applies to {topic}, payable in advance.",
            )
        ),
        (f"How much does the {trade.whose} pay for {topic}?", f"What is the charge for {topic}?"),
        (
            f"The {trade.whose} pays {value} for {topic}.",
            f"The charge is {value}.",
            f"It comes to {value}, according to the handbook.",
        ),
        value,
    )


def _period(rng: Random, trade: Trade, topic: str) -> Fact:
    value = f"{rng.choice((*map(str, range(2, 45)), *NUMBERS))} {rng.choice(('days', 'weeks', 'months'))}"
    return Fact(
        "period",
        rng.choice(
            (
                f"Requests that concern {topic} are to be settled within {value}.",
                f"Every {trade.whose} has {value} to object to a decision on {topic}.",
                f"Records of {topic} are kept for {value} and then destroyed.",
            )
        ),
        (
            f"How long is the period that the handbook sets for {topic}?",
            f"How much time is set for {topic}?",
        ),
        (f"The handbook sets {value} for {topic}.", f"The period is {value}.", f"It is {value}."),
        value,
    )


def _person(rng: Random, trade: Trade, topic: str) -> Fact:
    role, name = rng.choice(trade.roles), rng.choice(PEOPLE)
    value = f"the {role}, {name}"
    return Fact(
        "person",
        rng.choice(
            (
                f"Questions about {topic} are answered by {value}.",
                f"Only {value}, may sign for {topic}.",
                f"In matters of {topic}, {name} acts as {role}.",
            )
        ),
        (f"Who is responsible for {topic}?", f"Which person decides about {topic}?"),
        (
            f"{name}, the {role}, is responsible.",
            f"That is {name}.",
            f"The {role} {name} decides about {topic}.",
        ),
        name,
    )


def _permission(rng: Random, trade: Trade, topic: str) -> Fact:
    allowed = rng.random() < 0.5
    deed = rng.choice(
        (
            "renewed by telephone",
            "transferred to another person",
            "paid in instalments",
            "booked a year ahead",
        )
    )
    word = "may be" if allowed else "may not be"
    return Fact(
        "yes_no",
        f"Arrangements for {topic} {word} {deed}.",
        (f"May arrangements for {topic} be {deed}?", f"Can arrangements for {topic} be {deed}?"),
        (
            f"{'Yes' if allowed else 'No'}, arrangements for {topic} {word} {deed}.",
            f"Arrangements for {topic} {word} {deed}.",
        ),
        f"{word} {deed}",
    )


def _reason(rng: Random, trade: Trade, topic: str) -> Fact:
    reason = rng.choice(REASONS).format(whose=trade.whose)
    return Fact(
        "reason",
        f"Exceptions on {topic} are rare, {reason}.",
        (f"Why are exceptions on {topic} rare?",),
        (f"They are rare {reason}.", f"Exceptions on {topic} are rare {reason}."),
        reason,
    )


def _row(rng: Random, number: int, trade: Trade, parts: list[Part], fact: Fact) -> Case:
    own = parts[0]
    shown = rng.sample(parts, len(parts))
    question = rng.choice(fact.questions)
    answer, cite = rng.choice(fact.answers), f"[{own.label}]"
    inside = rng.random() < 0.3
    answer = f"{answer.rstrip('.')} {cite}." if inside else f"{answer} {cite}"
    lines = "\n".join(f"[{one.label}] {one.passage.whole}" for one in shown)
    think = _think(rng, own, parts[1:], fact)
    return Case(
        trace_id=f"prose{number}",
        prompt=f"Answer from the passages alone. Cite the section in brackets.\n\n{lines}\n\nQuestion: {question}",
        question=question,
        think=think,
        answer=answer,
        raw=f"<think>\n{think}\n</think>\n\n{answer}",
        fault="",
        family="handbook",
        cell=f"handbook/{number}/0",
        canary=f"canary-{number:016x}",
        passages=tuple(one.passage for one in shown),
    )


def _think(rng: Random, own: Part, others: list[Part], fact: Fact) -> str:
    opening = rng.choice(
        (
            f"Okay, let me see what the passages have to say about {own.topic}.",
            f"The question is about {own.topic}, so I should look for the part that deals with it.",
            "Hmm, let me read the passages one by one.",
            f"So I need to find what applies to {own.topic}.",
        )
    )
    aside = rng.choice(
        (
            *(f"{one.label} deals with {one.topic}, which is not what is asked." for one in others),
            f"The first thing to notice is that only {own.label} mentions it.",
            "The other parts can be left aside.",
        )
    )
    bare = fact.sentence.rstrip(".")
    reading = rng.choice(
        (
            f'{own.label} says: "{fact.sentence}"',
            f"In {own.label} I read “{bare}”, and that settles it.",
            f"{own.label} states that {bare[0].lower()}{bare[1:]}.",
            f"According to {own.label}, it is {fact.value}."
            if fact.kind in ("amount", "period")
            else f"{own.label} is clear on this point.",
        )
    )
    ending = rng.choice(
        (
            f"So the answer is {fact.value}.",
            f"That gives {fact.value}; I will cite {own.label}.",
            "I can answer from that and cite the part.",
            f"Wait, could another part say something else? No. The answer is {fact.value}.",
        )
    )
    return f"{opening} {aside} {reading} {ending}"
