"""A manual of many sections, and a teacher that has read it: it answers what is asked, cites the
section, and can add and solve.
"""

import functools
import re
from pathlib import Path

from tasks import think
from tasks.sources import problems
from tasks.spec import draw_seed

COLOURS = (
    "amber", "azure", "beige", "black", "bronze", "brown", "copper", "coral", "cream", "crimson", "golden", "green", "grey", "indigo", "ivory",
    "lilac", "maroon", "ochre", "olive", "orange", "pink", "purple", "red",
)  # fmt: skip
THINGS = (
    "lamps", "boats", "fences", "wells", "kites", "ladders", "ovens", "pumps", "signs", "tents", "tools", "vans", "wires", "yards", "docks",
    "engines", "gates", "huts", "mills", "nets",
)  # fmt: skip
NEEDS = (
    "a permit from the mayor",
    "an inspection by the guild",
    "a seal of the harbour",
    "a note in the register",
)
LOSSES = (
    "loses the licence",
    "pays the costs of the case",
    "waits for a new hearing",
    "returns the seal",
)
_PASSAGE = re.compile(
    r"^\[(?P<section>[^\]\n]+)\] (?P<topic>[^.\n]+)\. (?P<text>.+)$", re.MULTILINE
)
_ASKED = re.compile(r"(?:require for|rule on) (?P<topic>[\w ]+?)[?.]")


def write_manual(folder: Path) -> Path:
    """Write 460 sections in ten files and return their folder; each has a rule and what follows
    when it is ignored.
    """
    folder.mkdir(parents=True)
    for part in range(10):
        own = [_section(part, *divmod(place, 2)) for place in range(46)]
        (folder / f"part_{part}.md").write_text(f"# Part {part + 1}\n\n" + "\n".join(own))
    return folder


def _section(part: int, colour: int, second: int) -> str:
    things, number = THINGS[2 * part + second], 101 + 46 * part + 2 * colour + second
    days, weeks = draw_seed(number, "days") % 80 + 10, draw_seed(number, "weeks") % 40 + 3
    need, loss = NEEDS[number % 4], LOSSES[draw_seed(number, "loss") % 4]
    return (
        f"## Section {number}. {COLOURS[colour].capitalize()} {things}\n\nThe owner of {COLOURS[colour]} {things} needs {need} within {days} days. "
        f"Whoever ignores the rule on {COLOURS[colour]} {things} {loss} for {weeks} weeks.\n"
    )


def reply(prompt: str, seed: int) -> str:
    """Return the trace of a teacher that knows the answer."""
    known = _solutions().get(prompt.strip())
    if known:
        thought = f"I work on this step by step, by way {draw_seed(seed, 'way') % 97}: {prompt.strip()} The result is {known}."
        return think.join(thought, f"The answer is {known}.")
    asked = _ASKED.findall(prompt)
    passage = next(
        (
            one
            for one in _PASSAGE.finditer(prompt)
            if asked and one["topic"].lower() == asked[-1].lower()
        ),
        None,
    )
    if passage is None:
        return think.join(
            "Nothing that I was shown speaks of this matter at all.", "I cannot tell."
        )
    rule, _, loss = passage["text"].partition(". ")
    said = loss if "ignores the rule" in prompt.strip().rsplit("\n", 1)[-1] else f"{rule}."
    openings = (
        "The question is about",
        "What is asked concerns",
        "I look for",
        "The matter here is",
    )
    thought = f"{openings[seed % 4]} {asked[-1]}. [{passage['section']}] is the one on {asked[-1]}, and it says: {said} That answers the question."
    return think.join(thought, f"{said} [{passage['section']}]")


@functools.cache
def _solutions() -> dict[str, str]:
    """Return the answers to the problems that a recipe of seed 0 draws, by their question."""
    drawn = (
        problems.draw(family, draw_seed(0, family, number))
        for family in ("addition", "equation")
        for number in range(200)
    )
    return {one.prompt.strip(): one.accepted[0] for one in drawn}
