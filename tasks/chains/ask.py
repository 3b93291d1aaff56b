"""`ask`: one model call for each item. Answers that cannot be read are asked again, then rejected.

All answers are read from the journal when the table is made, so a better parser reads old answers
again without a request.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

from tasks.chains.chain import Ask as Step
from tasks.chains.gather import Lost
from tasks.chains.item import Item, Value
from tasks.chains.prompt import prompt_text
from tasks.chains.returns import Parsed, Unparsed
from tasks.chains.world import World
from tasks.inference.complete import complete, teacher_digest
from tasks.inference.engine import Ask, Completion, Message, NamedModel
from tasks.progress import watcher
from tasks.spec import canonical, digest, draw_seed

FIRST = 32
"""Items that are asked before the others: if next to none of them can be read, no more are."""
LEAST_READ = 0.05
"""Smallest share of the first items whose answers can be read; below it the step stops."""
NOT_ENDED = {
    "length": "cut",
    "prompt_too_long": "prompt_too_long",
    "refused": "refused_by_endpoint",
}
"""Finish reason of an answer that is not read → why."""


class Request(NamedTuple):
    """A request for one sample of an item."""

    item: Item
    sample: int
    ask: Ask


@dataclass
class Answered:
    """The items that a step made, and the items that gave none.

    made: item_id → the items of all its samples. answers: all answers that were looked at, found in
    the journal or not. tokens: their completion tokens. requests: sent by this run.
    """

    made: dict[str, list[Item]] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    answers: int = 0
    tokens: int = 0
    requests: int = 0


@dataclass(frozen=True)
class Asking:
    """What all requests of a step have in common. seed: of the step. named: the model."""

    step: Step
    seed: int
    world: World
    named: NamedModel
    journals: Path

    @cached_property
    def _teacher(self) -> str:
        return teacher_digest(self.named.model)

    def answers(self, items: Sequence[Item]) -> Answered:
        """Return what the model answered for the items.

        Raises EngineLost or EndpointUnreachable; the journal then keeps the answers that were
        finished.
        """
        answered = Answered()
        first, others = items[:FIRST], items[FIRST:]
        self._ask(first, answered)
        if others and len(answered.made) < LEAST_READ * len(first):
            says = f"only {len(answered.made)} of the first {len(first)} items were answered"
            answered.lost += [Lost(one, "not_asked", says) for one in others]
        else:
            self._ask(others, answered)
        return answered

    def _ask(self, items: Sequence[Item], answered: Answered) -> None:
        """Ask for these items, all attempts, and put what they got into the result."""
        texts = {item.item_id: prompt_text(item, self.step, self.world) for item in items}
        samples = range(self.step.samples)
        due = [(item, sample) for item in items if texts[item.item_id] for sample in samples]
        read: dict[tuple[str, int], Parsed] = {}
        why = {
            item.item_id: Lost(item, "no_prompt", f"prompt {self.step.ask!r} has no form for it")
            for item in items
            if not texts[item.item_id]
        }
        for attempt in range(self.step.attempts):
            due = [(item, sample) for item, sample in due if (item.item_id, sample) not in read]
            requests = [
                Request(item, sample, self._request(texts[item.item_id], item, sample, attempt))
                for item, sample in due
            ]
            for one, completion in self._completed(requests, answered):
                found = reading(completion, self.step)
                if isinstance(found, Unparsed):
                    shown = " ".join(completion.text.split())[-200:]
                    why[one.item.item_id] = Lost(one.item, f"unparsed_{found.reason}", shown)
                else:
                    read[one.item.item_id, one.sample] = found
        for item in items:
            found_samples = [read[item.item_id, n] for n in samples if (item.item_id, n) in read]
            if found_samples:
                answered.made[item.item_id] = list(self._children(item, found_samples))
            else:
                answered.lost.append(why[item.item_id])

    def _children(self, item: Item, samples: Sequence[Parsed]) -> Iterator[Item]:
        several = self.step.samples > 1
        for number, sample in enumerate(samples):
            for values in sample:
                written = {
                    name: Value(text, self.step.role_of(name)) for name, text in values.items()
                }
                yield item.child(self.step.name, written, vote=number if several else None)

    def _request(self, text: str, item: Item, sample: int, attempt: int) -> Ask:
        """Return a request. Its seed depends on the item, the step, the sample and the attempt."""
        drawn = draw_seed(self.seed, item.item_id, self.step.name, sample, attempt)
        messages = () if self.step.raw else self._messages(text)
        sent = canonical([dict(message) for message in messages]) if messages else text.encode()
        limit = self.step.max_tokens
        key = digest(self._teacher, sent, str(drawn), str(limit))
        prompt = text if self.step.raw else ""
        return Ask(key, messages, drawn, max_tokens=limit, prompt=prompt)

    def _messages(self, text: str) -> tuple[Message, ...]:
        system = self.named.model.system_prompt
        before = ({"role": "system", "content": system},) if system else ()
        return (*before, {"role": "user", "content": text})

    def _completed(
        self, requests: Sequence[Request], answered: Answered
    ) -> Iterator[tuple[Request, Completion]]:
        """Yield every request with its answer."""
        if not requests:
            return
        with complete(
            lambda: (one.ask for one in requests),
            self.named.model,
            placement=self.named.placement,
            journals=self.journals,
            progress=partial(watcher(), unit="request"),
        ) as completions:
            for one in requests:
                completion = completions[one.ask.key]
                answered.tokens += completion.completion_tokens
                yield one, completion
            answered.answers += len(requests)
            answered.requests += completions.requests


def reading(completion: Completion, step: Step) -> Parsed | Unparsed:
    """Return the values of an answer. An answer that was cut is not read."""
    if reason := NOT_ENDED.get(completion.finish_reason):
        return Unparsed(reason)
    return step.returns.parse(completion.text)
