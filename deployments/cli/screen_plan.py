"""The terminal output of `tracemill plan`: ten prompts, numbers of the build, warnings."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from flows.plan.cost import Cost
from flows.plan.fault import Fault, percent
from flows.plan.plan import Outlook, Sample
from flows.plan.supply import Supply
from flows.plan.window import Lengths
from flows.recipes.lines import Origin
from tasks.measure.budget import duration
from tasks.ngrams import plain_text

WHOLE = 900
"""Characters up to which a prompt is shown as a whole."""
HEAD = 500
"""Characters shown from the start of a longer prompt."""
TAIL = 250
"""Characters shown from the end of a longer prompt."""


def show_plan(found: Outlook, origin: Origin, console: Console | None = None) -> None:
    """Print the prompts, the numbers and the warnings of a plan, without the faults."""
    console = console or Console()
    for number, sample in enumerate(found.samples, 1):
        _prompt(console, number, len(found.samples), sample)
    if found.samples:
        console.rule("plan", align="left")
    for name, says in _lines(found):
        console.print(Text(f"{name:12} {says}"), soft_wrap=True)
    show_warnings(found.faults, origin, console)


def show_warnings(faults: Iterable[Fault], origin: Origin, console: Console) -> None:
    """Print every warning with its place."""
    for fault in faults:
        if not fault.stops:
            console.print(
                Text(f"{'warning':12} {origin.placed(fault.where, fault.says)}"), soft_wrap=True
            )


def summary_of(found: Outlook) -> str:
    """Return one sentence about the size of the build."""
    if not found.supply or not found.cost:
        return "nothing was read"
    unread = ", some sources are not read yet" if found.supply.unread else ""
    return (
        f"documents {found.supply.documents:,}, passages {len(found.supply.passages):,}{unread}; "
        f"prompts {found.cost.prompts + found.cost.control:,}, "
        f"requests {found.cost.requests:,}; "
        f"time {_time(found.cost)}"
    )


def _prompt(console: Console, number: int, of: int, sample: Sample) -> None:
    console.rule(
        Text(f"prompt {number} of {of}: {sample.family}, {sample.tokens:,} tokens"), align="left"
    )
    for message in sample.messages:
        if message["role"] != "user":
            console.print(Text(f"{message['role']}:"))
        console.print(Text(shortened(plain_text(message["content"]))), soft_wrap=True)


def shortened(text: str) -> str:
    """Return a text; a long one without its middle."""
    if len(text) <= WHOLE:
        return text
    left_out = len(text) - HEAD - TAIL
    return f"{text[:HEAD]} […{left_out:,} characters…] {text[-TAIL:]}"


def _lines(found: Outlook) -> Iterable[tuple[str, str]]:
    if found.supply:
        yield from _supply(found.supply)
    if found.lengths and found.lengths.counted:
        yield "tokens", _tokens(found.lengths)
    if found.cost:
        yield from _cost(found.cost)


def _supply(supply: Supply) -> Iterable[tuple[str, str]]:
    yield (
        "sources",
        (
            f"{supply.documents:,} documents, {len(supply.passages):,} passages, "
            f"{len(supply.questions):,} questions ({len(supply.answered):,} with a known answer)"
        ),
    )
    for one in supply.unread:
        yield "not read", f"{one.path}: {one.reason}; its {one.category!r} is not counted"
    if supply.passages and not supply.exact:
        yield (
            "neighbours",
            (
                "these samples show the passages that follow in the document; "
                "the build shows the most similar ones"
            ),
        )


def _tokens(found: Lengths) -> str:
    sampled = "" if found.counted == found.of else f" ({found.counted:,} of {found.of:,} counted)"
    return (
        f"prompts have {found.median:,} tokens at the median, {found.longest:,} at most, "
        f"{found.how}{sampled}; the window has room for {found.room:,}, "
        f"so {percent(found.share)} are too long (prompt_too_long)"
    )


def _cost(found: Cost) -> Iterable[tuple[str, str]]:
    for name, one in found.chains.items():
        yield (
            "chain",
            (
                f"{name}: at most {one.calls:,} calls and {one.tokens:,} tokens, for at most "
                f"{one.questions:,} questions"
            ),
        )
    yield (
        "requests",
        (
            f"{found.requests:,}: {found.prompts:,} prompts and {found.control:,} control prompts, "
            f"{found.requests // max(1, found.prompts + found.control)} answers each"
        ),
    )
    yield "time", _time(found)
    yield "disk", f"about {_size(found.disk)}; {_size(found.free)} are free"


def _time(found: Cost) -> str:
    if found.speed is None or found.hours is None:
        return (
            "not known, because no measurement of this teacher is in the store; "
            "`tracemill measure` makes one"
        )
    speed = found.speed
    return (
        f"{duration(found.hours)} for the traces at {speed.tokens_per_second:,.0f} tokens/s and "
        f"{speed.per_trace:,.0f} tokens per answer, measured on {speed.hardware}"
    )


def _size(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.0f} MiB"
