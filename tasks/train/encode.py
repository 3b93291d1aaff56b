"""From a corpus row to token ids, and what may be wrong with them: what a trainer will really see,
looked at before it sees it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tasks import think
from tasks.inference.chat import opened_think, opening_of, prompt_tokens
from tasks.inference.control import control_of
from tasks.inference.engine import Message


class Template(NamedTuple):
    """A student's tokenizer and the ids at which its generation ends."""

    tokenizer: Any
    stops: frozenset[int]

    @property
    def eos(self) -> int:
        """The end-of-text token; it ends an example where the chat template puts no end."""
        return int(self.tokenizer.eos_token_id)

    @property
    def ends(self) -> frozenset[int]:
        """Tokens that may end an example: those that stop generation, and the end-of-text token."""
        return self.stops | {self.eos}

    @property
    def bos(self) -> int | None:
        """The beginning-of-text token, where the tokenizer knows one that is not also an end."""
        known = self.tokenizer.bos_token_id
        return None if known in self.stops else known


@dataclass(frozen=True)
class Example:
    """One row as token ids, learnt from one position on. opened: the think tag that the prompt ends
    with, if it does.
    """

    row_id: str
    input_ids: tuple[int, ...]
    learnt_from: int
    completion: str
    opened: str
    parsed: think.Parsed

    @property
    def learnt(self) -> tuple[int, ...]:
        """The ids in the loss: the model's own turn and its end."""
        return self.input_ids[self.learnt_from :]

    @property
    def loss_mask(self) -> list[bool]:
        """True where the token is learnt."""
        return [place >= self.learnt_from for place in range(len(self.input_ids))]


def encode(row_id: str, messages: Sequence[Message], template: Template) -> Example:
    """Return the ids of the prompt as an engine gets it, of the model's own turn, and of its end.

    Prompt and turn are tokenized apart, because an engine meets them apart.
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
    """What the model writes itself, without what stands in the prompt. end: the token that ends it."""

    text: str
    end: int


def own_turn(messages: Sequence[Message], template: Template) -> Turn:
    """Return the assistant's last turn as the model writes it.

    The template's own rendering is taken where thought and answer can be read from it (Qwen3:
    inline; gpt-oss: a field, in channels). Where a template drops the thought as history (R1), the
    turn is written out behind the generation prompt, of which an opening tag may already be part.
    """
    asked, said = [dict(message) for message in messages[:-1]], dict(messages[-1])
    prompt = template.tokenizer.apply_chat_template(
        asked, add_generation_prompt=True, tokenize=False
    )
    parsed = think.split(said["content"])
    for spelling in _spellings(said, parsed):
        whole = template.tokenizer.apply_chat_template([*asked, spelling], tokenize=False)
        turn = whole[len(prompt) :]
        if whole.startswith(prompt) and _holds(turn, parsed):
            ended = _ended(turn, parsed, template)
            if _readable(prompt, ended, parsed, template):
                return ended
    return Turn(_by_hand(prompt, said["content"], parsed), template.eos)


def _spellings(said: dict[str, str], parsed: think.Parsed) -> list[dict[str, str]]:
    """Return the ways in which templates take a thought: in a field of either name, where they have
    a form of their own for it, or inline.
    """
    apart = {"role": said["role"], "content": parsed.answer}
    return [apart | {"reasoning_content": parsed.think}, apart | {"thinking": parsed.think}, said]


def _holds(turn: str, parsed: think.Parsed) -> bool:
    """Whether a rendering kept thought and answer, in order."""
    place = turn.find(parsed.think)
    return place >= 0 and turn.find(parsed.answer, place + len(parsed.think)) >= 0


def _ended(turn: str, parsed: think.Parsed, template: Template) -> Turn:
    """Return the turn up to the first token behind the answer at which generation would stop.

    A template may put more behind it, and the end-of-text token last (Phi-3), or never (Gemma).
    """
    behind = turn.index(parsed.answer, turn.index(parsed.think) + len(parsed.think))
    behind += len(parsed.answer)
    spelt = {one: template.tokenizer.convert_ids_to_tokens(one) for one in template.ends}
    found = [(turn.find(text, behind), one) for one, text in spelt.items()]
    place, end = min((one for one in found if one[0] >= 0), default=(-1, template.eos))
    return Turn(turn[:place] if place >= 0 else turn.rstrip(), end)


def _readable(prompt: str, turn: Turn, parsed: think.Parsed, template: Template) -> bool:
    """Whether thought and answer can be read from a turn as an engine hands it over."""
    said = control_of(template.tokenizer).spoken(opening_of(prompt) + turn.text)
    return (think.split_harmony(said) or think.split(said)) == parsed


def _by_hand(prompt: str, content: str, parsed: think.Parsed) -> str:
    if not prompt.rstrip().endswith(think.OPEN):
        return content
    body = f"{parsed.think}\n{think.CLOSE}\n\n{parsed.answer}"
    return body if prompt.endswith("\n") else f"\n{body}"


def faults(example: Example, template: Template) -> list[str]:
    """Return what is wrong with an example; empty when a model can learn from it to think, to
    answer and to stop.

    no_eos: nothing learnt ends the text. eos_not_stopping: generation does not end at the token
    learnt. eos_in_text: it also stands inside. no_bos, bos_twice: the text begins with no
    beginning-of-text token, or with two; further ones may open every turn (ChatML). prompt_in_loss.
    think_lost: what is learnt does not read as the row's thought and answer.
    """
    checks: Mapping[str, bool] = {
        "no_eos": not template.ends.intersection(example.learnt[-1:]),
        "eos_not_stopping": template.eos in example.learnt[-1:]
        and template.eos not in template.stops,
        "eos_in_text": any(token in template.stops for token in example.learnt[:-1]),
        "no_bos": _begins_texts(template) and example.input_ids[0] != template.bos,
        "bos_twice": template.bos is not None and example.input_ids[:2] == (template.bos,) * 2,
        "prompt_in_loss": example.learnt_from == 0,
        "think_lost": _read_back(example, template) != example.parsed,
    }
    return [name for name, wrong in checks.items() if wrong]


def _begins_texts(template: Template) -> bool:
    """Whether the tokenizer itself puts a beginning-of-text token before a text."""
    return template.bos is not None and template.tokenizer("a")["input_ids"][:1] == [template.bos]


def _read_back(example: Example, template: Template) -> think.Parsed:
    """Return what an engine would read if a model said what is learnt."""
    text = template.tokenizer.decode(list(example.learnt[:-1]), skip_special_tokens=False)
    said = control_of(template.tokenizer).spoken(example.opened + text)
    return think.split_harmony(said) or think.split(said)
