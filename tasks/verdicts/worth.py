"""What the gates are worth: planted faults in rows that passed, and how many of them the gates
find.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import pyarrow as pa

from tasks import rows
from tasks.spec import digest
from tasks.store import Made
from tasks.verdicts.case import FAILED, Case
from tasks.verdicts.faults import FAULTS, planted
from tasks.verdicts.gates import VerdictSpec, cases_of, judge_shard, on_all_cores

SEED = 0
OTHERS = 200
"""Rows of a family that lend a spoilt row its names, values and answers."""


class Spoilt(NamedTuple):
    """A row with a planted fault."""

    family: str
    fault: str
    case: Case


def gates_table(
    traces: Iterable[pa.RecordBatch],
    prompts: pa.Table,
    passages: pa.Table,
    questions: pa.Table,
    verdicts: pa.Table,
    spec: VerdictSpec,
) -> Made:
    """Return GATE_CHECKS: how many planted faults of every kind the gates find, family by family.

    The rows are a sample of those that passed; a fault counts as found when any gate fails the row.
    """
    failed = set(verdicts.filter(pa.compute.field("state") == FAILED)["trace_id"].to_pylist())
    cases = cases_of(traces, prompts, passages, questions, {})
    passing = (case for case in cases if case.trace_id not in failed)
    sample = drawn(passing, seed=SEED, most=max(OTHERS, spec.plants))
    spoilt = list(plant(sample, count=spec.plants))
    families = frozenset(prompts["family"].to_pylist())
    work = partial(judge_shard, spec=spec, families=families)
    judged = on_all_cores(work, (one.case for one in spoilt), len(spoilt))
    found = [any(one.failed for one in verdicts) for shard in judged for verdicts in shard]
    table = rows.table_of(list(_counted(spoilt, found)), rows.GATE_CHECKS)
    return Made(
        {"gate_checks": table},
        rows.GATE_CHECKS,
        rows.rejected([]),
        rows_in=sample.rows,
        rows_out=sample.rows,
        may_be_empty=True,
    )


class Sample(NamedTuple):
    """Rows drawn from each family, in the order of the draw. rows: of how many they were drawn."""

    rows: int
    by_family: dict[str, list[Case]]


def drawn(cases: Iterable[Case], *, seed: int, most: int = OTHERS) -> Sample:
    """Return up to so many rows of every family; the same ones whatever the order of the rows.

    No more than twice as many are held at a time.
    """
    kept: dict[str, list[tuple[str, Case]]] = {}
    seen = 0
    for case in cases:
        seen += 1
        own = kept.setdefault(case.family, [])
        own.append((digest(str(seed), "worth", case.trace_id), case))
        if len(own) >= 2 * most:
            own[:] = _first(own, most)
    by_family = {family: [case for _, case in _first(own, most)] for family, own in kept.items()}
    return Sample(seen, by_family)


def _first(own: list[tuple[str, Case]], most: int) -> list[tuple[str, Case]]:
    return sorted(own, key=lambda one: one[0])[:most]


def plant(sample: Sample, *, count: int, seed: int = SEED) -> Iterator[Spoilt]:
    """Yield every fault in up to so many rows of every family."""
    for family, own in sorted(sample.by_family.items()):
        for fault in FAULTS:
            for case in own[:count]:
                made = planted(case, own[:OTHERS], fault, seed=seed)
                if made is not None:
                    yield Spoilt(family, fault, made)


def _counted(spoilt: Sequence[Spoilt], found: Iterable[bool]) -> Iterator[dict[str, str | int]]:
    planted_of = Counter((one.family, one.fault) for one in spoilt)
    found_of = Counter(
        (one.family, one.fault) for one, hit in zip(spoilt, found, strict=True) if hit
    )
    for (family, fault), number in sorted(planted_of.items()):
        yield {
            "family": family,
            "fault": fault,
            "planted": number,
            "found": found_of[family, fault],
        }
