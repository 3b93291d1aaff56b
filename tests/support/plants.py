"""Rows to spoil, and opinions on them."""

from tasks.critique.agreement import Judgement, Opinion
from tasks.critique.planting import KINDS, SOUND, Plant
from tasks.verdicts.case import Case, Passage
from tests.support.builders import TOPICS, case

NAMES = ("Vale", "Marsh", "Okoro", "Lind", "Petrov")


def row(number: int, **changes: object) -> Case:
    """Return a sound row about a section of its own."""
    section, topic, name = (
        f"Section {101 + number}",
        TOPICS[number % len(TOPICS)].lower(),
        NAMES[number % len(NAMES)],
    )
    text = f"The fee is {200 + number} credits. Examiner {name} decides."
    heading, question = topic.capitalize(), f"What is the fee for {topic}?"
    values = {
        "trace_id": f"t{number:04d}",
        "question": question,
        "prompt": f"[{section}] {heading}. {text}\n\nQuestion: {question}",
        "think": f"I need the fee for {topic}.\n{section} holds {topic}. There, says Examiner {name}, the fee is {200 + number} credits.",
        "answer": f"{200 + number} credits [{section}]",
        "cell": f"c{number}",
        "passages": (Passage(section, text, heading),),
    }
    return case(**values | changes)


ROWS = [row(number) for number in range(80)]


def judgements(
    *, hits: int, misses: int, right: int, false_alarms: int, silent: int
) -> list[Judgement]:
    spoilt, sound = Plant(ROWS[0], KINDS[0]), Plant(ROWS[0], SOUND)
    table: list[tuple[int, Plant, Opinion]] = [
        (hits, spoilt, "incoherent"), (misses, spoilt, "coherent"), (silent, spoilt, "abstained"),
        (right, sound, "coherent"), (false_alarms, sound, "incoherent"), (silent, sound, "abstained"),
    ]  # fmt: skip
    return [Judgement(plant, opinion) for count, plant, opinion in table for _ in range(count)]
