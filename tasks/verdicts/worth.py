"""What the gates are worth: planted faults in rows that passed, and how many of them the gates
find.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from tasks import rows
from tasks.spec import digest
from tasks.store import Made
from tasks.verdicts.case import FAILED, Case
from tasks.verdicts.faults import FAULTS, planted
from tasks.verdicts.gates import VerdictSpec, cases_of, judged

OTHERS = 200
"""Rows of a family that lend a spoilt row its names, values and answers."""


class Spoilt(NamedTuple):
    """A row with a planted fault."""

    family: str
    fault: str
    case: Case


def gates_table(
    traces: pa.Table,
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
    passing = [case for case in cases if case.trace_id not in failed]
    families = frozenset(prompts["family"].to_pylist())
    spoilt = list(plant(passing, count=spec.plants, seed=0))
    found = [
        any(one.failed for one in several)
        for several in judged([one.case for one in spoilt], spec, families)
    ]
    table = rows.table_of(list(_counted(spoilt, found)), rows.GATE_CHECKS)
    return Made(
        {"gate_checks": table},
        rows.GATE_CHECKS,
        rows.rejected([]),
        rows_in=len(passing),
        rows_out=len(passing),
        may_be_empty=True,
    )


def plant(cases: Sequence[Case], *, count: int, seed: int) -> Iterator[Spoilt]:
    """Yield every fault in up to so many rows of every family; the same ones whatever the order of
    the rows.
    """
    by_family: dict[str, list[Case]] = {}
    for case in sorted(cases, key=lambda one: digest(str(seed), "worth", one.trace_id)):
        by_family.setdefault(case.family, []).append(case)
    for family, own in sorted(by_family.items()):
        for fault in FAULTS:
            for case in own[:count]:
                made = planted(case, own[:OTHERS], fault, seed=seed)
                if made is not None:
                    yield Spoilt(family, fault, made)


def _counted(spoilt: Sequence[Spoilt], found: Iterable[bool]) -> Iterator[dict[str, object]]:
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
