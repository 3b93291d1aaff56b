"""What the scripted engine answers to the prompts of chains, whose last line states a form.

The built-in prompts of chains end with a line such as "Write one question on each line, and nothing
else." The writer keeps to that form. Three seeds in 29 get a fault, as with traces.
"""

import re
from collections.abc import Sequence
from random import Random

from tasks.inference import scripted_inventions
from tasks.spec import draw_seed

_FORM = re.compile(r"and nothing else\.\s*$")
_USER_HEADER = re.compile(
    r"(?:<\|im_start\|>user|<\|start_header_id\|>user<\|end_header_id\|>|<start_of_turn>user"
    r"|<\|user\|>|\[INST\])\s*$"
)
_CRITERION = re.compile(r"^([a-z][a-z0-9_]*): ", re.MULTILINE)
_RANGE = re.compile(r"from (\d+) to (\d+)")
_LABELS = re.compile(r'"([A-Z][A-Z ]*)(?: 1)?: \.\.\."')
_NAMED = re.compile(r'"([^"\n]+)"(?= (?:and "[^"\n]+" )?in these words)')
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_TASK = re.compile(r"^(?:Write|Judge|How) ", re.MULTILINE)
_HEAD = re.compile(
    r"^(?:Below is|Two facts|Somebody believes|(?:First|Second) fact).*$", re.MULTILINE
)
_KINDS = ("Why does it matter that", "When is it true that", "What follows if")
LINES = 3
"""Lines of a written list."""
QUOTED = 10
"""Words of a sentence that a question quotes at most."""


def written(prompt: str, seed: int) -> str | None:
    """Return an answer in the form that the prompt's last line states, None if it states none.

    A prompt that ends with the header of a user's turn gets the turn of a user.
    """
    rng = Random(draw_seed(seed, "writer"))
    if _USER_HEADER.search(prompt):
        return scripted_inventions.question(rng)
    *before, form = prompt.strip().splitlines()
    if not _FORM.search(form):
        return None
    text = "\n".join(before)
    invented = scripted_inventions.written(text, form, rng)
    match form:
        case _ if '": yes"' in form or ': yes"' in form:
            answer = "\n".join(f"{name}: yes" for name in _CRITERION.findall(text))
        case _ if (bounds := _RANGE.search(form)) and "Score" in form:
            answer = f"Score: {rng.randint(int(bounds[1]), int(bounds[2]))}"
        case _ if labels := _LABELS.findall(form):
            answer = "\n".join(_labelled(text, labels, n, rng) for n in range(1, LINES + 1))
        case _ if invented and not _HEAD.search(text):
            answer = invented
        case _ if "on each line" in form:
            answer = "\n".join(f"{n}. {_question(text, rng)}" for n in range(1, LINES + 1))
        case _ if "question" in form:
            named = _NAMED.findall(text)
            answer = _question_naming(named, text, rng) if named else _question(text, rng)
        case _ if "request" in form:
            answer = f"Tell me in a short text about {' and '.join(_small_words(text, rng))}."
        case _ if "new form" in form:
            answer = " ".join(_sentences(text))
        case _:
            answer = rng.choice(_sentences(text))
    return _spoilt(answer, draw_seed(seed, "writer fault") % 29)


def _question(text: str, rng: Random) -> str:
    """Return a question about a sentence of the text."""
    return _asking(rng.choice(_sentences(text)).split()[:QUOTED], rng)


def _asking(said: Sequence[str], rng: Random) -> str:
    quoted = " ".join(said[: 2 * QUOTED]).rstrip(".,;!?:")
    return f"{rng.choice(_KINDS)} {quoted[:1].lower()}{quoted[1:]}?"


def _question_naming(named: Sequence[str], text: str, rng: Random) -> str:
    """Return a question that holds what the prompt wants in these words."""
    first, second = _small_words(text, rng)
    return f"{rng.choice(_KINDS)} {' and '.join(named)} bring {first} before {second}?"


def _small_words(text: str, rng: Random) -> list[str]:
    """Return two words of the text that begin with a small letter."""
    found = re.findall(r"(?<![\w-])[a-z]{4,}(?![\w-])", " ".join(_sentences(text)))
    return [rng.choice(found or ["something"]) for _ in range(2)]


def _labelled(text: str, labels: Sequence[str], number: int, rng: Random) -> str:
    """Return a numbered group of labelled lines: a question about the begin of a sentence, with the
    heading; the other labels get its end.
    """
    *said, before_last, last = rng.choice(_sentences(text)).split()[:QUOTED]
    said += ["under", *_heading(text).split()] if _heading(text) else []
    end = f"{before_last} {last}".rstrip(".,;!?:")
    return "\n".join(
        f"{label} {number}: {_asking(said, rng) if label == 'QUESTION' else end}"
        for label in labels
    )


def _heading(text: str) -> str:
    """Return the first line of what a prompt is about if it is a heading, else ""."""
    first = _subject(text).strip().partition("\n")[0]
    return first if len(first.split()) <= QUOTED and first[-1:] not in ".!?:" else ""


def _subject(text: str) -> str:
    """Return what a prompt is about: all before its task."""
    return _HEAD.sub("", text[: found.start()] if (found := _TASK.search(text)) else text)


def _sentences(text: str) -> list[str]:
    """Return the sentences of what a prompt is about."""
    for part in (_subject(text), text):
        several = [one.strip() for one in _SENTENCE.split(part) if len(one.split()) > 3]
        if several:
            return several
    return ["nothing is said of it"]


def _spoilt(answer: str, drawn: int) -> str:
    """Return the answer, or one of three faults: a refusal, no text, a preamble without an end."""
    faults = {
        1: "I'm sorry, but I cannot help with that.",
        2: "",
        3: "Sure! Here is what you asked",
    }
    return faults.get(drawn, answer)
