"""Every way the mill can fail: an error is Transient (try again) or Terminal (trying again cannot
help).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Losses:
    """What became of the rows of a stage that publishes nothing. rejects: the file of its rejected
    rows.
    """

    stage: str
    rows_in: int
    rows_out: int
    rejected: Mapping[str, int]
    rejects: Path


class MillError(Exception):
    """A failure named in the mill's own words: what was seen, what was due, what to do.

    losses: the rows of the stage that failed, where it had made some.
    """

    losses: Losses | None = None


class Transient(MillError):
    """Another attempt may succeed; Prefect retries it."""


class EngineLost(Transient):
    """An inference engine died more often than its placement allows."""


class RayNotStarted(Transient):
    """Ray did not start here, or the cluster could not be joined; a loaded machine is most often
    why.
    """


class EndpointUnreachable(Transient):
    """An OpenAI-compatible endpoint did not answer within the allowed attempts."""


class TrainerLost(Transient):
    """The training process died; the next attempt goes on from its last checkpoint."""


class JudgeLost(Transient):
    """A process that judges traces was killed, as it is when memory runs out."""


class ServerUnreachable(Transient):
    """The Prefect server did not answer where its word is needed, as for a turn on the GPU."""


class StoreUnreachable(Transient):
    """The store could not be read or written (disk full, mount gone)."""


class Terminal(MillError):
    """The same inputs will fail again; somebody has to change something."""


class BadRecipe(Terminal):
    """A recipe that does not parse or does not validate."""


class BadSetting(Terminal):
    """An option of the service that cannot be taken."""


class ServiceDown(Terminal):
    """The local Prefect, or a part of it, is not there or will not start."""


class UnknownName(Terminal):
    """A name that nothing carries; the message lists the known ones."""


class SchemaMismatch(Terminal):
    """A table whose columns, types or nulls are not what its schema says."""


class UnreadableFile(Terminal):
    """A file that holds no rows we can read; the message says where and why."""


class EmptyTable(Terminal):
    """A stage that would hand nothing on."""


class PlanOverdrawn(Terminal):
    """A family asked for more rows than it can make without repeating itself."""


class RenderBroken(Terminal):
    """Rows that, as token ids, would not teach what they say."""


class BaseMoved(Terminal):
    """A training or a merge that changed what it must leave alone."""


class GateBroken(Terminal):
    """A corpus-level finding that must stop the line."""


class SuiteFailed(Terminal):
    """The corpus does not meet its expectations."""


class UnguardedScript(Terminal):
    """A script calls the mill outside of `if __name__ == "__main__":`, so worker processes would
    run it again.
    """


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """Return the error for a name nobody knows, listing the names that are known."""
    return UnknownName(f"unknown {kind} {name!r}; known: {', '.join(sorted(known))}")
