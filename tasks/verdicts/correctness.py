"""Correctness: the answer is one that is known to be right."""

import re

from tasks.ngrams import words
from tasks.verdicts.case import Case, Verdict, not_checked, verdict
from tasks.verdicts.known_answers import holds_phrase, says_untold

_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
_PLAIN_NUMBER = re.compile(r"-?\d{1,400}")
_DENIED = re.compile(r"\b(?:not|never)\s+(?:equal to\s+)?(?:\$|\\boxed|\\\(|-?\d)")
"""A value that the answer says it is not."""
SECONDS = 5


def correctness(case: Case) -> Verdict:
    """Judge against the accepted answers; a right one scores 1. Without a known answer nothing is
    checked.

    Must run in a process's main thread: math-verify bounds its work with SIGALRM.
    """
    if not case.accepted:
        return not_checked("correctness", "no_known_answer")
    right = not _repeats_the_prompt(case) and _is_right(case)
    return verdict("correctness", None if right else "wrong_answer", right)


def _is_right(case: Case) -> bool:
    match case.answer_type:
        case "number":
            return not _DENIED.search(case.answer) and _same_number(case)
        case "phrase":
            return any(holds_phrase(case.answer, right) for right in case.accepted)
        case "untold":
            return says_untold(case.answer)
        case _:
            return not _DENIED.search(case.answer) and _same_text(case)


def _repeats_the_prompt(case: Case) -> bool:
    """Return whether the answer is words of the prompt, with no known answer in them: a sum that is
    not worked out.
    """
    spelt = f" {' '.join(words(case.answer))} "
    known = any(f" {' '.join(words(right))} " in spelt for right in case.accepted)
    return not known and len(spelt.split()) > 1 and spelt in f" {' '.join(words(case.prompt))} "


def _same_text(case: Case) -> bool:
    return _plain(case.answer) in {_plain(right) for right in case.accepted}


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip(".").strip().casefold()


def _same_number(case: Case) -> bool:
    """Compare by value. Two plain integers need no algebra, and most answers are that."""
    boxed = _BOXED.findall(case.answer)
    given = (boxed[-1] if boxed else case.answer).strip().rstrip(".")
    if _PLAIN_NUMBER.fullmatch(given) and all(
        _PLAIN_NUMBER.fullmatch(right) for right in case.accepted
    ):
        return int(given) in {int(right) for right in case.accepted}
    return any(_equivalent(right, case.answer) for right in case.accepted)


def _equivalent(right: str, answer: str) -> bool:
    from math_verify import parse, verify

    if _plain(answer) == _plain(right):
        return True
    gold, given = (parse(text, parsing_timeout=SECONDS) for text in (f"${right}$", answer))
    return bool(verify(gold, given, timeout_seconds=SECONDS))
