"""What the scripted engine invents for prompts without a passage: topics, questions and tasks."""

import re
from collections.abc import Callable
from random import Random

_GIVEN = re.compile(r"^(?:Question|Task): (.+)$", re.MULTILINE)
_CODE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ADJECTIVES = (
    "amber bright coastal distant early formal gentle hidden inland joint keen lasting modern "
    "northern open patient quiet rural silver timely urban vivid woollen yearly"
).split()
_THINGS = (
    "anchors barrels canals dyes engines fences gardens harbours irons jars kilns ladders mills "
    "needles orchards pumps quarries ropes sails tunnels urns valves wells yards"
).split()
_ASPECTS = (
    "age balance cost decline effect form growth history influence judgement keeping loss making "
    "naming origin price quality rhythm supply trade use value weight yield"
).split()
_QUESTIONS = (
    "Why does the {0} matter to the {1}?",
    "How did the {0} change after the {1} became known?",
    "What follows for the {0} if nobody records the {1}?",
    "Which reasons speak against comparing the {0} with the {1}?",
    "When is the {0} a better guide than the {1}?",
    "Who gained from the {0} once the {1} had failed?",
    "Does the {0} depend on the {1}?",
    "Where was the {0} studied before the {1}?",
    "Can the {0} be told apart from the {1}, and by what means?",
    "What would a buyer ask about the {0} or the {1}?",
)
_TASKS = (
    "Explain the {0} to a reader who only knows the {1}.",
    "Compare the {0} with the {1} and name one difference.",
    "Write two paragraphs on the {0}, addressed to people who study the {1}.",
    "Calculate the {0} for seven {2} from the {1}.",
    "Describe how the {0} led to the {1}.",
    "List four causes of the {0}, beginning with the {1}.",
    "Summarise the {0}; leave out the {1}.",
    "Plan a lesson on the {0} that ends with the {1}.",
)
_CLAUSES = (
    "with regard to the {0}",
    "if only the {0} and the {1} are known",
    "as a person who has studied the {0} for years sees it",
    "and what is left of it after the {0}",
    "given the {0}, the {1} and a small budget",
)
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5}
_NUMBER = re.compile(rf"\b(?:{'|'.join(_NUMBERS)})\b")


def written(text: str, form: str, rng: Random) -> str:
    """Return an answer in a form, "" for a prompt that shows a passage and wants no code.

    text: the prompt before its last line. form: the last line. A text to change gets one more
    clause; code is given back in blocks.
    """
    if "Python blocks" in form and (code := _CODE.search(text)):
        return _steps(code[1], rng)
    if "passage" in text and "the request" not in form:
        return ""
    one = _writer(text, form)
    if "on each line" in form:
        wanted = _NUMBER.search(text)
        most = _NUMBERS[wanted[0]] if wanted else 3
        return "\n".join(f"{number}. {one(rng)}" for number in range(1, most + 1))
    return one(rng) if one is not question or "question" in form else ""


def _writer(text: str, form: str) -> Callable[[Random], str]:
    """Return what writes one line of the answer."""
    given = _GIVEN.search(text)
    if "changed" in form and given:
        return lambda rng: _changed(given[1], rng)
    if "topic" in form:
        return topic
    return question if "question" in form else _request


def topic(rng: Random) -> str:
    """Return a topic.

    >>> topic(Random(1))
    'effect of silver canals'
    """
    return f"{rng.choice(_ASPECTS)} of {rng.choice(_ADJECTIVES)} {rng.choice(_THINGS)}"


def question(rng: Random) -> str:
    """Return a question about two topics."""
    return rng.choice(_QUESTIONS).format(topic(rng), topic(rng))


def _request(rng: Random) -> str:
    forms = rng.choice((_QUESTIONS, _TASKS))
    return rng.choice(forms).format(topic(rng), topic(rng), rng.choice(_THINGS))


def _changed(given: str, rng: Random) -> str:
    """Return a question or a task with one more clause."""
    bare = given.strip()
    clause = rng.choice(_CLAUSES).format(topic(rng), topic(rng))
    return f"{bare.rstrip('?.! ')}, {clause}{'?' if bare.endswith('?') else '.'}"


def _steps(code: str, rng: Random) -> str:
    """Return code in blocks, one for each part between two empty lines before a new statement."""
    parts = re.split(r"\n{2,}(?=\S)", code.strip("\n"))
    return "\n\n".join(
        f"Step {number} is about the {topic(rng)}.\n\n```python\n{part}\n```"
        for number, part in enumerate(parts, 1)
    )
