"""Consistency: the answer says what the think block has come to."""

import re
from collections.abc import Sequence

from tasks.verdicts.case import Case, Verdict, not_checked, shown, verdict
from tasks.verdicts.citations import CitationSpec, without_citations
from tasks.verdicts.claims.asked import kind_of
from tasks.verdicts.claims.contradiction import turned
from tasks.verdicts.claims.framing import FRAMING, matter
from tasks.verdicts.claims.parties import acting
from tasks.verdicts.claims.polarity import (
    DENYING,
    FORBIDDEN,
    PERMITTED,
    REASON,
    clauses,
    may_share_two,
)
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.support import content, content_of, told
from tasks.verdicts.claims.thought import (
    LEAST_SAID,
    REPEATED,
    repeats_another_sentence,
    thinks_of_another_date,
    thinks_of_another_name,
    thinks_of_another_section,
)
from tasks.verdicts.claims.tokens import NEGATIONS, is_negation, normed, stem
from tasks.verdicts.claims.values import TIME, Value, values

_CONCLUSION = re.compile(
    r"\b(?:the (?:final |correct |right )?answer (?:is|must be|should be|would be)"
    r"|final answer:|answer:)\s*(?P<what>[^\n]{1,200}?)(?=[.!?](?:\s|$)|\n|$)"
    r"|^\W*conclusion:\s*(?P<line>[^\n]{1,300})",
    re.IGNORECASE | re.MULTILINE,
)
_DRAWN = re.compile(
    r"(?:^|[.!?;\n][\"'”’»)\]]*)\s*(?:so|thus|therefore|hence|that (?:gives|means|makes)|this (?:gives|means)"
    r"|which (?:gives|means)|i conclude|in short|overall|it follows|accordingly)\b"
    r"(?P<what>[^\n;]{1,200}?)(?=[.!?](?:\s|$)|[;\n]|$)",
    re.IGNORECASE,
)
"""How a sentence begins that draws a conclusion without calling it the answer."""
VALUE_WORDS = 3
"""Words of a text that is a value: "Vale, the examiner"."""
NAMING_WORDS = 4
"""Words of a conclusion that does no more than name something."""
_OPPOSITES = (
    ("allowed", "rejected"), ("yes", "no"), ("right", "wrong"), ("true", "false"), ("valid", "invalid"), ("granted", "refused"),
    ("patentable", "unpatentable"), ("definite", "indefinite"), ("eligible", "ineligible"), ("obvious", "nonobvious"), ("even", "odd"),
)  # fmt: skip


def consistency(case: Case, citing: CitationSpec) -> Verdict:
    """Judge whether answer and think block agree; the score is the number of values compared.

    The last conclusion of the think block is compared ("the answer is …"), and, where it states
    none, every value of a unit: an answer in weeks that the think block never came to. Reason:
    contradicted_think.
    """
    answer = without_citations(case.answer, citing)
    think = without_citations(case.think, citing)
    asked = {(one.kind, one.text) for one in values(case.question)} if case.passages else set()
    said = _values(REASON.sub(" ", answer))
    given = tuple(one for one in said if (one.kind, one.text) not in asked)
    if concluded := _last(_CONCLUSION, think):
        ours = _values(concluded)
        wrong = (
            _disagree(ours, given)
            or _opposed(concluded, answer)
            or _denied(concluded, answer)
            or _drops_the_no(concluded, answer, case)
        )
        return verdict(
            "consistency",
            "contradicted_think" if wrong else None,
            min(len(ours), len(given)),
            _seen(concluded, case),
        )
    drawn = _last(_DRAWN, think)
    if (
        _names_another(drawn, answer, case)
        or _drops_the_no(drawn, answer, case)
        or _turns(think, answer)
        or _is_of_else(think, answer, case)
        or _lets_another_act(think, answer, case)
        or thinks_of_another_name(think, answer, case)
        or thinks_of_another_date(think, answer, case)
        or thinks_of_another_section(case.think, answer, case)
        or repeats_another_sentence(think, answer, case)
    ):
        return verdict("consistency", "contradicted_think", 0, _seen(drawn, case))
    thought = values(think)
    if not (thought and given):
        return not_checked("consistency", "no_conclusion")
    counted_in_think = [one for one in _values(drawn) if one.kind != "label"]
    counted = [one for one in given if one.kind == "number"]
    wrong = _disagree(_counted(counted_in_think), _counted(given)) or any(
        _is_foreign(one, thought, case) for one in counted
    )
    return verdict(
        "consistency", "contradicted_think" if wrong else None, len(given), _seen(drawn, case)
    )


def _seen(concluded: str, case: Case) -> str:
    thought = concluded or " ".join(one.text for one in sentences(case.think)[-2:])
    return f"the think block ends on {shown(thought)}, the answer says {shown(case.answer)}"


