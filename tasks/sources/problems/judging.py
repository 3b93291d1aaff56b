"""Judging of given answers: right, wrong by one digit, or entirely wrong."""

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
"""Counts only passages of two examiner lines, each in one wording and with the right answer."""


def with_other_digit(rng: Random, value: str) -> str:
    """Return the value with one digit changed, or unchanged if it has no digits."""
    places = [place for place, sign in enumerate(value) if sign.isdigit()]
    if not places:
        return value
    place = rng.choice(places)
    other = rng.choice([sign for sign in "123456789" if sign != value[place]])
    return value[:place] + other + value[place + 1 :]


def with_other_words(rng: Random, value: str) -> str:
    """Return another value of the same kind."""
    if value.startswith("Examiner "):
        return f"Examiner {rng.choice(NAMES)}"
    if value.startswith(("a ", "an ")):
        return with_article(rng.choice(ITEMS))
    if value in TOPICS:
        return rng.choice(TOPICS)
    unit = value.rsplit(" ", 1)[-1]
    number = re.sub(r"\d+", lambda found: str(rng.randint(2, 10 ** len(found[0]) - 1)), value)
    return number.replace(unit, rng.choice(PERIOD_UNITS)) if unit in PERIOD_UNITS else number


def wrong_answer(rng: Random, facts: list[Fact], value: str) -> str:
    """Return a wrong answer: one digit changed, another value of the same kind, or the value of
    another line.
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
    """Return the comparison of two answers, unit by unit up to the first difference."""
    steps = []
    for due, seen in zip_longest(UNITS.findall(value), UNITS.findall(given), fillvalue="nothing"):
        if due.isdigit() and seen.isdigit():
            steps.append(digits_compared(int(due), int(seen)))
        else:
            steps.append(words_compared(due, seen))
        if due != seen:
            break
    return " ".join(steps)


def digits_compared(due: int, seen: int) -> str:
    """Return the comparison of two digits, as columns are subtracted."""
    if due < seen:
        return f"{due} is below {seen}, different."
    return f"{due} - {seen} = {due - seen}, {'same' if due == seen else 'different'}."


def words_compared(due: str, seen: str) -> str:
    """Return the comparison of two words, as a line is looked up in an index."""
    return f"{due}: [1]. So {seen}: {'[1], same' if due == seen else 'nothing, different'}."


def verdict_of(need: Need, given: str) -> str:
    """Return "right" or "wrong"."""
    return "right" if given == need.value else "wrong"


def judging(rng: Random) -> Problem:
    """Return a problem: whether a given answer to a question about a passage is right."""
    facts = distinct_facts(rng, rng.choice((2, 2, 3, 3)))
    fact = rng.choice(facts)
    need, line = any_need(rng, fact), facts.index(fact) + 1
    given = need.value if rng.random() < 0.45 else wrong_answer(rng, facts, need.value)
    verdict = verdict_of(need, given)
    think = (
        f"{rng.choice(ASKING).format(about=need.about)}\n{index_of(facts, need)}\n"
        f'{found(need, line)} [{line}] says "{fact.text}" '
        f"So it should be {need.value}. The answer given is {given}.\n"
        f"Compare: {compared(need.value, given)}\nSo the answer is {verdict}."
    )
    form, question = rng.choice(FORMS), rng.choice(need.questions)
    passage = passage_of(facts)
    prompt = form.format(passage=passage, question=question, given=capitalised(given))
    return text_problem(
        family="judging",
        prompt=prompt,
        think=think,
        answer=f"Verdict: {verdict}",
        accepted=(f"Verdict: {verdict}", verdict),
    )
