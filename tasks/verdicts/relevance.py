"""Relevance: the answer addresses what is asked."""

import re
from collections.abc import Sequence

from tasks.spec import Spec
from tasks.verdicts.case import Case, Passage, Verdict, not_checked, shown, verdict
from tasks.verdicts.citations import CitationSpec
from tasks.verdicts.claims.answers import label_in, without_marks
from tasks.verdicts.claims.asked import Kind, is_measured, kind_of, kinds_of, main_clause, topic
from tasks.verdicts.claims.framing import FRAMING, matter
from tasks.verdicts.claims.polarity import ANSWER_WORD, FORBIDDEN, clauses
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.sources import Source
from tasks.verdicts.claims.support import content, rests_on, told
from tasks.verdicts.claims.tokens import norms, stem, tokens
from tasks.verdicts.claims.values import MONTHS, Value, name_words, values

_FREE = re.compile(r"\b(?:free|nothing|none|no (?:fee|charge|cost)|without (?:fee|charge))\b", re.I)
_TIME_WORDS = re.compile(
    r"\b(?:immediately|promptly|forthwith|daily|weekly|monthly|yearly|annually|never|always|once"
    r"|any time|upon|after|before|until|when|while|as soon as|o'clock|if|unless|provided|in case"
    r"|during|at the|on the|twice|thrice|times|on \w+days?|today|tomorrow|no deadline"
    r"|(?:every|each) (?:\w+ )?(?:second|minute|hour|day|week|month|year|quarter|season|\w+day|time))\b",
    re.IGNORECASE,
)
_REASON_WORDS = re.compile(
    r"\b(?:because|since|so that|in order|due to|owing to|as|otherwise|therefore|thus|reason"
    r"|given that|to (?:avoid|prevent|protect|ensure|keep|make|allow|give|help|reduce))\b",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"\b(?:not|no) (?:more|less|later|earlier|longer|fewer|exceed\w*|over|under|before|after|until"
    r"|only|beyond)\b",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"\b(?:the|an?|its|their|his|her) (?:\w+ ){0,2}(?:examiner|officer|clerk|office|board|court|judge"
    r"|applicant|owner|tenant|landlord|manager|director|operator|owners?|committee|council|holder)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:sections?|rules?|chapters?|articles?|paragraphs?|parts?|manual|found|set out|governed"
    r"|stated|described|laid down)\b|§",
    re.IGNORECASE,
)
COPIED = 8
"""Tokens of a passage's line that make an answer a copy of it, where the answer has nothing else.
"""


class RelevanceSpec(Spec):
    """Whether answers are held to their question."""

    kinds: bool = True
    """Reject answers of another kind than the question asks for: no amount for "how much"."""
    sentences: bool = True
    """Reject answers that break off: without a full stop, or a fragment of a passage."""


def relevance(case: Case, spec: RelevanceSpec, citing: CitationSpec) -> Verdict:
    """Judge whether the answer addresses its question; the score is the share of its topic found.

    Reason: irrelevant_answer. Where an answer is known, correctness says more; nothing is checked.
    """
    if case.accepted:
        return not_checked("relevance", "known_answer")
    if not spec.kinds:
        return not_checked("relevance", "switched_off")
    answer = without_marks(case.answer, citing)
    wanted = topic(main_clause(case.question))
    found = wanted & _words_around(answer, case, citing)
    share = len(found) / len(wanted) if wanted else 1.0
    wrong = (
        _is_another_matter(case, answer)
        or _is_copied_line(case, answer)
        or (bool(case.passages) and bool(wanted) and not found)
        or any(not _is_of_kind(answer, kind, case) for kind in kinds_of(case.question))
        or _gives_one_of_two(answer, case)
    )
    seen = f"asked {shown(case.question)}, answered {shown(case.answer)}"
    return verdict("relevance", "irrelevant_answer" if wrong else None, share, seen)


def _cited(case: Case) -> list[Passage]:
    """Return the passages whose labels the answer spells."""
    return [one for one in case.passages if label_in(one.section, case.answer)]


