"""The grammar of traces: optional whitespace, one `<think>` block, then the answer.

It also reads Harmony channels and separate fields of reasoning and answer.
"""

import re
from typing import NamedTuple

OPEN, CLOSE = "<think>", "</think>"
CHANNEL = "<|channel|>"
HARMONY = (
    "<|start|>",
    CHANNEL,
    "<|message|>",
    "<|constrain|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
)
"""The tokens that separate messages in OpenAI's Harmony format."""
_TAG = re.compile(r"</?think>")
_TOKEN = re.compile(r"<\|(start|channel|message|constrain|end|return|call)\|>")
_BARE = re.compile(r"assistant(analysis|commentary|final)")


class Parsed(NamedTuple):
    """The parts of a completion. fault: reason why it breaks the grammar, None if it does not."""

    think: str
    answer: str
    fault: str | None


def join(think: str, answer: str) -> str:
    """Return the canonical text of a trace; `split` is the inverse.

    >>> join("Two and two.", "Four.")
    '<think>\\nTwo and two.\\n</think>\\n\\nFour.'
    """
    return f"{OPEN}\n{think}\n{CLOSE}\n\n{answer}"


def split(text: str) -> Parsed:
    """Return the parts of a completion. Wrong tags become a fault; they are not repaired.

    Faults: missing_think, unclosed_think, orphan_close, repeated_think, text_before_think,
    empty_think, empty_answer.

    >>> split("<think>Two and two.</think>Four.").answer
    'Four.'
    >>> split("Four.").fault
    'missing_think'
    """
    tags = _TAG.findall(text)
    if tags != [OPEN, CLOSE]:
        return Parsed("", untagged(text), _fault_of_tags(tags))
    before, rest = text.split(OPEN, 1)
    think, answer = (part.strip() for part in rest.split(CLOSE, 1))
    return Parsed(think, answer, _fault_of_parts(before.strip(), think, answer))


def salvage(text: str) -> Parsed:
    """Return the parts of a completion as `split` does, but keep the thought of broken tags.

    Text before a leading `</think>` is thought too, because chat templates may put the opening tag
    into the prompt.

    >>> salvage("Two and two.</think>Four.")
    Parsed(think='Two and two.', answer='Four.', fault='orphan_close')
    """
    parsed = split(text)
    if parsed.fault not in {"unclosed_think", "orphan_close", "repeated_think"}:
        return parsed
    first, *rest = _TAG.split(text)
    tags = _TAG.findall(text)
    sides: dict[str, list[str]] = {OPEN: [], CLOSE: []}
    before_first = OPEN if tags[0] == CLOSE else CLOSE
    for tag, piece in zip([before_first, *tags], [first, *rest], strict=True):
        sides[tag].append(piece.strip())
    thought, answer = ("\n\n".join(filter(None, sides[tag])) for tag in (OPEN, CLOSE))
    return Parsed(thought, answer, parsed.fault)


def untagged(text: str) -> str:
    """Return a text without its think tags.

    >>> untagged("<think>Two.</think>Four.")
    'Two.Four.'
    """
    return _TAG.sub("", text).strip()


def split_harmony(text: str) -> Parsed | None:
    """Return the parts of a completion in Harmony channels; None if it has no channels.

    Messages in the channel analysis are the thought, those in the channel final the answer.
    Commentary and messages to or from a tool are left out. Only the last turn of a conversation
    counts. The form without special tokens (`analysis…assistantfinal…`) is accepted too. Faults are
    those of `split`. OpenAI Harmony response format, 2025.
    """
    messages = _bare_messages(text) if CHANNEL not in text else _messages(text)
    if not messages:
        return None
    think, answer = (
        "\n\n".join(one.text for one in messages if one.channel == channel)
        for channel in ("analysis", "final")
    )
    return Parsed(think, answer, _fault_of_channels(messages, think, answer))


def from_fields(reasoning: str, content: str, *, cut: bool) -> str:
    """Return the inline form of an answer whose reasoning is in a separate field.

    cut: the token limit ended the answer. Without content it is unknown if the thought was closed,
    so no closing tag is added: a cut answer is an open thought, and an answer that ended by itself
    is a plain answer that the server took for reasoning.
    """
    if content.strip():
        return join(reasoning.strip(), content.strip())
    return f"{OPEN}\n{reasoning.strip()}" if cut else reasoning.strip()


def _fault_of_tags(tags: list[str]) -> str:
    if not tags:
        return "missing_think"
    if CLOSE not in tags:
        return "unclosed_think"
    return "orphan_close" if tags[0] == CLOSE else "repeated_think"


def _fault_of_parts(before: str, think: str, answer: str) -> str | None:
    if before:
        return "text_before_think"
    if not think:
        return "empty_think"
    return None if answer else "empty_answer"


class _Message(NamedTuple):
    channel: str
    text: str
    closed: bool


def _messages(text: str) -> list[_Message]:
    """Return the assistant's messages of the last turn.

    Text before the first token is a message without a channel.
    """
    before, *pieces = _TOKEN.split(text)
    found = [_Message("", before, closed=True)] if before.strip() not in {"", "assistant"} else []
    role, channel = "assistant", ""
    for place, (token, piece) in enumerate(zip(pieces[::2], pieces[1::2], strict=True)):
        if token == "start":
            role, channel = piece.strip(), ""
            found = [] if role == "user" else found
        elif token == "channel":
            channel = piece.strip()
        elif token == "message" and role == "assistant" and channel in {"analysis", "final"}:
            found.append(_Message(channel, piece.strip(), closed=2 * place + 2 < len(pieces)))
    return found if any(one.channel for one in found) else []


def _bare_messages(text: str) -> list[_Message]:
    text = text.lstrip()
    if not text.startswith("analysis") or "assistantfinal" not in text:
        return []
    _, *pieces = _BARE.split(f"assistant{text}")
    said = zip(pieces[::2], pieces[1::2], strict=True)
    return [
        _Message(channel, piece.strip(), closed=True)
        for channel, piece in said
        if not piece.startswith(" to=")
    ]


def _fault_of_channels(messages: list[_Message], think: str, answer: str) -> str | None:
    channels = [one.channel for one in messages]
    if not channels[0]:
        return "text_before_think"
    if "analysis" not in channels:
        return "missing_think"
    if "final" not in channels:
        return "empty_answer" if messages[-1].closed else "unclosed_think"
    if "analysis" in channels[channels.index("final") :]:
        return "repeated_think"
    return _fault_of_parts("", think, answer)
