"""Control tokens: what a model reads as a mark of the conversation, and how a text that spells one
is made harmless.

Every engine uses this module, so a prompt reads the same in process and behind an endpoint.
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
    """What tokenizers say of a token that is found wherever it stands."""

    @property
    def content(self) -> str: ...

    @property
    def special(self) -> bool: ...


class Control(NamedTuple):
    """The control tokens of a model. origin: "tokenizer", "family <name>", or "" when neither is
    known.
    """

    tokens: re.Pattern[str]
    """What a prompt may not spell."""
    silent: re.Pattern[str]
    """What no reader sees of an answer: the special tokens, but for those by which a thought is
    told from an answer.
    """
    origin: str

    def part(self, text: str) -> str:
        """Return the text with a space behind the first character of every control token,
        `<|im_end|>` as `< |im_end|>`.
        """
        # Parting one token can leave another whole that overlapped it.
        while (parted := self.tokens.sub(_parted, text)) != text:
            text = parted
        return text

    def neutral(self, messages: Iterable[Message]) -> list[Message]:
        """Return the messages to the model with their control tokens parted; what the model itself
        said keeps its tags.
        """
        return [
            message
            if message["role"] == "assistant"
            else {**message, "content": self.part(message["content"])}
            for message in messages
        ]

    def spoken(self, text: str) -> str:
        """Return an answer that was decoded with its special tokens, without those that say
        nothing.
        """
        return self.silent.sub("", text)


def control_of(tokenizer: Any) -> Control:
    """Return the control tokens of a transformers tokenizer."""
    return _from_added(tokenizer.added_tokens_decoder.values(), origin="tokenizer")


def known_control(model: str, tokenizer: str = "", revision: str = "") -> Control:
    """Return the control tokens of a model by its tokenizer's files, where they are on this
    machine, else by its family.

    model: a folder, a hub name or the name that an endpoint serves. tokenizer: a folder or hub name
    that stands for it. Nothing is
    downloaded. Of a model of no known family the tokens of all families count.
    """
    folder = _folder(tokenizer or model, revision)
    if folder:
        return _from_added(_added_tokens(folder), origin="tokenizer")
    family = family_of(tokenizer or model)
    if family:
        return _from_families((family,), origin=f"family {family.name}")
    return _from_families(FAMILIES, origin="")


def _parted(found: re.Match[str]) -> str:
    return f"{found[0][0]} {found[0][1:]}"


def _from_added(added: Iterable[AddedToken], *, origin: str) -> Control:
    known = [one for one in added if len(one.content.strip()) > 1]
    tokens = {one.content for one in known if one.special or _TAG.fullmatch(one.content)}
    # gpt-oss marks thought and answer by the tokens of its channels.
    marks = {think.OPEN, think.CLOSE, *(think.HARMONY if think.CHANNEL in tokens else ())}
    silent = {one.content for one in known if one.special} - marks
    return Control(_any_of(tokens), _any_of(silent), origin)


def _from_families(families: Sequence[Family], *, origin: str) -> Control:
    """Return the tokens of these families. A table cannot hold every reserved token, but nearly all
    have one of a few shapes.
    """
    literal = _any_of({*COMMON, *(token for family in families for token in family.tokens)})
    harmony = _any_of(think.HARMONY).pattern
    return Control(
        re.compile(f"{literal.pattern}|{SHAPES}"), re.compile(f"(?!{harmony})(?:{BARRED})"), origin
    )


def _any_of(tokens: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds the longest of the tokens first."""
    spelt = "|".join(map(re.escape, sorted(tokens, key=lambda one: (-len(one), one))))
    return re.compile(spelt) if spelt else _NOTHING


class _Added(NamedTuple):
    content: str
    special: bool


def _added_tokens(folder: Path) -> Iterator[AddedToken]:
    """Yield what the tokenizer files of a folder add to the vocabulary."""
    from tokenizers import Tokenizer

    yield from (
        Tokenizer.from_file(str(folder / "tokenizer.json")).get_added_tokens_decoder().values()
    )
    settings = folder / "tokenizer_config.json"
    config = json.loads(settings.read_bytes()) if settings.is_file() else {}
    named = [config.get(name) for name in _CONFIG_KEYS]
    for name in _CONFIG_LISTS:
        several = config.get(name) or []
        named += several.values() if isinstance(several, dict) else several
    for one in filter(None, named):
        yield _Added(str(one["content"] if isinstance(one, dict) else one), special=True)


def _folder(name: str, revision: str) -> Path | None:
    """Return the local folder with the tokenizer.json of a model: its own, or the hub's copy on
    this machine.
    """
    folder = Path(resolve(name))
    if folder.is_dir():
        return folder if (folder / "tokenizer.json").is_file() else None
    if not _HUB_NAME.fullmatch(name):
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "tokenizer.json", revision=revision or None)
    return Path(found).parent if isinstance(found, str) else None
