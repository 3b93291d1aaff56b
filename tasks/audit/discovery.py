"""Multiple testing: which of many p-values to accept."""

import numpy as np
from numpy.typing import NDArray

from tasks.audit.tokens import Flags

Reals = NDArray[np.float64]


def false_discovery(p: Reals, *, level: float, tests: int | None = None) -> Flags:
    """Return (tests,) which p-values the step-up procedure of Benjamini and Hochberg (1995)
    rejects.

    level: the false discovery rate. tests: total number of tests, if more than those given.
    """
    order = np.argsort(p, kind="stable")
    total = max(tests or len(p), len(p), 1)
    passing = np.flatnonzero(p[order] <= level * np.arange(1, len(p) + 1) / total)
    rejected = np.zeros(len(p), bool)
    rejected[order[: passing[-1] + 1 if len(passing) else 0]] = True
    return rejected