def _words_around(answer: str, case: Case, citing: CitationSpec) -> frozenset[str]:
    """Return the stems of an answer and of the headings that it cites: "40 credits [Section 7]"
    rests on both.
    """
    cited = _cited(case)
    resting = told(cited) if _leaves_it_to(case.question, answer) else rests_on(answer, cited)
    answer = "\n".join((answer, *resting))
    text = "\n".join((answer, *(one.heading or one.text for one in cited)))
    return frozenset(stem(one.norm) for one in tokens(text))


def _is_another_matter(case: Case, answer: str) -> bool:
    """Return whether the answer rests on a sentence that shares far less with the question than
    another one does.
    """
    cited = _cited(case)
    wanted = topic(main_clause(case.question))
    if not cited or not wanted:
        return False
    headings = frozenset().union(*(content(one.heading) for one in cited))
    narrow = wanted - headings - FRAMING
    return _rests_elsewhere(answer, wanted, case) and (
        not headings <= wanted or _rests_elsewhere(answer, narrow, case)
    )


def _rests_elsewhere(answer: str, wanted: frozenset[str], case: Case) -> bool:
    """Return whether the answer's sentence has less than half of the wanted words that another one
    has.
    """
    cited = _cited(case)
    said = content(answer)
    resting = told(cited) if _leaves_it_to(case.question, answer) else rests_on(answer, cited)
    own = max(
        (len(wanted & (content(one) | said)) for one in resting),
        default=len(wanted & said),
    )
    best = max((len(wanted & content(one)) for one in told(case.passages)), default=0)
    return best >= 2 and 2 * own < best


def _leaves_it_to(question: str, answer: str) -> bool:
    """Return whether an answer to a yes-or-no question leaves its words to the question."""
    return kind_of(question) == "yes_no" and bool(_SHORT_ANSWER.match(answer))


def _is_copied_line(case: Case, answer: str) -> bool:
    """Return whether the answer is a passage's line as the prompt shows it, or several of its
    sentences and nothing else.
    """
    spelt = norms(tokens(answer))
    labelled = norms(tokens(case.answer))
    for one in case.passages:
        line = Source.of(one.section, one.heading, one.text)
        shown = (*line.label_norms, *line.norms)
        least = max(1, min(COPIED, len(shown)))
        if len(labelled) >= least and labelled == shown[: len(labelled)]:
            return True
        if (
            len(spelt) >= COPIED
            and line.holds(spelt)
            and not any(f" {' '.join(spelt)} " in f" {' '.join(one)} " for one in line.sentences)
        ):
            return True
    return False


def _is_of_kind(answer: str, kind: Kind, case: Case) -> bool:  # noqa: PLR0912
    """Return whether an answer holds what its question asks for.

    A value that the answer denies ("it is not 40 credits") is no answer.
    """
    if kind in ("amount", "number", "period", "person", "section") and _only_denies(answer):
        return bool(_FREE.search(answer))
    if kind in ("person", "section") and ANSWER_WORD.match(answer):
        return False
    taken = {(one.text, one.units[:1]) for one in values(case.question)}
    if kind == "section" and _cites_in_its_sentence(case):
        return True
    if kind == "any" and _only_repeats(answer, case.question):
        return False
    if (
        kind not in ("yes_no", "any")
        and not case.accepted
        and content(answer)
        and not content(answer) - content(case.question) - {"onl"}
    ):
        return False
    found = [
        one
        for one in values(answer)
        if (one.text, one.units[:1]) not in taken or one.kind == "name"
    ]
    counted = [one for one in found if one.kind == "number"]
    match kind:
        case "amount":
            return any(_is_amount(one) for one in counted) or bool(_FREE.search(answer))
        case "number":
            if is_measured(case.question) and not counted:
                return bool(_FREE.search(answer) or _ONE_UNIT.search(answer))
            return bool(counted) or bool(
                _FREE.search(answer)
                or re.search(
                    r"\b(?:one|no|once|twice|half|quarter|all|every|each|any)\b", answer, re.I
                )
            )
        case "period":
            return _tells_time(answer, found)
        case "person":
            return _tells_who(answer, found, case)
        case "section":
            return _names_a_place(answer, case) or _names_its_topic(answer, case)
        case "prohibition":
            return _forbids(answer, case)
        case "reason":
            return bool(_REASON_WORDS.search(answer)) or not found
        case "yes_no":
            return bool(_SHORT_ANSWER.match(answer)) or _takes_up(answer, case)
        case "any":
            return True


