"""Questions about some sections of the sample handbook, in the words of the closed-book prompt."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from tasks.sources.problems.lexicon import (
    HEADINGS,
    NAMES,
    REMARKS,
    capitalised,
    credit_sum,
    lowered,
    period,
)
from tasks.sources.problems.problem import Problem, text_problem

Asked = Literal["fee", "reply", "examiner", "section"]

FEE_WORDINGS = (
    "The fee is {fee}.",
    "The office charges {fee}.",
    "A fee of {fee} is due.",
    "It costs {fee}.",
)
REPLY_WORDINGS = (
    "A reply is due in {reply}.",
    "The reply period is {reply}.",
    "The applicant has {reply} to reply.",
    "A reply must come within {reply}.",
)
EXAMINER_WORDINGS = (
    "{examiner} decides.",
    "{examiner} handles these cases.",
    "The cases go to {examiner}.",
    "The decision is made by {examiner}.",
)

FORMS_BY_KIND: dict[Asked, tuple[str, str]] = {
    "fee": ("What is the fee for {topic}?", "How much does the office charge for {topic}?"),
    "reply": ("How long is the reply period for {topic}?", "When is a reply due for {topic}?"),
    "examiner": ("Which examiner decides on {topic}?", "Who handles {topic}?"),
    "section": ("Which section governs {topic}?", "Where are the rules on {topic}?"),
}
QUESTION_FORMS: tuple[str, ...] = tuple(form for forms in FORMS_BY_KIND.values() for form in forms)
"""All forms of question that a section of the handbook answers. The topic is its heading with a
small first letter.
"""

ABOUT: dict[Asked, str] = {
    "fee": "the fee for",
    "reply": "the reply period for",
    "examiner": "the examiner for",
    "section": "the section on",
}
OPENERS = (
    "The question asks for {about}.",
    "I need {about}.",
    "I look for {about}.",
    "Wanted: {about}.",
)
INSTRUCTION = "Answer from the passages alone. Cite the section in brackets."
SILENT = "The passages do not say."

CAPACITY = len(QUESTION_FORMS) * len(HEADINGS) * 900 * len(NAMES)
"""Counts forms, headings, section numbers and examiners of the section in question, with all else
fixed.
"""


@dataclass(frozen=True)
class Section:
    """A section of the handbook: its number, its heading, and the sentences with fee, reply period
    and examiner.
    """

    number: int
    heading: str
    fee: str
    reply: str
    examiner: str
    sentences: tuple[str, ...]

    @property
    def label(self) -> str:
        """Return how the section is cited."""
        return f"Section {self.number}"

    @property
    def topic(self) -> str:
        """Return the heading as it stands in a question."""
        return lowered(self.heading)

    @property
    def line(self) -> str:
        """Return the section as the prompt shows it."""
        return f"[{self.label}] {capitalised(self.heading)}. {' '.join(self.sentences)}"

    def value(self, asked: Asked) -> str:
        """Return what the section answers to the question."""
        return {
            "fee": self.fee,
            "reply": self.reply,
            "examiner": self.examiner,
            "section": self.label,
        }[asked]


def draw_section(rng: Random, number: int, heading: str) -> Section:
    """Return a section with random rules in random wording and order, sometimes with a remark."""
    fee = f"{credit_sum(rng)} credits"
    reply = period(rng)
    examiner = f"Examiner {rng.choice(NAMES)}"
    sentences = [
        rng.choice(FEE_WORDINGS).format(fee=fee),
        rng.choice(REPLY_WORDINGS).format(reply=reply),
        rng.choice(EXAMINER_WORDINGS).format(examiner=examiner),
    ]
    if rng.random() < 0.5:
        rng.shuffle(sentences)
    if rng.random() < 0.5:
        sentences.insert(rng.randint(0, 3), rng.choice(REMARKS))
    return Section(number, heading, fee, reply, examiner, tuple(sentences))


def prompt_of(sections: list[Section], question: str) -> str:
    """Return the closed-book prompt, word for word as its template renders it."""
    return "\n".join(
        [INSTRUCTION, "", *(section.line for section in sections), "", f"Question: {question}"]
    )


def index_of(sections: list[Section]) -> str:
    """Return which section treats each topic."""
    return "\n".join(f"{section.topic}: {section.label}." for section in sections)


def sentence_of(asked: Asked, section: Section) -> str:
    """Return the answer as a sentence."""
    match asked:
        case "fee":
            return f"The fee for {section.topic} is {section.fee}."
        case "reply":
            return f"The reply period for {section.topic} is {section.reply}."
        case "examiner":
            return f"{section.examiner} decides on {section.topic}."
        case "section":
            return f"{section.label} governs {section.topic}."


def answered(rng: Random, sections: list[Section], asked: Asked) -> Problem:
    """Return a problem: a question about one of the sections."""
    section = rng.choice(sections)
    value = section.value(asked)
    # The whole section is copied first, because its sentences do not name their topic and so cannot
    # be found one by one.
    copied = "" if asked == "section" else f"{section.line} "
    opener = rng.choice(OPENERS).format(about=f"{ABOUT[asked]} {section.topic}")
    found = f"So {section.topic}: {section.label}. {copied}"
    think = f"{opener}\n{index_of(sections)}\n{found}So the answer is {value}."
    answer = f"{sentence_of(asked, section)} [{section.label}]"
    cited = f"{value} [{section.label}]"
    prompt = prompt_of(sections, rng.choice(FORMS_BY_KIND[asked]).format(topic=section.topic))
    return text_problem(
        family="rulebook", prompt=prompt, think=think, answer=answer, accepted=(answer, cited)
    )


def unanswered(rng: Random, sections: list[Section], asked: Asked) -> Problem:
    """Return a problem: a question about a topic that no section treats."""
    taken = {section.topic for section in sections}
    others = [heading for heading in HEADINGS if lowered(heading) not in taken]
    topic = lowered(rng.choice(others))
    opener = rng.choice(OPENERS).format(about=f"{ABOUT[asked]} {topic}")
    think = f"{opener}\n{index_of(sections)}\nSo {topic}: nothing."
    prompt = prompt_of(sections, rng.choice(FORMS_BY_KIND[asked]).format(topic=topic))
    return text_problem(family="rulebook", prompt=prompt, think=think, answer=SILENT)


def rulebook(rng: Random) -> Problem:
    """Return a problem: a question about one to four sections. One in seven has no answer in
    them.
    """
    headings = rng.sample(HEADINGS, rng.choice((1, 2, 2, 3, 3, 3, 4, 4)))
    numbers = rng.sample(range(100, 1000), len(headings))
    pairs = zip(numbers, headings, strict=True)
    sections = [draw_section(rng, number, heading) for number, heading in pairs]
    asked: Asked = rng.choice(tuple(FORMS_BY_KIND))
    engine = unanswered if rng.random() < 0.15 else answered
    return engine(rng, sections, asked)
