"""What the gates are worth: planted faults found, kind by kind, and sound rows rejected.

`python -m tests.bench.gates [--rows 600] [--seed 1] [--built ROOT | --written]`. Without --built
the rows are free prose about handbooks of five trades (`gate_world`), in another style than the
pocket teacher's. --built ROOT takes the rows of the newest corpus below ROOT: faults are planted in
its accepted rows.

--written takes forty rows that were written by hand, with faults planted by hand.

| kinds of faults | recall |
|---|---|
| number, name, section, quotation, fragment, copied line | ≥ .95 each |
| every other | ≥ .80 |
| sound rows rejected | ≤ 2 % |
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tasks.store import tables
from tasks.verdicts.case import Case, Verdict
from tasks.verdicts.gates import VerdictSpec, cases_of, judge_case
from tasks.verdicts.structure import StructureSpec
from tasks.verdicts.worth import OTHERS, drawn, plant
from tests.bench.gate_world.prose import prose_rows
from tests.bench.gate_world.written import written_rows

SPEC = VerdictSpec(structure=StructureSpec(think_min=20))
STRICT = frozenset(
    """other_value off_by_one other_unit other_name other_section invented_section altered_quote
    half_sentence copied_line""".split()
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--built", type=Path)
    parser.add_argument("--written", action="store_true")
    options = parser.parse_args()
    if options.written:
        _measure_written()
        return
    rows = _built(options.built) if options.built else prose_rows(options.rows, seed=options.seed)
    sound = _sound(rows)
    planted, found = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    sample = drawn(sound, seed=options.seed, most=max(OTHERS, options.rows))
    for one in plant(sample, count=options.rows, seed=options.seed):
        planted[one.family, one.fault] += 1
        found[one.family, one.fault] += _first_fault(one.case) is not None
    for (family, fault), number in sorted(planted.items()):
        recall = found[family, fault] / number
        due = 0.95 if fault in STRICT else 0.80
        mark = "" if recall >= due else f"  below {due:.2f}"
        print(f"{family:20} {fault:20} {found[family, fault]:4} of {number:4}  {recall:.3f}{mark}")


def _measure_written() -> None:
    """Print the same measures of the rows that were written by hand."""
    made = list(written_rows())
    _sound([one.case for one in made])
    for kind in sorted({kind for one in made for kind in one.spoilt}):
        spoilt = [one.spoilt[kind] for one in made if kind in one.spoilt]
        found = sum(_first_fault(case) is not None for case in spoilt)
        print(f"written {kind:20} {found:4} of {len(spoilt):4}  {found / len(spoilt):.3f}")


def _sound(rows: Sequence[Case]) -> list[Case]:
    """Return the rows that pass, and say how many sound ones were rejected and for what."""
    faults = [(row, _first_fault(row)) for row in rows]
    rejected = Counter(one.reason for _, one in faults if one)
    lost = sum(rejected.values())
    print(f"sound rows rejected: {lost} of {len(rows)} ({lost / len(rows):.1%}) {dict(rejected)}")
    return [row for row, one in faults if one is None]


def _first_fault(case: Case) -> Verdict | None:
    return next((one for one in judge_case(case, SPEC, frozenset()) if one.failed), None)


def _built(root: Path) -> list[Case]:
    """Return the accepted rows of the newest corpus, each as the gates saw it."""
    corpus = tables(root, "corpus")[-1]
    kept = {row["trace_id"] for row in corpus.table.read(["provenance"])["provenance"].to_pylist()}
    read = {
        stage: next(
            one.table.read()
            for one in tables(root, stage)
            if one.table.digest == corpus.inputs[stage]
        )
        for stage in ("traces", "prompts", "passages", "questions")
    }
    cases = cases_of(
        read["traces"].to_batches(), read["prompts"], read["passages"], read["questions"], {}
    )
    return [case for case in cases if case.trace_id in kept]


if __name__ == "__main__":
    main()
