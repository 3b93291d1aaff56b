"""Questions about a few sections of the sample handbook, in the words of the closed-book prompt
that documents get.
"""

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
"""Every question that a section of the handbook answers; the topic is the heading with a small
first letter.
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
"""Forms, headings, section numbers and examiners of the section asked for, all else fixed."""


@dataclass(frozen=True)
class Section:
    """A section of the handbook: its number, its heading and the sentences that give fee, reply
    period and examiner.
    """

    number: int
    heading: str
    fee: str
    reply: str
    examiner: str
    sentences: tuple[str, ...]

    @property
    def label(self) -> str:
        """How the section is cited."""
        return f"Section {self.number}"

    @property
    def topic(self) -> str:
        """The heading as it stands in a question."""
        return lowered(self.heading)

    @property
    def line(self) -> str:
        """The section as the prompt shows it."""
        return f"[{self.label}] {capitalised(self.heading)}. {' '.join(self.sentences)}"

    def value(self, asked: Asked) -> str:
        """What the section says to the question."""
        return {
            "fee": self.fee,
            "reply": self.reply,
            "examiner": self.examiner,
            "section": self.label,
        }[asked]


def draw_section(rng: Random, number: int, heading: str) -> Section:
    """A section with random rules in random wording and order, sometimes with a remark."""
    fee, reply, examiner = (
        f"{credit_sum(rng)} credits",
        period(rng),
        f"Examiner {rng.choice(NAMES)}",
    )
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
    """The closed-book prompt, word for word as its template renders it."""
    return "\n".join(
        [INSTRUCTION, "", *(section.line for section in sections), "", f"Question: {question}"]
    )


def index_of(sections: list[Section]) -> str:
    """Where each topic is treated."""
    return "\n".join(f"{section.topic}: {section.label}." for section in sections)


def sentence_of(asked: Asked, section: Section) -> str:
    """The answer in a sentence."""
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
    """A question about one of the sections."""
    section = rng.choice(sections)
    value = section.value(asked)
    # The whole section is copied out first: its sentences do not name their topic, and so cannot be
    # found one by one.
    said = "" if asked == "section" else f"{section.line} "
    about = f"{ABOUT[asked]} {section.topic}"
    think = f"{rng.choice(OPENERS).format(about=about)}\n{index_of(sections)}\nSo {section.topic}: {section.label}. {said}So the answer is {value}."
    answer, cited = f"{sentence_of(asked, section)} [{section.label}]", f"{value} [{section.label}]"
    prompt = prompt_of(sections, rng.choice(FORMS_BY_KIND[asked]).format(topic=section.topic))
    return text_problem(
        family="rulebook", prompt=prompt, think=think, answer=answer, accepted=(answer, cited)
    )


def unanswered(rng: Random, sections: list[Section], asked: Asked) -> Problem:
    """A question about a topic that none of the sections treats."""
    taken = {section.topic for section in sections}
    topic = lowered(rng.choice([heading for heading in HEADINGS if lowered(heading) not in taken]))
    opener = rng.choice(OPENERS).format(about=f"{ABOUT[asked]} {topic}")
    think = f"{opener}\n{index_of(sections)}\nSo {topic}: nothing."
    prompt = prompt_of(sections, rng.choice(FORMS_BY_KIND[asked]).format(topic=topic))
    return text_problem(family="rulebook", prompt=prompt, think=think, answer=SILENT)


def rulebook(rng: Random) -> Problem:
    """A question about one to four sections; one in seven has no answer in them."""
    headings = rng.sample(HEADINGS, rng.choice((1, 2, 2, 3, 3, 3, 4, 4)))
    numbers = rng.sample(range(100, 1000), len(headings))
    sections = [
        draw_section(rng, number, heading)
        for number, heading in zip(numbers, headings, strict=True)
    ]
    asked: Asked = rng.choice(tuple(FORMS_BY_KIND))
    engine = unanswered if rng.random() < 0.15 else answered
    return engine(rng, sections, asked)
