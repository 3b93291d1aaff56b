"""Consistency: the answer says what the think block has come to."""

import re
from collections import deque
from collections.abc import Sequence

from tasks.verdicts.case import Case, Verdict, not_checked, shown, verdict
from tasks.verdicts.citations import CitationSpec, without_citations
from tasks.verdicts.claims.asked import kind_of
from tasks.verdicts.claims.contradiction import turns_around
from tasks.verdicts.claims.framing import FRAMING
from tasks.verdicts.claims.rivals import compete
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.stance import contradicts_the_thought
from tasks.verdicts.claims.support import content
from tasks.verdicts.claims.thought import (
    rests_on_another_sentence,
    thinks_of_another_date,
    thinks_of_another_name,
    thinks_of_another_section,
)
from tasks.verdicts.claims.tokens import NEGATIONS, may_hold
from tasks.verdicts.claims.values import TIME, Value, values

_CONCLUSION = re.compile(
    r"\b(?:the (?:final |correct |right )?answer (?:is|must be|should be|would be)"
    r"|final answer:|answer:)\s*(?P<what>[^\n]{1,200}?)(?=[.!?](?:\s|$)|\n|$)"
    r"|^\W*conclusion:\s*(?P<line>[^\n]{1,300})",
    re.IGNORECASE | re.MULTILINE,
)
_DRAWN = re.compile(
    r"(?:^|[.!?;\n][\"'”’»)\]]*)\s*(?:so|thus|therefore|hence"
    r"|that (?:gives|means|makes)|this (?:gives|means)"
    r"|which (?:gives|means)|i conclude|in short|overall|it follows|accordingly)\b"
    r"(?P<what>[^\n;]{1,200}?)(?=[.!?](?:\s|$)|[;\n]|$)",
    re.IGNORECASE,
)
"""How a sentence begins that draws a conclusion without calling it the answer."""
_REASON = re.compile(r"\b(?:because|since)\b[^,;]*", re.IGNORECASE)
VALUE_WORDS = 3
"""Words of a text that is a value: "Vale, the examiner"."""
NAMING_WORDS = 4
"""Words of a conclusion that does no more than name something."""
_OPPOSITES = (
    ("allowed", "rejected"), ("yes", "no"), ("right", "wrong"), ("true", "false"),
    ("valid", "invalid"), ("granted", "refused"), ("patentable", "unpatentable"),
    ("definite", "indefinite"), ("eligible", "ineligible"), ("obvious", "nonobvious"),
    ("even", "odd"),
)  # fmt: skip


def consistency(case: Case, citing: CitationSpec) -> Verdict:
    """Judge whether answer and think block agree; the score is the number of values compared.

    The last conclusion of the think block is compared ("the answer is …"). If it states none, every
    value with a unit is compared: the think block may have no number of weeks like the answer's.
    Reason: contradicted_think.
    """
    answer = without_citations(case.answer, citing)
    think = without_citations(case.think, citing)
    asked = {(one.kind, one.text) for one in values(case.question)} if case.passages else set()
    said = _values(_REASON.sub(" ", answer))
    given = tuple(one for one in said if (one.kind, one.text) not in asked)
    names_it = may_hold(think, "answer", "conclusion")
    concluded = _last(_CONCLUSION, think) if names_it else ""
    ended = concluded or _last(_DRAWN, think)
    ours = _values(ended)
    agrees = bool(concluded) and any(_same(one, other) for one in ours for other in given)
    if not agrees and (_leaves(think, answer, case) or _gives_no_number(ended, answer, case)):
        return _verdict(wrong=True, compared=0, ended=ended, case=case)
    if concluded:
        wrong = _disagree(ours, given) or _opposed(concluded, answer)
        compared = min(len(ours), len(given))
        return _verdict(wrong=wrong, compared=compared, ended=ended, case=case)
    thought = values(think)
    wrong = _names_another(ended, case) or _disagree(_counted(ours), _counted(given))
    if not wrong and not (thought and given):
        return not_checked("consistency", "no_conclusion")
    counted = (one for one in given if one.kind == "number")
    wrong = wrong or any(_is_foreign(one, thought, case) for one in counted)
    return _verdict(wrong=wrong, compared=len(given), ended=ended, case=case)


