"""A teacher without a model: it finds the answer in the prompt or the problem engines' grammar, the same way every time.

It serves tests, dry runs of recipes and benches. Its traces are well formed but say nothing worth learning.
"""

import asyncio
import re

from tasks import think
from tasks.inference.engine import Ask, Completion, TeacherSpec
from tasks.spec import draw_seed

_PASSAGE = re.compile(r"^\[(?P<section>[^\]\n]+)\] (?P<text>.+)$", re.MULTILINE)


class ScriptedEngine:
    """Quotes the passage that shares most words with the question; a few seeds cut, loop or break the tags on purpose."""

    def __init__(self, spec: TeacherSpec) -> None:
        self._limit = spec.max_model_len - spec.max_tokens

    async def ask(self, ask: Ask) -> Completion:
        """Return the scripted answer; a prompt of more words than fit is too long."""
        await asyncio.sleep(0)
        prompt = ask.messages[-1]["content"]
        asked = sum(len(message["content"].split()) for message in ask.messages)
        if asked > self._limit:
            return Completion(ask.key, "", "prompt_too_long", asked, 0)
        text = answer(prompt, ask.seed)
        reason = "length" if _fault(ask.seed) == 1 else "stop"
        if ask.max_tokens and len(words := text.split()) > ask.max_tokens:
            text, reason = " ".join(words[: ask.max_tokens]), "length"
        return Completion(ask.key, text, reason, asked, len(text.split()))

    async def close(self) -> None:
        """Nothing is held."""


def answer(prompt: str, seed: int) -> str:
    """Return a trace on the prompt: grounded when it holds passages, a plain remark otherwise."""
    section, quote = _best_passage(prompt)
    thought = f"I draw {draw_seed(seed, 'opening') % 9973}. The prompt asks: {prompt[-120:].strip()} I look for the passage that speaks of it."
    if quote:
        text = think.join(
            f"{thought} [{section}] says: {quote} That is the evidence I need here.",
            f"{quote} [{section}]",
        )
    else:
        text = think.join(
            f"{thought} No passage is given, so I answer in general terms and say so.",
            f"In general terms: {prompt[-80:].strip()}",
        )
    return _spoil(text, _fault(seed))


def _fault(seed: int) -> int:
    """Return 0 for a sound answer, or the kind of fault that three seeds in twenty-nine plant."""
    return {1: 1, 2: 2, 3: 3}.get(draw_seed(seed, "fault") % 29, 0)


def _spoil(text: str, fault: int) -> str:
    if fault == 1:
        return text[: len(text) // 3]
    if fault == 2:
        return text.replace(think.CLOSE, "")
    return text.replace(think.OPEN, think.OPEN + " and so on and on" * 60) if fault == 3 else text


def _best_passage(prompt: str) -> tuple[str, str]:
    """Return (section, text) of the passage sharing most words with the prompt's last line, or two empty strings."""
    asked = set(re.findall(r"\w+", prompt.rsplit("\n", 1)[-1].lower()))
    best, most = ("", ""), 0
    for match in _PASSAGE.finditer(prompt):
        shared = len(asked & set(re.findall(r"\w+", match["text"].lower())))
        if shared > most:
            best, most = (match["section"], match["text"]), shared
    return best
