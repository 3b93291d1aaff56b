"""The lengths of the prompts, and the faults of prompts that do not fit the context window.

A prompt that does not fit gives no row. A few long sections are normal in a manual. Above
REFUSED_SHARE the window is too small for the documents; the build is then refused, because changing
one line of the recipe corrects it, and a build would take a night to show the same.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flows.plan.fault import Fault, percent
from flows.plan.tokens import Counter
from tasks.inference.engine import Message, NamedModel, TeacherSpec
from tasks.prompts.plan import Planned
from tasks.prompts.render import render

COUNTED = 1000
"""Prompts whose tokens are counted, at most; the error of the share is about three points."""
REFUSED_SHARE = 0.05
"""Share of prompts that are too long above which the build is refused."""


class Lengths(NamedTuple):
    """The lengths of the counted prompts, in tokens.

    of: prompts in the plan. too_long: counted prompts that do not fit. surely: counted prompts that
    do not fit even by the lower bound of their tokens. room: tokens that the window has for a
    prompt. how, exact: see `Counter`.
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
        """Estimated number of prompts in the plan that are too long."""
        return round(self.share * self.of)


def conversation(planned: Planned, teacher: TeacherSpec) -> list[Message]:
    """Return the messages for a row of the plan; control prompts have no system message."""
    own: list[Message] = list(render(planned.visible, planned.template))
    if teacher.system_prompt and not planned.control:
        return [{"role": "system", "content": teacher.system_prompt}, *own]
    return own


def lengths(
    planned: Sequence[Planned], teacher: TeacherSpec, counter: Counter, *, of: int = 0
) -> Lengths:
    """Return the lengths of the prompts; of many prompts, those of an even sample.

    of: number of prompts in the whole plan, if `planned` is only a part of it.
    """
    every = -(-len(planned) // COUNTED) or 1
    drawn = planned[::every]
    conversations = [conversation(one, teacher) for one in drawn]
    room = max(0, teacher.max_model_len - teacher.max_tokens)
    tokens = sorted(map(counter.count, conversations))
    least = tokens if counter.exact else map(counter.least, conversations)
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
    """Yield a fault if many prompts do not fit a teacher's window, a warning for a few.

    An endpoint has its own window, so max_model_len is only a hint for it: prompts that are too
    long give a warning. If all prompts are too long, the hint or the prompts are wrong, and the
    build is refused.
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
        f"set max_model_len to {wanted:,} if the model allows that, "
        "or show less with grounding.max_words or the families' context",
        stops=refused,
    )


def _fate(binding: bool, *, all_of_them: bool) -> str:
    if binding:
        return "each would be rejected as prompt_too_long"
    if all_of_them:
        return "no prompt fits the window that the recipe says the server has"
    return "the server cuts or rejects them"
