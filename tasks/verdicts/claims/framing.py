"""Words that frame an answer: they say what kind of thing it is, and how it is told."""

from functools import lru_cache

from tasks.verdicts.claims.support import content
from tasks.verdicts.claims.tokens import stem

FRAMING = frozenset(
    map(
        stem,
        """pay pays paid paying payment payable charge fee cost costs amount sum price total
        owe owes owed come comes fall falls lie lies rest rests due bear bears borne make
        makes made set sets stand stands date dated day period time limit deadline term
        duration long last lasts run runs take takes decide decides decision decisions
        decided competent responsible matter matters case person party rule rules provision
        govern governs governed regulate regulated cover covers covered deal deals dealt
        treat treated concern concerned apply applies forbid forbids forbidden prohibit
        prohibits prohibited prohibition allow allowed permit permitted ban banned result
        results follow follows consequence happen happens ignore ignored break broken need
        needs needed require requires required have one name names named mention mentions
        mentioned state states stated provide provides provided give gives given tell tells
        read reads find found know answer answers question ask asks asked reason source cite
        cites cited rest here there span laid lay lays down put puts reckon settle settled
        speak speaks hand hands belong belongs up fix fixed fixes doing do place look taken
        given held done got fallen handbook manual guide regulation regulations document
        text edition statute bylaws wording passage way""".split(),
    )
)
"""Stems of words like "charge", "comes to", "lies with": many true answers add them of their own.
"""


@lru_cache(maxsize=8192)
def matter(text: str) -> frozenset[str]:
    """Return the stems of what a text says, without the words that only frame it.

    >>> sorted(matter("The charge comes to 40 credits, and it falls on the tenant."))
    ['40', 'and', 'credit', 'tenant']
    """
    return content(text) - FRAMING
