"""Statistical power: the fewest rows in which a stamp is found, and so what the verdict "clean"
means for a corpus of a given size.
"""

import math
from typing import NamedTuple

from tasks.audit.concentration import LEVEL, SURE
from tasks.audit.concentration import MIN_ROWS as MIN_CONCENTRATED
from tasks.audit.contrast import MIN_OTHERS
from tasks.audit.thresholds import MIN_INSIDE
from tasks.audit.thresholds import MIN_ROWS as MIN_EDGE

NGRAMS_PER_ROW = 100
"""Estimated number of n-grams of a row that no other row holds. Each row adds so many tests."""


class Power(NamedTuple):
    """The numbers of rows at which an audit finds a stamp.

    edge: fewest rows for a stamp at the start or end of think blocks. inside: fewest rows for a
    stamp within them. compared: fewest rows in which the comparison with the baseline finds it;
    None without a baseline. most: most rows for which enough other rows are left as a proof, beyond
    which a stamp is only suspect; None with a baseline.
    """

    edge: int
    inside: int
    compared: int | None
    most: int | None

    def in_words(self, rows: int) -> str:
        """Return the same in one or two sentences. rows: size of the corpus."""
        edge, inside = self.edge, self.inside
        if self.compared is not None:
            edge, inside = min(edge, self.compared), min(inside, self.compared)
        if edge > rows:
            return (
                f"This corpus has {rows:,} rows. A stamp is found only if at least {edge:,} rows "
                "hold it, so no stamp can be found here."
            )
        few = f"A stamp in fewer than {edge:,} of {rows:,} rows is not found"
        few += f" (in fewer than {inside:,} if it stands in the middle)." if inside > edge else "."
        if self.most is None:
            return few
        return (
            f"{few} Without a baseline, a stamp in more than {self.most:,} rows cannot be proved: "
            "it is reported as suspect."
        )


def power(rows: int, baseline_rows: int | None) -> Power:
    """Return what an audit of so many rows can find. baseline_rows: None without a baseline."""
    compared = fewest_stamped(rows, baseline_rows) if baseline_rows else None
    most = None if baseline_rows else max(rows - MIN_OTHERS, 0)
    return Power(MIN_EDGE, MIN_INSIDE, compared, most)


def fewest_stamped(rows: int, control_rows: int) -> int:
    """Return the fewest rows in which one form is found by comparison with a baseline of control
    rows.

    A result above `rows` means that this baseline is too small to find any form. A form that no
    control row holds is significant from c rows on, if (rows / (rows + control_rows)) ** c is below
    the level divided by the number of n-grams tested. Its rate must also be far above the rates
    that a control arm of this size can exclude.
    """
    if not control_rows:
        return rows + 1
    share = rows / (rows + control_rows)
    tests = NGRAMS_PER_ROW * max(rows, 1)
    significant = math.log(LEVEL / tests) / math.log(share) if share < 1 else math.inf
    excluded = rows * 0.5 / (control_rows + 1) / (1 - SURE[-1])
    return max(MIN_CONCENTRATED, math.ceil(significant), math.ceil(excluded))
