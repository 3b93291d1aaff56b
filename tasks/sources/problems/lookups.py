"""Look-ups in numbered lines: one line, two lines in turn, a sum of two lines, or no line at
all.
"""

from random import Random

from tasks.sources.problems.columns import addition_steps
from tasks.sources.problems.facts import (
    ASKING,
    Fact,
    another_fact,
    any_need,
    distinct_facts,
    examiner_fact,
    fee_fact,
    found,
    index_of,
    passage_of,
    section_fact,
)
from tasks.sources.problems.lexicon import HEADINGS, NAMES, capitalised
from tasks.sources.problems.problem import Problem, text_problem

LAYOUTS = (
    "Passage:\n{passage}\nQuestion: {question}\nCite the line.",
    "Read the passage and answer with the line number.\n{passage}\nQ: {question}",
)
SILENT = "The passage does not say."

CAPACITY = len(LAYOUTS) * (len(HEADINGS) * len(NAMES)) ** 2
"""Counts only passages of two examiner lines, each in one wording."""


def rendered(rng: Random, *, passage: str, question: str) -> str:
    """Return the prompt in one of the layouts."""
    return rng.choice(LAYOUTS).format(passage=passage, question=question)


def single(rng: Random) -> Problem:
    """Return a problem whose answer stands in one line."""
    facts = distinct_facts(rng, rng.choice((2, 3, 3, 4)))
    fact = rng.choice(facts)
    need, line = any_need(rng, fact), facts.index(fact) + 1
    scanned = f"{rng.choice(ASKING).format(about=need.about)}\n{index_of(facts, need)}"
    think = (
        f'{scanned}\n{found(need, line)} [{line}] says "{fact.text}" So the answer is {need.value}.'
    )
    prompt = rendered(rng, passage=passage_of(facts), question=rng.choice(need.questions))
    return text_problem(
        family="lookup", prompt=prompt, think=think, answer=f"{capitalised(need.value)} [{line}]"
    )


def unanswerable(rng: Random) -> Problem:
    """Return a problem that no line answers. In half of them, a line gives something of the same
    kind.
    """
    facts = distinct_facts(rng, rng.choice((2, 3, 3, 4)))
    missing = missing_twin(rng, facts) if rng.random() < 0.5 else another_fact(rng, facts)
    need = any_need(rng, missing)
    scanned = f"{rng.choice(ASKING).format(about=need.about)}\n{index_of(facts, need)}"
    think = f"{scanned}\nSo {need.about}: nothing."
    prompt = rendered(rng, passage=passage_of(facts), question=rng.choice(need.questions))
    return text_problem(family="lookup", prompt=prompt, think=think, answer=SILENT)


def missing_twin(rng: Random, facts: list[Fact]) -> Fact:
    """Return a fact that is not in the passage, of the same kind as one that is."""
    kind = rng.choice(facts).kind
    while True:
        fact = another_fact(rng, facts)
        if fact.kind == kind:
            return fact


def two_hops(rng: Random) -> Problem:
    """Return a problem in which a section leads to its topic, and the topic to its examiner."""
    first = section_fact(rng)
    second = examiner_fact(rng, first.subject)
    facts = [first, second]
    for _ in range(rng.choice((0, 1, 1, 2))):
        facts.append(another_fact(rng, facts))
    rng.shuffle(facts)
    assert first.inverse is not None
    section, topic, examiner = first.need.value, first.subject, second.need.value
    lines = facts.index(first) + 1, facts.index(second) + 1
    question = rng.choice(
        (
            f"Who handles the topic of {section}?",
            f"Which examiner is assigned to the matter in {section}?",
        )
    )
    think = (
        f"I need the examiner for the topic of {section}. First the topic.\n"
        f"{index_of(facts, first.inverse)}\n"
        f'{found(first.inverse, lines[0])} [{lines[0]}] says "{first.text}" '
        f"So the topic is {topic}. Now the examiner for {topic}.\n"
        f"{index_of(facts, second.need)}\n"
        f'{found(second.need, lines[1])} [{lines[1]}] says "{second.text}" '
        f"So the answer is {examiner}."
    )
    prompt = rendered(rng, passage=passage_of(facts), question=question)
    return cited_twice(prompt, think, value=examiner, lines=lines)


def total(rng: Random) -> Problem:
    """Return a problem: the sum of two fees."""
    first = fee_fact(rng)
    second = another_fact(rng, [first], fee_fact)
    facts = [first, second]
    for _ in range(rng.choice((0, 1, 2))):
        facts.append(another_fact(rng, facts))
    rng.shuffle(facts)
    lines = facts.index(first) + 1, facts.index(second) + 1
    pair = f"{first.subject} and {second.subject}"
    question = rng.choice(
        (f"What is the total fee for {pair}?", f"How much do {pair} cost together?")
    )
    think = (
        f"I need {first.need.about} and {second.need.about}.\n{index_of(facts, first.need)}\n"
        f"{found(first.need, lines[0])} {found(second.need, lines[1])} "
        f'[{lines[0]}] says "{first.text}" [{lines[1]}] says "{second.text}" '
        f"{addition_steps(first.amount, second.amount)}"
    )
    value = f"{first.amount + second.amount} credits"
    prompt = rendered(rng, passage=passage_of(facts), question=question)
    return cited_twice(prompt, think, value=value, lines=lines)


def cited_twice(prompt: str, think: str, *, value: str, lines: tuple[int, int]) -> Problem:
    """Return a problem whose answer uses two lines, cited in either order."""
    one, two = lines
    accepted = (
        f"{value} [{one}][{two}]",
        f"{value} [{two}][{one}]",
        f"{value} [{one}] [{two}]",
        f"{value} [{two}] [{one}]",
    )
    return text_problem(
        family="lookup", prompt=prompt, think=think, answer=accepted[0], accepted=accepted
    )


def lookup(rng: Random) -> Problem:
    """Return a problem: a question about a passage of numbered lines. Nearly one in four has no
    answer.
    """
    engine = rng.choices((single, two_hops, total, unanswerable), (48, 15, 14, 23))[0]
    return engine(rng)
