"""Count the tokens of a conversation, with the model's tokenizer if it is on this machine.

Else the number is estimated. The tokenizer is read without transformers, because importing
transformers takes two seconds.
"""

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from tasks.inference.control import Control, known_control
from tasks.inference.engine import Message, TeacherSpec
from tasks.inference.models import resolve

TOKENIZER = "tokenizer.json"
CONFIG = "tokenizer_config.json"
TEMPLATE = "chat_template.jinja"
USUAL = 4.0
"""Characters per token of common English text."""
DENSE = 6.0
"""Characters per token of easy text with a large vocabulary; more are not possible."""
FRAME_TOKENS = 12
"""Tokens that a chat template usually adds to a message."""
_GENERATION = re.compile(r"\{%-?\s*(end)?generation\s*-?%\}")


class Counter(NamedTuple):
    """Functions that count the tokens of a conversation.

    least: a lower bound of the number. how: a description of the method for a person. exact: the
    model's own tokenizer counts.
    """

    count: Callable[[Sequence[Message]], int]
    least: Callable[[Sequence[Message]], int]
    how: str
    exact: bool


def counter(teacher: TeacherSpec) -> Counter:
    """Return the counter of a teacher's tokens."""
    if teacher.engine == "scripted":
        return Counter(_words, _words, "words, as the scripted engine counts", True)
    named = teacher.tokenizer or teacher.model
    folder = tokenizer_folder(named, "" if teacher.tokenizer else teacher.revision)
    if folder is None:
        how = (
            f"estimated at {USUAL:g} characters per token, because there is no tokenizer of "
            f"{named} on this machine"
        )
        return Counter(_usual, _least, how, False)
    exact = functools.partial(_by_tokenizer, folder)
    return Counter(exact, exact, f"by the tokenizer of {named}", True)


def tokenizer_folder(model: str, revision: str) -> Path | None:
    """Return the folder with the tokenizer.json of a model; None if it is not on this machine.

    model: a folder, a built-in model, or a hub name, which is looked up in the hub's cache.
    """
    folder = Path(resolve(model)).expanduser()
    if folder.is_dir():
        return folder if (folder / TOKENIZER).is_file() else None
    if model.count("/") > 1:
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, TOKENIZER, revision=revision or None)
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def _words(messages: Sequence[Message]) -> int:
    return sum(len(message["content"].split()) for message in messages)


def _usual(messages: Sequence[Message]) -> int:
    return sum(FRAME_TOKENS + round(len(message["content"]) / USUAL) for message in messages)


def _least(messages: Sequence[Message]) -> int:
    return sum(round(len(message["content"]) / DENSE) for message in messages)


def _by_tokenizer(folder: Path, messages: Sequence[Message]) -> int:
    model = _loaded(folder)
    turns = model.control.neutralised_messages(messages)
    text = model.render(turns)
    if text is None:
        bare = "\n".join(turn["content"] for turn in turns)
        return len(model.tokenizer.encode(bare).ids) + FRAME_TOKENS * len(turns)
    return len(model.tokenizer.encode(text, add_special_tokens=False).ids)


class _Model(NamedTuple):
    tokenizer: Tokenizer
    control: Control
    template: str
    special: Mapping[str, str]

    def render(self, turns: Sequence[Mapping[str, str]]) -> str | None:
        """Return the conversation as text by the chat template; None if the template fails."""
        if not self.template:
            return None
        try:
            return _compiled(self.template).render(
                messages=turns, add_generation_prompt=True, **self.special
            )
        except (TemplateError, TypeError, ValueError):
            return None


@functools.cache
def _loaded(folder: Path) -> _Model:
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    config = _config(folder)
    special = {
        name: str(value.get("content", "") if isinstance(value, dict) else value)
        for name, value in config.items()
        if name in ("bos_token", "eos_token", "pad_token", "unk_token") and value
    }
    control = known_control(str(folder))
    return _Model(tokenizer, control, _template(folder, config), special)


def _config(folder: Path) -> Mapping[str, object]:
    path = folder / CONFIG
    found = json.loads(path.read_bytes()) if path.is_file() else {}
    return found if isinstance(found, dict) else {}


def _template(folder: Path, config: Mapping[str, object]) -> str:
    """Return the text of the chat template without `{% generation %}`, a tag that Jinja lacks."""
    path = folder / TEMPLATE
    if path.is_file():
        text = path.read_text(encoding="utf-8")
    else:
        own = config.get("chat_template")
        text = own if isinstance(own, str) else ""
    return _GENERATION.sub(_transparent, text)


def _transparent(mark: re.Match[str]) -> str:
    word = "endif" if mark[1] else "if true"
    left = "{%-" if mark[0].startswith("{%-") else "{%"
    right = "-%}" if mark[0].endswith("-%}") else "%}"
    return f"{left} {word} {right}"


@functools.cache
def _compiled(template: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    return environment.from_string(template)