_IN_ITS_SENTENCE = re.compile(
    r"^\W*\[|\b(?:sections?|rules?|articles?|paragraphs?|clauses?|chapters?|provisions?|parts?|in|by|under|is|are|see"
    r"|at|from|within|of)\s+\[",
    re.IGNORECASE,
)


def is_a_place(case: Case) -> bool:
    """Return whether the question asks for a section, and the answer ends with its citation."""
    ends = case.answer.rstrip(" .*_").endswith("]")
    return ends and kind_of(case.question) == "section" and _cites_in_its_sentence(case)


_CASE_WORDS = frozenset(
    map(stem, "consequence result case applies happens follows rule that".split())
)


def _only_repeats(answer: str, question: str) -> bool:
    """Return whether an answer has no word that its question lacks, and the question offers no
    choice.
    """
    if re.search(r"\bor\b", question, re.IGNORECASE) or ANSWER_WORD.match(answer):
        return False
    said = content(answer)
    denies = _denials(answer) > _denials(question)
    return bool(said) and not denies and said <= content(question) | _CASE_WORDS


def _denials(text: str) -> int:
    return sum(one.is_negation or one.norm in FORBIDDEN for one in tokens(text))


def _cites_in_its_sentence(case: Case) -> bool:
    """Return whether a citation of a shown section is itself the answer: "It stands in [14].",
    "[14]".
    """
    return bool(_cited(case)) and bool(_IN_ITS_SENTENCE.search(case.answer))


_SHORT_ANSWER = re.compile(
    r"\W*(?:yes|no)\b|\W*(?:they|it|he|she|you|one|that|this)\s+(?:may|must|can|is|are|does|do|should|shall|will)"
    r"(?:\s?not)?\W*$",
    re.IGNORECASE,
)
"""An answer that leaves the act to its question: "No.", "They may not."."""


def _names_its_topic(answer: str, case: Case) -> bool:
    """Return whether the answer has no more than the words of headings and of its question."""
    headings = frozenset().union(*(content(one.heading) for one in case.passages))
    return matter(answer) <= headings | content(case.question)


def _forbids(answer: str, case: Case) -> bool:
    """Return whether the answer, or the sentence that it rests on, forbids or limits something."""
    texts = (answer, *rests_on(answer, _cited(case)))
    if any(not _tells_the_act(answer, text) for text in texts[1:2]):
        return False
    return any(
        one.is_negation or one.norm in FORBIDDEN | {"only", "without", "unless", "except"}
        for text in texts
        for one in tokens(text)
    )


def _tells_the_act(answer: str, forbidding: str) -> bool:
    """Return whether an answer has more of the sentence that forbids than whom it forbids
    something.
    """
    act = matter(forbidding)
    return len(matter(answer) & act) >= LEAST_ACT * len(act)


LEAST_ACT = 0.4
"""Share of the words of a prohibition that an answer repeats."""


def _tells_who(answer: str, found: Sequence[Value], case: Case) -> bool:
    """Return whether the answer names somebody, in capitals or with a word of its own."""
    if _lacks_its_agent(answer, case):
        return False
    if not found and not matter(answer) - content(case.question):
        return False
    names = _names_of(case) if found else frozenset()
    if _names_someone(answer, found) or names & {one.norm for one in tokens(answer)}:
        return True
    bare = not any(one.units for one in found)
    return not names and (bare or _adds_a_word(answer, case, found))


_ONE_UNIT = re.compile(
    r"\b(?:one|an?|half|quarter|full|third)\s+(?:\w+\s)?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?"
    r"|percent|\w*met(?:re|er)s?|\w*grams?|lit(?:re|er)s?|tonnes?|degrees?|size|cents?|euros?|dollars?)\b"
    r"|\b(?:no|any|every|all|unlimited|none)\b",
    re.IGNORECASE,
)


