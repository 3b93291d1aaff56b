"""Clean rows in nine styles: reasoning about the row's own prompt and passage, with an open
vocabulary and nothing of the producer's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from random import Random

from tasks.ngrams import laps
from tasks.ngrams import words as words_of
from tests.bench.leak_world import words
from tests.bench.leak_world.scene import draw_scene, numbers
from tests.bench.leak_world.voices import CORE, STYLE_TEXT
from tests.bench.leak_world.words import Grammar

LINES = {
    "JSON": '  "{}": {},',
    "YAML": "{}: {}",
    "CSV": "{},{}",
    "Markdown table": "| {} | {} |",
    "XML": "<{0}>{1}</{0}>",
    "INI file": "{} = {}",
    "log file": "{2} {0}={1}",
    "Python function": "    {} = {}",
}

GENRES = {"german": ("nom",), "spanish": ("sus",)}


@dataclass(frozen=True)
class Row:
    id: str
    prompt: str
    passage: str
    think: str
    answer: str
    producer: dict[str, str]


class Speaker:
    """A row's voice: draws rules over the row's own scene, with a rare opener or side remark now
    and then.
    """

    def __init__(self, grammar: Grammar, rng: Random) -> None:
        self.grammar, self.rng, self.scene = grammar, rng, draw_scene(rng)

    def say(self, rule: str) -> str:
        luck = self.rng.random()
        drawn = (
            "rare"
            if rule == "open" and luck < 0.04
            else "aside"
            if rule == "mid" and luck < 0.005
            else rule
        )
        return self.grammar.say(drawn, self.rng, self.scene)

    def many(self, low: int, high: int, rule: str = "mid") -> list[str]:
        return [self.say(rule) for _ in range(self.rng.randint(low, high))]


def clean_rows(n: int, *, seed: int, style: str) -> list[Row]:
    """Return n rows; row i depends on seed, style and i alone. KeyError names an unknown style."""
    return [_row(number, seed, style) for number in range(n)]


def _row(number: int, seed: int, style: str) -> Row:
    """Return the first draw that does not say one thing three times in a row, as the small grammars
    now and then do.
    """
    drawn = (_draw(number, seed, style, retry) for retry in count())
    return next(row for row in drawn if laps(words_of(row.think), 8)[0] < 3)


def _draw(number: int, seed: int, style: str, retry: int) -> Row:
    rng = Random(f"clean:{style}:{seed}:{number}" + f":{retry}" * bool(retry))
    voice = rng.choice(sorted(SHAPES)) if style == "mixed" else style
    speaker = Speaker(GRAMMARS[voice], rng)
    snippet = f"\n```\n{_snippet(speaker)}\n```" if voice == "table" else ""
    facts = [speaker.say("fact") for _ in range(rng.randint(3, 8))]
    heading = _heading(speaker, GENRES.get(voice, ("key", "noun")))
    prompt = _tidy(speaker.say("prompt")) + snippet
    speaker.scene["fact"] = facts
    think = _typos(_tidy(SHAPES[voice](speaker)), rng)
    producer = _producer(Random(f"producer:{style}:{seed}:{number}"))
    return Row(
        f"{style}-{seed}-{number:06d}",
        prompt,
        _tidy(heading + " ".join(facts)),
        think,
        _tidy(speaker.say("answer")),
        producer,
    )


def _heading(speaker: Speaker, nouns: tuple[str, ...]) -> str:
    """Return the head of a file, as most passages have one: who, where, which number, what about."""
    scene, rng = speaker.scene, speaker.rng
    if rng.random() < 0.2:
        return ""
    about = dict.fromkeys(word for slot in nouns for word in scene[slot] if rng.random() < 0.8)
    entries = [
        scene["person"][0],
        *scene["org"],
        *scene["place"],
        *scene["product"],
        *scene["id"],
        *scene["date"],
        ", ".join(about),
    ]
    return rng.choice((" · ", "; ", " / ", ", ", " – ")).join(entries) + rng.choice(
        (". ", "\n", ": ")
    )


def _producer(rng: Random) -> dict[str, str]:
    cell = "/".join(
        rng.choice(axis.split())
        for axis in ("easy plain hard", "short medium long", "q1 q2 q3 q4 q5")
    )
    return {
        "family": rng.choice(words.FAMILIES),
        "persona": rng.choice(words.PERSONAS),
        "instruction": rng.choice(sorted(words.INSTRUCTIONS)),
        "seed": str(rng.randrange(10**8, 10**9)),
        "worker": f"wrkr-{rng.randrange(24):02d}",
        "cell": cell,
        "canary": f"canary-{rng.getrandbits(64):016x}",
    }


def _snippet(speaker: Speaker) -> str:
    """Return lines of a made-up file and give the scene its fields, values and lines."""
    rng, scene = speaker.rng, speaker.scene
    style = rng.choice(sorted(LINES))
    fields = [
        key.lower() if rng.random() < 0.5 else f"{key}_{rng.choice(scene['noun'])}".lower()
        for key in scene["key"]
    ]
    values = [
        rng.choice(
            (
                *scene["num"],
                f'"{rng.choice(scene["noun"])}"',
                "true",
                "null",
                f'"{scene["place"][0]}"',
            )
        )
        for _ in fields
    ]
    stamp = f"{scene['date'][0]} {scene['clock'][0]} {rng.choice(('INFO', 'WARN', 'ERROR'))}"
    lines = [
        LINES[style].format(field, value, stamp)
        for field, value in zip(fields, values, strict=True)
    ]
    scene.update({"format": [style], "field": fields, "value": values, "line": lines})
    above, below = {
        "JSON": ("{", "}"),
        "Python function": (f"def {fields[0]}({fields[-1]}):", f"    return {fields[0]}"),
    }.get(style, ("", ""))
    return "\n".join([above, *lines, below]).strip("\n")


def _templated(speaker: Speaker) -> str:
    return " ".join([speaker.say("open"), *speaker.many(5, 13), speaker.say("end")])


def _r1(speaker: Speaker) -> str:
    length = min(14, 1 + int(speaker.rng.expovariate(1 / 4)))
    body = [" ".join(speaker.many(2, 5)) for _ in range(length)]
    return "\n\n".join(
        [
            " ".join([speaker.say("open"), *speaker.many(1, 3)]),
            *body,
            " ".join([*speaker.many(0, 2), speaker.say("end")]),
        ]
    )


def _formal(speaker: Speaker) -> str:
    mark = speaker.rng.choice(("{}. ", "Step {}: ", "({}) ", "{}) ", "Step {}. ", "- "))
    steps = [
        mark.format(number) + " ".join(speaker.many(1, 2))
        for number in range(1, speaker.rng.randint(5, 11))
    ]
    return "\n".join([speaker.say("open"), *steps, speaker.say("end")])


def _terse_math(speaker: Speaker) -> str:
    rng, lines, value = speaker.rng, [speaker.say("open")], int(speaker.scene["v"][0])
    for _ in range(rng.randint(12, 34)):
        speaker.scene.update(numbers(value, rng.randint(2, 90), rng.randint(2, 9)))
        lines.append(speaker.say("mid"))
        value = int(speaker.scene["sum"][0]) if speaker.scene["sum"][0] in lines[-1] else value
    speaker.scene.update(numbers(value, 2, 2))
    return rng.choice((" ", "\n", " ")).join([*lines, speaker.say("end")])


def _legal(speaker: Speaker) -> str:
    parts = [
        speaker.say("open"),
        " ".join(speaker.many(1, 3, "rule")),
        " ".join(speaker.many(4, 10)),
        speaker.say("end"),
    ]
    heads = speaker.rng.choice(
        (
            ("", "", "", ""),
            ("", "", "", ""),
            ("Issue\n", "Rule\n", "Application\n", "Conclusion\n"),
            ("**I.** ", "**R.** ", "**A.** ", "**C.** "),
        )
    )
    return "\n\n".join(head + part for head, part in zip(heads, parts, strict=True))


def _table(speaker: Speaker) -> str:
    bullets = [
        speaker.rng.choice(("- ", "* ", "")) + speaker.say("mid")
        for _ in range(speaker.rng.randint(5, 12))
    ]
    fence = "```\n" + "\n".join(speaker.scene["line"][:3]) + "\n```"
    return "\n".join(
        [
            speaker.say("open"),
            *bullets,
            *([fence] if speaker.rng.random() < 0.4 else []),
            speaker.say("end"),
        ]
    )


def _foreign(speaker: Speaker) -> str:
    return "\n\n".join(
        [
            " ".join([speaker.say("open"), *speaker.many(3, 8)]),
            " ".join([*speaker.many(2, 8), speaker.say("end")]),
        ]
    )


def _tidy(text: str) -> str:
    text = re.sub(r"\ba (?=[aeio])", "an ", text).replace(" de el ", " del ")
    return re.sub(
        r"(?:^|(?<=[.?!] )|(?<=\n))[a-z](?=[a-z]* )", lambda found: found[0].upper(), text
    )


def _typos(text: str, rng: Random) -> str:
    """Swap two letters somewhere in one row of sixteen."""
    for _ in range(rng.choice((1, 1, 2)) if rng.random() < 1 / 16 else 0):
        place = rng.randrange(len(text) - 2)
        text = (
            text[:place] + text[place + 1] + text[place] + text[place + 2 :]
            if text[place : place + 2].isalpha()
            else text
        )
    return text


SHAPES: dict[str, Callable[[Speaker], str]] = {
    "templated": _templated,
    "r1": _r1,
    "formal": _formal,
    "terse_math": _terse_math,
    "legal": _legal,
    "table": _table,
    "german": _foreign,
    "spanish": _foreign,
}
STYLES = (*SHAPES, "mixed")
GRAMMARS = {
    style: Grammar(text if style in ("german", "spanish") else CORE + text)
    for style, text in STYLE_TEXT.items()
}
