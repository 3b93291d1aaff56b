"""Problems that ask for a question about a passage of numbered lines."""

from random import Random

from tasks.sources.problems.facts import any_need, distinct_facts, passage_of
from tasks.sources.problems.lexicon import HEADINGS, NAMES
from tasks.sources.problems.problem import Problem, text_problem

FORMS = (
    "Passage:\n{passage}\nWrite a question that the passage answers.",
    "Write one question about this passage.\n{passage}",
    "{passage}\nAsk one question that a reader of these lines can answer.",
)
CHOOSING = ("I choose", "I will use", "Let me take", "A good choice is")

CAPACITY = len(FORMS) * (len(HEADINGS) * len(NAMES)) ** 2
"""Counts only passages of two examiner lines, each in one wording."""


def question_writing(rng: Random) -> Problem:
    """Return a problem. Every question that one of the lines answers is right."""
    facts = distinct_facts(rng, rng.choice((2, 3, 3, 4)))
    fact = rng.choice(facts)
    need = any_need(rng, fact)
    think = (
        f"The passage has {len(facts)} lines. "
        f"{rng.choice(CHOOSING)} line [{facts.index(fact) + 1}]: "
        f'"{fact.text}" It gives {need.about}. '
        f"A reader could be asked for that, and the answer would be {need.value}. "
        "The question must be clear without the line."
    )
    needs = [each for other in facts for each in other.needs]
    valid = tuple(question for each in needs for question in each.questions)
    prompt = rng.choice(FORMS).format(passage=passage_of(facts))
    return text_problem(
        family="question_writing",
        prompt=prompt,
        think=think,
        answer=rng.choice(need.questions),
        accepted=valid,
    )
