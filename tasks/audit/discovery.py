"""Which of many tests to believe."""

import numpy as np
from numpy.typing import NDArray

from tasks.audit.tokens import Flags

Reals = NDArray[np.float64]


def false_discovery(p: Reals, *, level: float, tests: int | None = None) -> Flags:
    """Return which p-values Benjamini and Hochberg's (1995) step-up procedure rejects at the level;
    tests: how many there were, if more than shown.
    """
    order = np.argsort(p, kind="stable")
    passing = np.flatnonzero(
        p[order] <= level * np.arange(1, len(p) + 1) / max(tests or len(p), len(p), 1)
    )
    rejected = np.zeros(len(p), bool)
    rejected[order[: passing[-1] + 1 if len(passing) else 0]] = True
    return rejected
