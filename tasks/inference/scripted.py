"""An engine without a model: it quotes a sentence of the prompt, the same one every time.

It is for tests, benches and dry runs of recipes. Its traces are well formed but teach nothing.
"""

import asyncio
import re

from tasks import think
from tasks.inference.engine import Ask, Completion, TeacherSpec, sampling_of
from tasks.inference.scripted_writer import written
from tasks.spec import draw_seed

_PASSAGE = re.compile(r"^\[(?P<section>[^\]\n]+)\] (?P<text>.+)$", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class ScriptedEngine:
    """An engine that quotes the sentence with the most words of the question.

    Three seeds in 29 get a planted fault: a cut text, a missing tag or a loop.
    """

    def __init__(self, spec: TeacherSpec) -> None:
        self._sampling = sampling_of(spec)

    async def ask(self, ask: Ask) -> Completion:
        """Return the scripted answer. A word counts as a token."""
        await asyncio.sleep(0)
        own = ask.sampling or self._sampling
        prompt = ask.prompt or ask.messages[-1]["content"]
        texts = [ask.prompt, ask.prefill, *(message["content"] for message in ask.messages)]
        prompt_words = sum(len(text.split()) for text in texts)
        if prompt_words > own.longest - own.max_tokens:
            return Completion(ask.key, "", "prompt_too_long", prompt_words, 0)
        wanted = written(prompt, ask.seed)
        text = answer(prompt, ask.seed) if wanted is None else wanted
        reason = "length" if _fault(ask.seed) == 1 else "stop"
        if ask.max_tokens and len(words := text.split()) > ask.max_tokens:
            text, reason = " ".join(words[: ask.max_tokens]), "length"
        return Completion(ask.key, text, reason, prompt_words, len(text.split()))

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""


def answer(prompt: str, seed: int) -> str:
    """Return a trace: a quotation if the prompt has passages, else a general remark."""
    section, quote = _best_sentence(prompt)
    thought = (
        f"I draw {draw_seed(seed, 'opening') % 9973}. The prompt asks: {prompt[-120:].strip()} "
        "I look for the passage that speaks of it."
    )
    if quote:
        text = think.join(
            f"{thought} [{section}] says: {quote} That is the evidence I need here.",
            f"Asked “{_last_line(prompt)}”, I read: {quote} [{section}]",
        )
    else:
        text = think.join(
            f"{thought} No passage is given, so I answer in general terms and say so.",
            f"In general terms: {prompt[-80:].strip()}",
        )
    return _spoil(text, _fault(seed))


def _fault(seed: int) -> int:
    """Return the fault to plant: 1 cuts the text, 2 removes a tag, 3 adds a loop, 0 none."""
    drawn = draw_seed(seed, "fault") % 29
    return drawn if drawn in {1, 2, 3} else 0


def _spoil(text: str, fault: int) -> str:
    if fault == 1:
        return text[: len(text) // 3]
    if fault == 2:
        return text.replace(think.CLOSE, "")
    return text.replace(think.OPEN, think.OPEN + " and so on and on" * 60) if fault == 3 else text


def _best_sentence(prompt: str) -> tuple[str, str]:
    """Return (section, sentence) that match the prompt's last line best, or two empty strings.

    The best passage shares the most words with that line, and so does the best sentence in it.
    """
    asked = _words(_last_line(prompt))
    passages = [(match["section"], match["text"]) for match in _PASSAGE.finditer(prompt)]
    section, text = max(passages, key=lambda one: len(asked & _words(one[1])), default=("", ""))
    if not asked & _words(text):
        return "", ""
    heading, *sentences = _SENTENCE_END.split(text.strip())
    best = max(sentences or [heading], key=lambda one: len(asked & _words(one)))
    return section, best if best[-1] in ".!?" else f"{best}."


def _last_line(prompt: str) -> str:
    return prompt.rsplit("\n", 1)[-1].removeprefix("Question: ")


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
