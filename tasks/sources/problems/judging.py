"""Judging of given answers: right, off by one digit, or wrong altogether."""

import re
from itertools import zip_longest
from random import Random

from tasks.sources.problems.facts import (
    ASKING,
    TOPICS,
    Fact,
    Need,
    any_need,
    distinct_facts,
    found,
    index_of,
    passage_of,
)
from tasks.sources.problems.lexicon import (
    HEADINGS,
    ITEMS,
    NAMES,
    PERIOD_UNITS,
    capitalised,
    with_article,
)
from tasks.sources.problems.problem import Problem, text_problem

FORMS = (
    "Passage:\n{passage}\nQuestion: {question}\nAnswer: {given}\nJudge the answer.",
    "{passage}\nQ: {question}\nA: {given}\nIs the answer right or wrong?",
)
UNITS = re.compile(r"\d|[A-Za-z]+")

CAPACITY = len(FORMS) * (len(HEADINGS) * len(NAMES)) ** 2
"""Passages of two examiner lines alone, each in one wording and with the right answer."""


def with_other_digit(rng: Random, value: str) -> str:
    """The value with one digit changed; a value without digits is returned as it is."""
    places = [place for place, sign in enumerate(value) if sign.isdigit()]
    if not places:
        return value
    place = rng.choice(places)
    other = rng.choice([sign for sign in "123456789" if sign != value[place]])
    return value[:place] + other + value[place + 1 :]


def with_other_words(rng: Random, value: str) -> str:
    """Another value of the same sort."""
    if value.startswith("Examiner "):
        return f"Examiner {rng.choice(NAMES)}"
    if value.startswith(("a ", "an ")):
        return with_article(rng.choice(ITEMS))
    if value in TOPICS:
        return rng.choice(TOPICS)
    number, unit = (
        re.sub(r"\d+", lambda found: str(rng.randint(2, 10 ** len(found[0]) - 1)), value),
        value.rsplit(" ", 1)[-1],
    )
    return number.replace(unit, rng.choice(PERIOD_UNITS)) if unit in PERIOD_UNITS else number


def wrong_answer(rng: Random, facts: list[Fact], value: str) -> str:
    """An answer other than the value: one digit changed, another value of its sort, or what another
    line gives.
    """
    while True:
        match rng.choices(("digit", "words", "line"), (5, 3, 2))[0]:
            case "digit":
                given = with_other_digit(rng, value)
            case "words":
                given = with_other_words(rng, value)
            case _:
                given = any_need(rng, rng.choice(facts)).value
        if given.casefold() != value.casefold():
            return given


def compared(value: str, given: str) -> str:
    """The two answers side by side, unit by unit, up to the first difference."""
    steps = []
    for due, seen in zip_longest(UNITS.findall(value), UNITS.findall(given), fillvalue="nothing"):
        steps.append(
            digits_compared(int(due), int(seen))
            if due.isdigit() and seen.isdigit()
            else words_compared(due, seen)
        )
        if due != seen:
            break
    return " ".join(steps)


def digits_compared(due: int, seen: int) -> str:
    """Two digits, compared as columns are subtracted."""
    if due < seen:
        return f"{due} is below {seen}, different."
    return f"{due} - {seen} = {due - seen}, {'same' if due == seen else 'different'}."


def words_compared(due: str, seen: str) -> str:
    """Two words, compared as a line is looked up in an index."""
    return f"{due}: [1]. So {seen}: {'[1], same' if due == seen else 'nothing, different'}."


def verdict_of(need: Need, given: str) -> str:
    """Right or wrong."""
    return "right" if given == need.value else "wrong"


def judging(rng: Random) -> Problem:
    """Whether a given answer to a question about a passage is right."""
    facts = distinct_facts(rng, rng.choice((2, 2, 3, 3)))
    fact = rng.choice(facts)
    need, line = any_need(rng, fact), facts.index(fact) + 1
    given = need.value if rng.random() < 0.45 else wrong_answer(rng, facts, need.value)
    verdict = verdict_of(need, given)
    think = (
        f"{rng.choice(ASKING).format(about=need.about)}\n{index_of(facts, need)}\n"
        f'{found(need, line)} [{line}] says "{fact.text}" So it should be {need.value}. The answer given is {given}.\n'
        f"Compare: {compared(need.value, given)}\nSo the answer is {verdict}."
    )
    prompt = rng.choice(FORMS).format(
        passage=passage_of(facts), question=rng.choice(need.questions), given=capitalised(given)
    )
    return text_problem(
        family="judging",
        prompt=prompt,
        think=think,
        answer=f"Verdict: {verdict}",
        accepted=(f"Verdict: {verdict}", verdict),
    )
