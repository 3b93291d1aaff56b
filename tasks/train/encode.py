"""Token ids of corpus rows, and the faults in them: what the trainer will see, checked before a
training.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from tasks import think
from tasks.inference.chat import opened_think, opening_of, prompt_tokens
from tasks.inference.control import control_of
from tasks.inference.engine import Message


class Template(NamedTuple):
    """A student's tokenizer, and the token ids at which its generation stops."""

    tokenizer: Any
    stops: frozenset[int]

    @property
    def eos(self) -> int:
        """The end-of-text token. It ends an example if the chat template adds no end."""
        return int(self.tokenizer.eos_token_id)

    @property
    def ends(self) -> frozenset[int]:
        """Tokens that may end an example: those that stop generation, and the end-of-text token."""
        return self.stops | {self.eos}

    @property
    def bos(self) -> int | None:
        """The beginning-of-text token, None if the tokenizer has none that differs from its
        ends.
        """
        known = self.tokenizer.bos_token_id
        return None if known in self.stops else known


@dataclass(frozen=True)
class Example:
    """One row as token ids. The tokens from `learnt_from` on are in the loss.

    opened: the think tag at the end of the prompt, "" without one. parsed: thought and answer of
    the row.
    """

    row_id: str
    input_ids: tuple[int, ...]
    learnt_from: int
    completion: str
    opened: str
    parsed: think.Parsed

    @property
    def learnt(self) -> tuple[int, ...]:
        """The token ids in the loss: the model's own turn and its end."""
        return self.input_ids[self.learnt_from :]

    @property
    def loss_mask(self) -> list[bool]:
        """True for the tokens in the loss."""
        return [place >= self.learnt_from for place in range(len(self.input_ids))]


def encode(row_id: str, messages: Sequence[Message], template: Template) -> Example:
    """Return a row as token ids: the prompt as an engine gets it, the model's own turn, and its
    end.

    Prompt and turn are tokenized separately, because an engine gets them separately.
    """
    prompt = prompt_tokens(template.tokenizer, messages[:-1])
    completion, end = own_turn(messages, template)
    turn = template.tokenizer(completion, add_special_tokens=False)["input_ids"]
    opened = opened_think(template.tokenizer, prompt)
    return Example(
        row_id,
        (*prompt, *turn, end),
        len(prompt),
        completion,
        opened,
        think.split(messages[-1]["content"]),
    )


class Turn(NamedTuple):
    """The text that the model itself writes, without the prompt. end: the token that ends it."""

    text: str
    end: int


def own_turn(messages: Sequence[Message], template: Template) -> Turn:
    """Return the assistant's last turn as the model writes it.

    The template's own rendering is used if thought and answer can be read from it (Qwen3: inline;
    gpt-oss: a field, in channels). If a template removes the thought as history (R1), the turn is
    written after the generation prompt, which may already hold the opening tag.
    """
    asked, reply = [dict(message) for message in messages[:-1]], dict(messages[-1])
    render = partial(template.tokenizer.apply_chat_template, tokenize=False)
    prompt = render(asked, add_generation_prompt=True)
    parsed = think.split(reply["content"])
    for spelling in _spellings(reply, parsed):
        whole = render([*asked, spelling])
        turn = whole[len(prompt) :]
        if whole.startswith(prompt) and _holds(turn, parsed):
            ended = _ended(turn, parsed, template)
            if _readable(prompt, ended, parsed, template):
                return ended
    return Turn(_by_hand(prompt, reply["content"], parsed), template.eos)


def _spellings(reply: dict[str, str], parsed: think.Parsed) -> list[dict[str, str]]:
    """Return the forms in which templates accept a thought: in a field with one of two names, or
    inline.
    """
    answer = {"role": reply["role"], "content": parsed.answer}
    fields = ("reasoning_content", "thinking")
    return [*(answer | {field: parsed.think} for field in fields), reply]


def _holds(turn: str, parsed: think.Parsed) -> bool:
    """Return whether a rendering holds thought and answer, in this order."""
    place = turn.find(parsed.think)
    return place >= 0 and turn.find(parsed.answer, place + len(parsed.think)) >= 0


def _ended(turn: str, parsed: think.Parsed, template: Template) -> Turn:
    """Return the turn up to the first token after the answer at which generation would stop.

    A template may add more after the answer, and the end-of-text token last (Phi-3) or not at all
    (Gemma).
    """
    behind = turn.index(parsed.answer, turn.index(parsed.think) + len(parsed.think))
    behind += len(parsed.answer)
    spelt = {one: template.tokenizer.convert_ids_to_tokens(one) for one in template.ends}
    found = [(turn.find(text, behind), one) for one, text in spelt.items()]
    place, end = min((one for one in found if one[0] >= 0), default=(-1, template.eos))
    return Turn(turn[:place] if place >= 0 else turn.rstrip(), end)


def _readable(prompt: str, turn: Turn, parsed: think.Parsed, template: Template) -> bool:
    """Return whether thought and answer can be read from a turn in the form in which an engine
    returns it.
    """
    reply = control_of(template.tokenizer).visible(opening_of(prompt) + turn.text)
    return (think.split_harmony(reply) or think.split(reply)) == parsed


def _by_hand(prompt: str, content: str, parsed: think.Parsed) -> str:
    if not prompt.rstrip().endswith(think.OPEN):
        return content
    body = f"{parsed.think}\n{think.CLOSE}\n\n{parsed.answer}"
    return body if prompt.endswith("\n") else f"\n{body}"


def faults(example: Example, template: Template) -> list[str]:
    """Return the names of an example's faults, [] if a model can learn from it to think, to answer
    and to stop.

    - no_eos: no learned token ends the text
    - eos_not_stopping: generation does not stop at the learned end
    - eos_in_text: a stop token also occurs inside the text
    - no_bos, bos_twice: the text begins without a beginning-of-text token, or with two of them;
      more
      may begin later turns (ChatML)
    - prompt_in_loss: the prompt is in the loss
    - think_lost: the learned tokens do not read as the row's thought and answer
    """
    last = example.learnt[-1:]
    checks: Mapping[str, bool] = {
        "no_eos": not template.ends.intersection(last),
        "eos_not_stopping": template.eos in last and template.eos not in template.stops,
        "eos_in_text": any(token in template.stops for token in example.learnt[:-1]),
        "no_bos": _begins_texts(template) and example.input_ids[0] != template.bos,
        "bos_twice": template.bos is not None and example.input_ids[:2] == (template.bos,) * 2,
        "prompt_in_loss": example.learnt_from == 0,
        "think_lost": _read_back(example, template) != example.parsed,
    }
    return [name for name, wrong in checks.items() if wrong]


def _begins_texts(template: Template) -> bool:
    """Return whether the tokenizer itself adds a beginning-of-text token before a text."""
    return template.bos is not None and template.tokenizer("a")["input_ids"][:1] == [template.bos]


def _read_back(example: Example, template: Template) -> think.Parsed:
    """Return what an engine would read if a model wrote the learned tokens."""
    text = template.tokenizer.decode(list(example.learnt[:-1]), skip_special_tokens=False)
    reply = control_of(template.tokenizer).visible(example.opened + text)
    return think.split_harmony(reply) or think.split(reply)
