"""The thresholds at which a recurring stretch counts as a stamp. "Edge" means the start or the end
of the texts.
"""

MIN_ROWS = 10
"""Fewest rows of a stretch at the edge."""
MIN_INSIDE = 12
"""Fewest rows of a stretch that only its shape proves."""
BITS = 8.0
"""Smallest rarity of the words, in bits, if the texts without the stretch can be compared."""
SHAPE_BITS = 14.0
"""Smallest rarity of the words, in bits, if only the shape of the stretch proves it."""
SUSPECT_BITS = 16.0
"""Smallest rarity of the words, in bits, if too few other rows are left for a comparison."""
FIXED_BITS = 6.0
"""Smallest rarity of the words that all rows share, in bits. A form of common words only would be
found in other rows too.
"""
ONCE = 1.1
"""Largest mean number of times that a row holds the beginning of a stretch."""
ONCE_INSIDE = 1.04
"""The same for a stretch inside the texts."""
LIKE_OTHERS = 0.75
"""How closely texts without the stretch must resemble the other texts; 1 is as closely as these
resemble one another.
"""
LIKE_OTHERS_INSIDE = 0.55
"""The same for a stretch inside the texts, whose shape is tested too."""
CLOSED = 0.93
"""How far the rows must agree on the tokens from the first to the last."""
WHOLE = 0.85
"""Share of the rows in which a sentence must begin after the stretch."""
BRANCH_TOKENS = 3
"""Number of first tokens that make two sentences begin alike."""
BRANCHES = 1.5
"""Largest number of rows with a sentence that begins like the stretch, as a multiple of its rows.
"""
OF_THE_PROMPT = 0.5
"""Largest share of the tokens after a stretch that may come from prompt and answer."""
LONGEST_TAIL = 12
"""Number of tokens after a stretch that are examined."""
SAME_TURN = 0.6
"""Largest share of the rows in which an inside stretch may have the same sentence number, if only
its shape proves it.
"""
MAX_VALUES = 40
"""Most different words of a slot that count among the words of the stretch."""
MAX_LAYERS = 4
"""Number of times that stamps at the start are removed and the rest is tested again."""
MAX_LIKE_IT = 12
"""Most other complete sentences that may recur inside the texts half as often as the stretch."""
NEARLY_ALL = 0.9
"""Share of the rows from which on a stretch may leave too few others for a comparison."""
SAME_PLACE = 0.9
"""Share of the rows in which a stretch must stand at one edge, to count as a stretch at this
edge.
"""