def _verdict(*, wrong: bool, compared: int, ended: str, case: Case) -> Verdict:
    if not wrong:
        return verdict("consistency", None, compared)
    return verdict("consistency", "contradicted_think", compared, _seen(ended, case))


def _leaves(think: str, answer: str, case: Case) -> bool:
    """Return whether the answer contradicts the think block, or rests on something else."""
    return (
        turns_around(answer, think)
        or contradicts_the_thought(think, answer, case)
        or thinks_of_another_name(think, answer, case)
        or thinks_of_another_date(think, answer, case)
        or thinks_of_another_section(case.think, answer, case)
        or rests_on_another_sentence(think, answer, case)
    )


def _gives_no_number(ended: str, answer: str, case: Case) -> bool:
    """Return whether a number is asked for, the think block ends on one, and the answer has
    none.
    """
    if kind_of(case.question) not in ("amount", "number", "period"):
        return False
    ours = {one.kind for one in _values(ended)}
    return "number" in ours and not any(one.kind != "name" for one in values(answer))


def _seen(concluded: str, case: Case) -> str:
    thought = concluded or " ".join(one.text for one in sentences(case.think)[-2:])
    return f"the think block ends on {shown(thought)}, the answer says {shown(case.answer)}"


def _last(form: re.Pattern[str], think: str) -> str:
    """Return what the think block says last in this form, up to the end of the sentence; "" for
    nothing.
    """
    for last in deque(form.finditer(think), maxlen=1):
        found = last.groupdict()
        return (found["what"] or found.get("line") or "").strip()
    return ""


def _values(text: str) -> tuple[Value, ...]:
    """Return the values; a first word is a name only where it is nearly all there is."""
    return values(f"is {text}") if len(text.split()) <= VALUE_WORDS else values(text)


def _names_another(concluded: str, case: Case) -> bool:
    """Return whether a short conclusion names something of the passages that the answer does not
    have.

    "So this is what I answer" names nothing.
    """
    ours = content(concluded)
    shown = "\n".join(one.whole for one in case.passages) or case.prompt
    named = ours & content(shown) - FRAMING - TIME - NEGATIONS
    if not 0 < len(ours) <= NAMING_WORDS or 2 * len(named) <= len(ours - FRAMING):
        return False
    return not ours & (content(case.answer) | content(case.question))


def _counted(found: Sequence[Value]) -> list[Value]:
    """Return names, and the numbers that count something."""
    return [one for one in found if one.kind == "name" or (one.kind == "number" and one.units)]


def _disagree(concluded: Sequence[Value], given: Sequence[Value]) -> bool:
    """Return whether think block and answer end on different numbers, or on different names.

    Numbers differ when some count the same and none is in both; names when each side has one that
    the other lacks, for "Examiner Vale" and "Examiner Marsh" share a title.
    """
    ours, theirs = ([one for one in side if one.kind != "name"] for side in (concluded, given))
    pairs = [(one, other) for one in ours for other in theirs]
    rivals = any(
        compete(one, other) or (one.is_measured and other.is_measured) for one, other in pairs
    )
    if rivals and not any(_same(*pair) for pair in pairs):
        return True
    mine, yours = ({one.text for one in side if one.kind == "name"} for side in (concluded, given))
    return bool(mine - yours) and bool(yours - mine)


def _same(one: Value, other: Value) -> bool:
    if one.text != other.text:
        return False
    return not (one.units and other.units) or bool(set(one.units) & set(other.units))


def _opposed(concluded: str, answer: str) -> bool:
    ours, theirs = (set(re.findall(r"[^\W\d_]+", text.lower())) for text in (concluded, answer))
    for one, other in _OPPOSITES:
        for mine, yours in ((one, other), (other, one)):
            if mine in ours and yours not in ours and yours in theirs and mine not in theirs:
                return True
    return False


def _is_foreign(value: Value, thought: Sequence[Value], case: Case) -> bool:
    """Return whether the think block has numbers of the value's unit, and not this one."""
    alike = [one for one in thought if one.kind == "number" and set(one.units) & set(value.units)]
    bare = [one for one in thought if not one.units]
    known = (*alike, *bare, *values(case.question))
    return bool(alike) and not any(one.text == value.text for one in known)
