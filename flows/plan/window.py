"""How long the prompts are, and how many of them the model's window does not hold.

A prompt that does not fit is a row that the recipe asks for and can never get. A few long sections
are part of any manual. Above REFUSED_SHARE the window is set too small for these documents, which
one line of the recipe mends; the build is refused, because the other way to find out costs a night.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flows.plan.fault import Fault, percent
from flows.plan.tokens import Counter
from tasks.inference.engine import Message, NamedModel, TeacherSpec
from tasks.prompts.plan import Planned
from tasks.prompts.render import render

COUNTED = 1000
"""Prompts whose tokens are counted at most: the share is then sure to about three points."""
REFUSED_SHARE = 0.05
"""Share of prompts that may be too long before the build is refused."""


class Lengths(NamedTuple):
    """Tokens of the prompts that were counted. of: prompts in the plan. too_long: of those counted.

    surely: too long even if every token held as many characters as tokens ever do.
    """

    of: int
    counted: int
    median: int
    longest: int
    too_long: int
    surely: int
    room: int
    how: str
    exact: bool

    @property
    def share(self) -> float:
        """Share of the counted prompts that are too long."""
        return self.too_long / self.counted if self.counted else 0.0

    @property
    def prompts(self) -> int:
        """Prompts of the whole plan that are too long."""
        return round(self.share * self.of)


def conversation(planned: Planned, teacher: TeacherSpec) -> list[Message]:
    """Return what the teacher is sent for a row of the plan; the control arm has no system prompt."""
    own: list[Message] = list(render(planned.visible, planned.template))
    if teacher.system_prompt and not planned.control:
        return [{"role": "system", "content": teacher.system_prompt}, *own]
    return own


def lengths(
    planned: Sequence[Planned], teacher: TeacherSpec, counter: Counter, *, of: int = 0
) -> Lengths:
    """Return the tokens of the prompts, of every so many-th where they are many.

    of: prompts of the whole plan, where these are only a part of it.
    """
    drawn = planned[:: -(-len(planned) // COUNTED) or 1]
    asked = [conversation(one, teacher) for one in drawn]
    room = max(0, teacher.max_model_len - teacher.max_tokens)
    tokens = sorted(map(counter.count, asked))
    least = tokens if counter.exact else map(counter.least, asked)
    return Lengths(
        of=of or len(planned),
        counted=len(drawn),
        median=tokens[len(tokens) // 2] if tokens else 0,
        longest=tokens[-1] if tokens else 0,
        too_long=sum(one > room for one in tokens),
        surely=sum(one > room for one in least),
        room=room,
        how=counter.how,
        exact=counter.exact,
    )


def too_long(named: NamedModel, found: Lengths) -> Iterator[Fault]:
    """Yield a fault when many prompts do not fit a teacher, a warning when a few do not.

    The window of an endpoint is its own, and the recipe's is a hint: some prompts that are too long
    only warn. When all of them are, the hint or the prompts are wrong, and the build is refused.
    """
    if not found.too_long:
        return
    teacher = named.model
    binding = teacher.engine != "endpoint"
    allowed = REFUSED_SHARE * found.counted if binding else found.counted - 1
    refused = found.surely > allowed
    wanted = found.longest + teacher.max_tokens
    yield Fault(
        f"models.{named.name}.max_model_len",
        f"{found.prompts:,} of {found.of:,} prompts ({percent(found.share)}) are longer than the "
        f"{found.room:,} tokens that max_model_len {teacher.max_model_len:,} leaves beside "
        f"max_tokens {teacher.max_tokens:,}; {_fate(binding, all_of_them=refused)}. "
        f"The longest has {found.longest:,} tokens ({found.how}): "
        f"set max_model_len to {wanted:,} if the model takes that, "
        "or show less with grounding.max_words or the families' context",
        stops=refused,
    )


def _fate(binding: bool, *, all_of_them: bool) -> str:
    if binding:
        return "each would be rejected as prompt_too_long"
    if all_of_them:
        return "no prompt fits the window that the recipe says the server has"
    return "the server decides whether it cuts or rejects them"
