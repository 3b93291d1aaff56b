"""What the scripted engine answers to the prompts of chains, whose last line states a form.

The built-in prompts of chains end with a line such as "Write one question on each line, and nothing
else." The writer keeps to that form. Three seeds in 29 get a fault, as with traces.
"""

import re
from random import Random

from tasks.spec import draw_seed

_FORM = re.compile(r"and nothing else\.\s*$")
_CRITERION = re.compile(r"^([a-z][a-z0-9_]*): ", re.MULTILINE)
_RANGE = re.compile(r"from (\d+) to (\d+)")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_KINDS = ("Why does it matter that", "When is it true that", "What follows if")
LINES = 3
"""Lines of a written list."""


def written(prompt: str, seed: int) -> str | None:
    """Return an answer in the form that the prompt's last line states, None if it states none."""
    *before, form = prompt.strip().splitlines()
    if not _FORM.search(form):
        return None
    rng = Random(draw_seed(seed, "writer"))
    text = "\n".join(before)
    match form:
        case _ if '": yes"' in form or ': yes"' in form:
            answer = "\n".join(f"{name}: yes" for name in _CRITERION.findall(text))
        case _ if (bounds := _RANGE.search(form)) and "Score" in form:
            answer = f"Score: {rng.randint(int(bounds[1]), int(bounds[2]))}"
        case _ if "on each line" in form:
            answer = "\n".join(f"{n}. {_question(text, rng)}" for n in range(1, LINES + 1))
        case _ if "question" in form:
            answer = _question(text, rng)
        case _:
            answer = rng.choice(_sentences(text))
    return _spoilt(answer, draw_seed(seed, "writer fault") % 29)


def _question(text: str, rng: Random) -> str:
    """Return a question about a sentence of the text."""
    said = rng.choice(_sentences(text)).rstrip(".!?:")
    return f"{rng.choice(_KINDS)} {said[:1].lower()}{said[1:]}?"


def _sentences(text: str) -> list[str]:
    found = [one.strip() for one in _SENTENCE.split(text) if len(one.split()) > 3]
    return found or [text.strip() or "nothing is said"]


def _spoilt(answer: str, drawn: int) -> str:
    """Return the answer, or one of three faults: a refusal, no text, a preamble without an end."""
    faults = {
        1: "I'm sorry, but I cannot help with that.",
        2: "",
        3: "Sure! Here is what you asked",
    }
    return faults.get(drawn, answer)
