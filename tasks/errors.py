"""All errors of the mill: Transient (another attempt can succeed) or Terminal (it cannot)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Losses:
    """The rows of a stage that published no table.

    rejected: number of rows by reason. rejects: the file with the rejected rows.
    """

    stage: str
    rows_in: int
    rows_out: int
    rejected: Mapping[str, int]
    rejects: Path


class MillError(Exception):
    """A failure with a message for the user: what was found, what was expected, what to do.

    losses: the rows of the stage that failed, None if it had no rows.
    """

    losses: Losses | None = None


class Transient(MillError):
    """An error after which another attempt can succeed; Prefect retries the task."""


class EngineLost(Transient):
    """An engine died more often than `restarts` of its placement allows."""


class RayNotStarted(Transient):
    """Ray did not start, or a cluster could not be joined; mostly because of a loaded machine."""


class EndpointUnreachable(Transient):
    """An OpenAI-compatible endpoint did not answer in the allowed number of attempts."""


class TrainerLost(Transient):
    """The training process died; the next attempt resumes from its last checkpoint."""


class JudgeLost(Transient):
    """A process that judges traces was killed, for example because memory ran out."""


class ServerUnreachable(Transient):
    """The Prefect server did not answer a request that a stage needs, such as for a GPU slot."""


class StoreUnreachable(Transient):
    """The store could not be read or written (disk full, mount lost)."""


class Terminal(MillError):
    """An error that the same inputs will raise again; somebody has to change something."""


class BadRecipe(Terminal):
    """A recipe cannot be parsed, or one of its settings is not valid."""


class BadSetting(Terminal):
    """An option of the service is not valid."""


class ServiceDown(Terminal):
    """The local Prefect service, or a part of it, is not running or does not start."""


class UnknownName(Terminal):
    """A name is unknown; the message lists the known names."""


class SchemaMismatch(Terminal):
    """A table's columns, types or nulls do not match its schema."""


class UnreadableFile(Terminal):
    """A file cannot be read as rows; the message says where and why."""


class EmptyTable(Terminal):
    """A stage accepted no rows."""


class ChainDry(Terminal):
    """A step of a chain kept no item; the message says which test removed how many."""


class PlanOverdrawn(Terminal):
    """A family needs more rows than it can make without repetition."""


class RenderBroken(Terminal):
    """Rows would not be learnt as they read, because of the token ids they become."""


class BaseMoved(Terminal):
    """A training or a merge changed weights that must not change."""


class GateBroken(Terminal):
    """A finding about the whole corpus stops the build."""


class SuiteFailed(Terminal):
    """The corpus fails its suite of expectations."""


class UnguardedScript(Terminal):
    """A script calls the mill outside `if __name__ == "__main__":`; its workers would rerun it."""


def reasons_told(counts: Mapping[str, int]) -> str:
    """Return reasons and their numbers of rows as text, the largest number first.

    >>> reasons_told({"loop": 2, "cut_answer": 1500})
    '1,500 cut_answer, 2 loop'
    """
    largest = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{rows:,} {reason}" for reason, rows in largest) or "none"


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """Return the error for an unknown name; its message lists the known names.

    >>> print(unknown_name("gate", "lenght", ["length", "fluency"]))
    unknown gate 'lenght'; known: fluency, length
    """
    return UnknownName(f"unknown {kind} {name!r}; known: {', '.join(sorted(known))}")
