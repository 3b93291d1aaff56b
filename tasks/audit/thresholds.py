"""From where on a stretch that recurs counts as a stamp: every number that the ruling uses."""

LEAST_ROWS = 10
"""Rows below which a stretch at the edge of its texts is not looked at."""
LEAST_INSIDE = 12
"""Rows below which one that only its shape speaks for is not."""
BITS, SHAPE_BITS, SUSPECT_BITS = 8.0, 14.0, 16.0
"""How foreign the words must be, in bits: where its removal tells, where only its shape does, where
nothing is left to compare with.
"""
FIXED_BITS = 6.0
"""How foreign the words that all rows share must be, in bits: a form of usual words alone would be
found in other rows.
"""
ONCE, ONCE_INSIDE = 1.1, 1.04
"""Times that a row may hold the beginning of a stretch, on average, at the edge of its texts and
inside.
"""
LIKE_OTHERS, LIKE_OTHERS_INSIDE = 0.75, 0.55
"""How near to the other texts a text must come without the stretch: 1 is as near as they are to one
another. Inside, its shape must speak for it too.
"""
CLOSED, WHOLE = 0.93, 0.85
"""How far the rows must agree from its first token to its last, and in how many of them a sentence
begins behind it.
"""
BRANCH_TOKENS, BRANCHES = 3, 1.5
"""Tokens with which sentences begin alike, and how many times the rows of a stretch may begin so.
"""
OF_THE_PROMPT, LONGEST_TAIL = 0.5, 12
"""Share of the tokens behind a stretch that prompt and answer may hold, and how many tokens are
asked.
"""
SAME_TURN = 0.6
"""Share of the rows in which a sentence inside of the texts may have the same turn, for its shape
to speak for it.
"""
MOST_VALUES = 40
"""Different words that a slot may take, for them to count among a stretch's words."""
MOST_LAYERS = 4
"""How often what leads the texts is taken off, and the rest judged anew."""
MOST_LIKE_IT = 12
"""Other whole sentences that may recur inside of the texts half as often, for one to count."""
NEARLY_ALL = 0.9
"""Share of the rows from which on a stretch may leave nothing to compare with."""
SAME_PLACE = 0.9
"""Share of the rows in which a stretch stands at one edge, for that to be its place."""
