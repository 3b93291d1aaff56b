"""Control tokens of a model (`<|im_end|>`), and how a text that spells one is made harmless.

A model reads a control token as a mark of the conversation: the end of a turn, the start of a
thought. Every engine uses this module, so a prompt reads the same in process and at an endpoint.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tasks import think
from tasks.inference.engine import Message
from tasks.inference.families import BARRED, COMMON, FAMILIES, SHAPES, Family, family_of
from tasks.inference.models import resolve

_TAG = re.compile(r"<[^<>\s]+>")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_NOTHING = re.compile(r"(?!)")
_CONFIG_KEYS = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
_CONFIG_LISTS = ("additional_special_tokens", "extra_special_tokens")


class AddedToken(Protocol):
    """A token that a tokenizer recognises anywhere in a text."""

    @property
    def content(self) -> str: ...

    @property
    def special(self) -> bool: ...


class Control(NamedTuple):
    """The control tokens of a model.

    origin: how they are known: "tokenizer", "family <name>", or "" for a model of no known family.
    """

    tokens: re.Pattern[str]
    """Tokens that a prompt must not contain."""
    hidden: re.Pattern[str]
    """Special tokens that are removed from an answer. Tokens that separate thought and answer stay.
    """
    origin: str

    def neutralised(self, text: str) -> str:
        """Return the text with a space after the first character of every control token.

        `<|im_end|>` becomes `< |im_end|>`.
        """
        # Two tokens can overlap: after one is split, the other may still be whole.
        while (split := self.tokens.sub(_with_space, text)) != text:
            text = split
        return text

    def neutralised_messages(self, messages: Iterable[Message]) -> list[Message]:
        """Return the messages with neutralised control tokens, except the model's own turns."""
        return [
            message
            if message["role"] == "assistant"
            else {**message, "content": self.neutralised(message["content"])}
            for message in messages
        ]

    def visible(self, text: str) -> str:
        """Return an answer without its hidden special tokens."""
        return self.hidden.sub("", text)


def control_of(tokenizer: Any) -> Control:
    """Return the control tokens of a transformers tokenizer."""
    return _from_added(tokenizer.added_tokens_decoder.values(), origin="tokenizer")


def known_control(model: str, tokenizer: str = "", revision: str = "") -> Control:
    """Return the control tokens of a model from its tokenizer's files, or else from its family.

    model: a folder, a hub name, or the name that an endpoint serves. tokenizer: a folder or hub
    name that is used instead of the model's. Only files on this machine are read. A model of no
    known family gets the tokens of all families.
    """
    folder = _folder(tokenizer or model, revision)
    if folder:
        return _from_added(_added_tokens(folder), origin="tokenizer")
    family = family_of(tokenizer or model)
    if family:
        return _from_families((family,), origin=f"family {family.name}")
    return _from_families(FAMILIES, origin="")


def _with_space(found: re.Match[str]) -> str:
    return f"{found[0][0]} {found[0][1:]}"


def _from_added(added: Iterable[AddedToken], *, origin: str) -> Control:
    known = [one for one in added if len(one.content.strip()) > 1]
    tokens = {one.content for one in known if one.special or _TAG.fullmatch(one.content)}
    marks = {think.OPEN, think.CLOSE}
    # gpt-oss separates thought and answer by channel tokens.
    if think.CHANNEL in tokens:
        marks.update(think.HARMONY)
    hidden = {one.content for one in known if one.special} - marks
    return Control(_any_of(tokens), _any_of(hidden), origin)


def _from_families(families: Sequence[Family], *, origin: str) -> Control:
    """Return the control tokens of these families.

    A table cannot list every reserved token, but nearly all of them have one of a few shapes.
    """
    literal = _any_of({*COMMON, *(token for family in families for token in family.tokens)})
    harmony = _any_of(think.HARMONY).pattern
    tokens = re.compile(f"{literal.pattern}|{SHAPES}")
    hidden = re.compile(f"(?!{harmony})(?:{BARRED})")
    return Control(tokens, hidden, origin)


def _any_of(tokens: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that matches any of the tokens, the longest one first."""
    longest_first = sorted(tokens, key=lambda one: (-len(one), one))
    pattern = "|".join(map(re.escape, longest_first))
    return re.compile(pattern) if pattern else _NOTHING


class _Added(NamedTuple):
    content: str
    special: bool


def _added_tokens(folder: Path) -> Iterator[AddedToken]:
    """Yield the tokens that the tokenizer files of a folder add to the vocabulary."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    yield from tokenizer.get_added_tokens_decoder().values()
    settings = folder / "tokenizer_config.json"
    config = json.loads(settings.read_bytes()) if settings.is_file() else {}
    named = [config.get(name) for name in _CONFIG_KEYS]
    for name in _CONFIG_LISTS:
        several = config.get(name) or []
        named += several.values() if isinstance(several, dict) else several
    for one in filter(None, named):
        yield _Added(str(one["content"] if isinstance(one, dict) else one), special=True)


def _folder(name: str, revision: str) -> Path | None:
    """Return the local folder with a model's tokenizer.json; None if it is not on this machine.

    The folder is the model's own, or that of the hub's cache.
    """
    folder = Path(resolve(name))
    if folder.is_dir():
        return folder if (folder / "tokenizer.json").is_file() else None
    if not _HUB_NAME.fullmatch(name):
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "tokenizer.json", revision=revision or None)
    return Path(found).parent if isinstance(found, str) else None