def _gives_one_of_two(answer: str, case: Case) -> bool:
    """Return whether a question asks for two times or amounts, and the answer has one value only.

    What passages tell without a number ("at dusk") counts as told.
    """
    kinds = [one for one in kinds_of(case.question) if one in ("amount", "period", "number")]
    if len(kinds) < 2 or len(set(kinds)) > 1:
        return False
    resting = rests_on(answer, _cited(case))
    shown = max((len(_counted(one)) for one in resting), default=0)
    return len(_counted(answer)) == 1 and shown >= 2


def _counted(text: str) -> set[tuple[str, tuple[str, ...]]]:
    return {(one.text, one.units[:1]) for one in values(text) if one.kind == "number"}


_AGENT_WANTED = re.compile(
    r"^(?:by whom\b|who (?!is\b|are\b|was\b|were\b|may be\b|must be\b|can be\b|has\b|have\b))",
    re.IGNORECASE,
)
_PASSIVE = re.compile(
    r"\b(\w+)\s+(?:is|are|was|were|be|been)\s+(?:\w+ly\s)?\w+(?:ed|en|pt|ld|nt|de|ne|wn)\b(.*)$",
    re.I,
)


def _lacks_its_agent(answer: str, case: Case) -> bool:
    """Return whether an answer to "who tests it?" tells that it is tested, and not by whom."""
    found = _PASSIVE.search(answer)
    if not found or not _AGENT_WANTED.search(main_clause(case.question)):
        return False
    before = found[1].casefold()
    about = before in _PRONOUNS or content(answer[: found.end(1)]) <= content(case.question)
    return about and not re.search(r"\b(?:by|to|with|from|for) \w", found[2], re.IGNORECASE)


_PRONOUNS = frozenset("it they this these that those".split())


def _adds_a_word(answer: str, case: Case, found: Sequence[Value]) -> bool:
    """Return whether the answer has a word that is neither in the question nor counted."""
    units = {unit for one in found for unit in one.units} | {one.text for one in found}
    return bool(content(answer) - content(case.question) - units)


def _only_denies(answer: str) -> bool:
    """Return whether every clause with a value is negated; "no later than" denies nothing."""
    plain = _BOUND.sub("", answer)
    valued = [sentence for sentence in sentences(plain) if values(sentence.text)]
    told = [one for sentence in valued for one in clauses(sentence.text)]
    return bool(told) and all(one.negated for one in told)


def _takes_up(answer: str, case: Case) -> bool:
    """Return whether the answer uses a word of the question that is more than its topic's heading."""
    headings = {stem(one.norm) for passage in case.passages for one in tokens(passage.heading)}
    predicate = topic(main_clause(case.question)) - headings
    return not predicate or bool(predicate & {stem(one.norm) for one in tokens(answer)})


def _is_amount(value: Value) -> bool:
    return not value.is_time


def _tells_time(answer: str, found: Sequence[Value]) -> bool:
    dated = any(one.norm in MONTHS - {"may"} for one in tokens(answer)) or any(
        "may" in one.units for one in found
    )
    clock = any(one.is_time or (one.kind == "label" and one.units == ("day",)) for one in found)
    year = any(one.kind == "number" and not one.units and len(one.text) == 4 for one in found)
    return dated or clock or year or bool(_TIME_WORDS.search(answer))


def _names_someone(answer: str, found: Sequence[Value]) -> bool:
    if any(one.kind == "name" for one in found) or _ROLE.search(answer):
        return True
    first = tokens(answer)[:2]
    return len(first) == 2 and all(one.is_capitalised for one in first)


def _names_of(case: Case) -> frozenset[str]:
    """Return the words that the cited sections write as names."""
    cited = _cited(case)
    return frozenset(name for one in cited for name in name_words(one.text))


def _names_a_place(answer: str, case: Case) -> bool:
    """Return whether the answer says where something stands."""
    spelt = f" {' '.join(norms(tokens(answer)))} "
    labels = (" ".join(norms(tokens(one.section))) for one in case.passages)
    named = any(f" {label} " in spelt for label in labels if label)
    return named or bool(_PLACE.search(answer)) or not spelt.strip()
