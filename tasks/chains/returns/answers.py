"""The answer inside a completion: without its thought, and without the words around it."""

import re
from collections.abc import Callable, Iterator, Sequence

from tasks import think
from tasks.chains.returns.parsed import Parsed, Unparsed

_CANNOT = (
    r"(?:can ?not|can['’]?t|am (?:unable|not able|not allowed) to|['’]m (?:unable|not able) to"
    r"|am not comfortable|['’]m not comfortable|will not|won['’]t|do(?: not|n['’]t) have)"
)
_HELP = (
    r"(?:help|assist|provid|answer|fulfil|comply|creat|generat|writ|produc|giv|do |do\b|engag"
    r"|continu|complet|access|see\b|view|read|brows|open|rewrit|rate|rating|scor|judg|evaluat"
    r"|determin|find|follow|the (?:ability|capability)|enough|personal|any (?:information|context))"
)
_REFUSAL = re.compile(
    r"(?:i(?:['’]?m| am)(?: (?:really|very|so|truly))? sorry|i apologi[sz]e|my apologies|sorry"
    r"|unfortunately|as an ai|as a language model|i\b)"
    rf"[^.!?\n]{{0,80}}?\b(?:i ?)?{_CANNOT} (?:\w+ ){{0,2}}?{_HELP}",
    re.IGNORECASE,
)
_MACHINE = re.compile(
    r"(?:(?:i(?:['’]?m| am) (?:really |very |so )?sorry|sorry|unfortunately|i apologi[sz]e)"
    r"[^.!?\n]{0,60}?\b(?:as|i['’]m|i am)|as|i['’]m(?: just)?|i am(?: just)?)"
    r" an? (?:ai|chatbot|(?:large )?language model|virtual assistant|computer program)\b",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"(?:i(?:['’]m| am) (?:very |so )?sorry|sorry|i can(?:not|['’]t)(?: do (?:that|this))?)[.!]*",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"(?:none|n/?a|nothing|null)[.!]*", re.IGNORECASE)
_FENCED = re.compile(r"\s*```[\w+-]*[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)
_BOLD = re.compile(r"(?<![\w*])\*\*(?=\S)(.+?)(?<=\S)\*\*(?![\w*])")
_ITALIC = re.compile(r"([*_])(?![\s*_])([^*_]+)(?<!\s)\1")
_QUOTES = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "`": "`"}
_OPENER = (
    r"(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|alright|great|no problem|got it"
    r"|happy to help|understood)"
)
_AHEAD = (
    r"(?:here(?:['’]s| is| are)|below (?:is|are)|the following|these are|let me"
    r"|i(?:['’]ve| have|['’]d| would|['’]ll| will| can))"
)
_PREAMBLES = (
    re.compile(rf"{_OPENER}\s*[.!,]*", re.IGNORECASE),
    re.compile(rf"{_OPENER}\b[^\n]*:", re.IGNORECASE),
    re.compile(rf"{_OPENER}[\s,.!]+{_AHEAD}\b[^\n]*[:.!]", re.IGNORECASE),
    re.compile(rf"{_AHEAD}\b[^\n]*:", re.IGNORECASE),
)
_CHATTER = re.compile(
    r"(?:please )?(?:let me know (?:if|whether|how)|feel free to"
    r"|(?:i )?hope (?:this|these|that|it)\b|is there anything else"
    r"|would you like me|do you (?:want|need) (?:me|more|any))",
    re.IGNORECASE,
)


def reading(text: str, read: Callable[[str], Parsed | Unparsed]) -> Parsed | Unparsed:
    """Return what `read` makes of the answer in a completion.

    An answer that cannot be read has the reason refusal if it refuses the task.
    """
    answer = answer_of(text)
    if isinstance(answer, Unparsed):
        return answer
    found = read(answer)
    return Unparsed("refusal") if isinstance(found, Unparsed) and refuses(answer) else found


def answer_of(text: str) -> str | Unparsed:
    """Return the answer of a completion, without the thought before it.

    >>> answer_of("<think>Two and two.</think>Four.")
    'Four.'
    >>> answer_of("<think>Two and")
    Unparsed(reason='unclosed_think')
    """
    parts = think.split_harmony(text) or think.split(text)
    answer, fault = parts.answer, parts.fault
    if fault == "orphan_close" and text.count(think.CLOSE) == 1 and think.OPEN not in text:
        # The chat template has put the opening tag into the prompt.
        answer, fault = text.partition(think.CLOSE)[2], None
    if fault not in {None, "missing_think", "empty_think", "empty_answer"}:
        return Unparsed(str(fault))
    if think.OPEN in answer or think.CLOSE in answer:
        return Unparsed("repeated_think")
    answer = answer.strip().strip("\ufeff\u200b").strip()
    return answer or Unparsed("empty")


def refuses(answer: str) -> bool:
    """Return whether an answer begins with a refusal.

    >>> refuses("I'm sorry, but I cannot help with that.")
    True
    >>> refuses("I cannot attend the meeting.")
    False
    """
    start = answer.lstrip("\"'“*_> ")[:300]
    forms = (_REFUSAL.match(start), _MACHINE.match(start), _SHORT.fullmatch(answer.strip()))
    return any(forms)


def is_nothing(text: str) -> bool:
    """Return whether a text says nothing: "None.", "N/A", "…"."""
    return not re.search(r"\w", text) or bool(_NOTHING.fullmatch(text.strip()))


def unfenced(answer: str) -> str:
    """Return the content of an answer that is one fenced block of code; else the answer."""
    found = _FENCED.fullmatch(answer)
    return found[1].strip() if found and "```" not in found[1] else answer


def plain(line: str) -> str:
    """Return a line without Markdown emphasis.

    >>> plain("**Question 1:** *What* is 2**3?")
    'Question 1: *What* is 2**3?'
    """
    line = _BOLD.sub(r"\1", line.strip()).strip()
    found = _ITALIC.fullmatch(line)
    return found[2] if found else line


def unquoted(text: str) -> str:
    """Return a text without the quotation marks around all of it.

    >>> unquoted('"Who pays?"')
    'Who pays?'
    >>> unquoted('"Fee" or "charge"')
    '"Fee" or "charge"'
    """
    if len(text) < 2 or _QUOTES.get(text[0]) != text[-1]:
        return text
    inside = text[1:-1]
    if text[0] in inside or text[-1] in inside.replace("n't", ""):
        return text
    return inside.strip() or text


def is_preamble(line: str) -> bool:
    """Return whether a line announces an answer and is no part of it.

    >>> is_preamble("Sure! Here are five questions:"), is_preamble("Who pays?")
    (True, False)
    """
    bare = plain(line)
    return any(form.fullmatch(bare) for form in _PREAMBLES)


def is_chatter(paragraph: str) -> bool:
    """Return whether a paragraph speaks to the asker after the answer.

    >>> is_chatter("Let me know if you need more questions!")
    True
    """
    return bool(_CHATTER.match(plain(paragraph)))


def parts_after(heads: Sequence[re.Match[str]], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Yield each head with the text between it and the next head, or the end."""
    ends = [*(head.start() for head in heads), len(text)]
    for head, end in zip(heads, ends[1:], strict=True):
        yield head, text[head.end() : end]


def paragraphs(text: str) -> list[str]:
    """Return the parts of a text between blank lines."""
    return [part.strip() for part in re.split(r"\n[ \t]*\n", text) if part.strip()]
