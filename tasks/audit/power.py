"""How few rows a stamp may hold and still be found: what "clean" says at a given size, and what it
does not.
"""

import math
from typing import NamedTuple

from tasks.audit.concentration import LEAST_ROWS as LEAST_CONCENTRATED
from tasks.audit.concentration import LEVEL, SURE
from tasks.audit.contrast import LEAST_OTHERS
from tasks.audit.thresholds import LEAST_INSIDE
from tasks.audit.thresholds import LEAST_ROWS as LEAST_EDGE

NGRAMS_PER_ROW = 100
"""n-grams of a row that no other row has too, about: each row brings as many tests."""


class Power(NamedTuple):
    """The sizes that an audit can tell, in rows.

    edge, inside: the fewest rows in which a stamp is found at the start or the end of the think
    blocks, and inside of them. compared: the fewest in which the baseline alone betrays it; None
    without a baseline. most: rows beyond which a stamp leaves too few others, and is only suspect;
    None where a baseline tells.
    """

    edge: int
    inside: int
    compared: int | None
    most: int | None

    def told(self, rows: int) -> str:
        """Return what a person should know of it, in two sentences."""
        edge, inside = self.edge, self.inside
        if self.compared is not None:
            edge, inside = min(edge, self.compared), min(inside, self.compared)
        if edge > rows:
            return f"With {rows:,} rows no stamp would be found: it takes at least {edge:,} rows that hold one."
        few = f"A stamp in fewer than {edge:,} of {rows:,} rows would not be found"
        few += f" (in fewer than {inside:,} if it stands in the middle)." if inside > edge else "."
        if self.most is None:
            return few
        return (
            f"{few} Without a baseline, a stamp in more than {self.most:,} rows cannot be proved: "
            "it is reported as suspect."
        )


def power(rows: int, baseline_rows: int | None) -> Power:
    """Return what an audit of so many rows can tell, with a baseline or without (None)."""
    compared = fewest_stamped(rows, baseline_rows) if baseline_rows else None
    most = None if baseline_rows else max(rows - LEAST_OTHERS, 0)
    return Power(LEAST_EDGE, LEAST_INSIDE, compared, most)


def fewest_stamped(rows: int, control_rows: int) -> int:
    """Return in how many of so many rows one form must stand for a baseline of control rows to
    betray it.

    More than `rows` says that this control arm betrays no form. A form that no control row holds is
    significant from c rows on where (rows / (rows + control_rows)) ** c is below the level over all
    n-grams tested; and its rate must be far above what a control arm of this size can exclude.
    """
    if not control_rows:
        return rows + 1
    share = rows / (rows + control_rows)
    tests = NGRAMS_PER_ROW * max(rows, 1)
    significant = math.log(LEVEL / tests) / math.log(share) if share < 1 else math.inf
    excluded = rows * 0.5 / (control_rows + 1) / (1 - SURE[-1])
    return max(LEAST_CONCENTRATED, math.ceil(significant), math.ceil(excluded))