def _last(form: re.Pattern[str], think: str) -> str:
    """Return what the think block says last in this form, up to the end of the sentence; "" for
    nothing.
    """
    found = [match.groupdict() for match in form.finditer(think)]
    return (found[-1]["what"] or found[-1].get("line") or "").strip() if found else ""


def _values(text: str) -> tuple[Value, ...]:
    """Return the values; a first word is a name only where it is nearly all there is."""
    return values(f"is {text}") if len(text.split()) <= VALUE_WORDS else values(text)


def _names_another(concluded: str, answer: str, case: Case) -> bool:
    """Return whether a short conclusion names something of the passages that the answer does not
    have.

    "So this is what I answer" names nothing.
    """
    ours = content(concluded)
    shown = "\n".join(one.whole for one in case.passages) or case.prompt
    named = ours & content(shown) - FRAMING - TIME - NEGATIONS
    if not 0 < len(ours) <= NAMING_WORDS or 2 * len(named) <= len(ours - FRAMING):
        return False
    return not ours & (content(answer) | content(case.question))


def _counted(found: Sequence[Value]) -> list[Value]:
    """Return names, and the numbers that count something."""
    return [one for one in found if one.kind == "name" or (one.kind == "number" and one.units)]


def _disagree(concluded: Sequence[Value], given: Sequence[Value]) -> bool:
    """Return whether think block and answer end on different numbers, or on different names.

    Numbers differ when none is in both; names when each side has one that the other lacks, for
    "Examiner Vale" and "Examiner Marsh" share a title.
    """
    ours, theirs = ([one for one in side if one.kind != "name"] for side in (concluded, given))
    if ours and theirs and not any(_same(one, other) for one in ours for other in theirs):
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


def _drops_the_no(concluded: str, answer: str, case: Case) -> bool:
    """Return whether the think block ends on a bare "no", and the answer only permits."""
    if normed(concluded) != ("no",) or kind_of(case.question) != "yes_no":
        return False
    spelt = normed(answer)
    denies = any(one in FORBIDDEN | _LIMITS or stem(one) in DENYING for one in spelt)
    permits = not _PERMITS.isdisjoint(spelt)
    return permits and not denies and not any(map(is_negation, spelt))


_PERMITS = PERMITTED | frozenset("yes may can".split())
_LIMITS = frozenset("only unless except until".split())


def _denied(concluded: str, answer: str) -> bool:
    """Return whether the answer names what the think block concluded, and says that it is not so."""
    ours = clauses(concluded)
    if len(ours) != 1:
        return False
    named = [one for one in clauses(answer) if ours[0].content <= one.content]
    return bool(named) and all(one.negated != ours[0].negated for one in named)


def _turns(think: str, answer: str) -> bool:
    """Return whether the answer turns around what the think block states, and never states
    otherwise.
    """
    said = [clause for one in sentences(answer) for clause in clauses(REASON.sub("", one.text))]
    wanted = frozenset().union(*(one.content for one in said))
    stated = [
        clause
        for sentence in sentences(think)
        if may_share_two(sentence.text, wanted) and not sentence.text.endswith("?")
        for clause in clauses(sentence.text)
    ]
    return any(turned(one, stated) for one in said)


def _lets_another_act(think: str, answer: str, case: Case) -> bool:
    """Return whether the answer lets somebody act whom nothing shown names, nor the think block,
    which names another.
    """
    acts = acting(answer) if case.passages else set()
    if not acts:
        return False
    known = content_of((think, case.question, *(one.whole for one in case.passages)))
    strangers = [one for one in acts if not set(one) & known]
    return bool(strangers) and bool(acting(think))


def _is_of_else(think: str, answer: str, case: Case) -> bool:
    """Return whether the answer says what the think block never speaks of.

    The think block repeats a sentence of a passage, and has no word that the answer adds to its
    question.
    """
    asked = content_of((case.question, *(one.heading for one in case.passages)))
    said, thought = matter(answer) - asked, content(think) - asked
    if len(said) < LEAST_SAID or said & thought:
        return False
    told_of = [content(one) - asked for one in told(case.passages)]
    return any(
        len(one) >= LEAST_SAID and REPEATED * len(one) <= len(one & thought) for one in told_of
    )


def _is_foreign(value: Value, thought: Sequence[Value], case: Case) -> bool:
    """Return whether the think block has numbers of the value's unit, and not this one."""
    alike = [one for one in thought if one.kind == "number" and set(one.units) & set(value.units)]
    bare = [one for one in thought if not one.units]
    known = (*alike, *bare, *values(case.question))
    return bool(alike) and not any(one.text == value.text for one in known)
