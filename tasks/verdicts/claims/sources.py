"""What may be quoted: the passages shown, or the numbered lines of a prompt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from tasks.ngrams import ngrams
from tasks.verdicts.case import Passage
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.tokens import Tokens, normed, tokens

_LINE = re.compile(
    r"^(?:\[(?P<bracketed>[^\[\]\n]{1,80})\]|(?P<named>[A-Z][a-z]{2,20}):)[ \t]+(?P<text>\S.*)$",
    re.MULTILINE,
)
"""A line of a prompt with a label of its own: "[2] The fee …", "Rule: A claim …"."""
Gram = tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A text that may be quoted. label: how it is cited. whole: its heading and its text."""

    label: str
    heading: str
    whole: str

    @classmethod
    @lru_cache(maxsize=1024)
    def of(cls, label: str, heading: str, text: str) -> "Source":
        """Return the source of a passage or of a whole prompt (no label, no heading)."""
        return cls(label, heading, f"{heading}. {text}" if heading else text)

    @cached_property
    def tokens(self) -> Tokens:
        """Its tokens in order."""
        return tokens(self.whole)

    @cached_property
    def norms(self) -> tuple[str, ...]:
        """What its tokens are compared by."""
        return normed(self.whole)

    @cached_property
    def sentences(self) -> list[tuple[str, ...]]:
        """The tokens of each sentence."""
        return [normed(one.text) for one in sentences(self.whole)]

    @cached_property
    def _spelt(self) -> str:
        return f" {' '.join(self.norms)} "

    @cached_property
    def _grams_by_size(self) -> dict[int, frozenset[Gram]]:
        return {}

    def holds(self, wanted: Sequence[str]) -> bool:
        """Return whether these tokens stand in it, in a row."""
        return f" {' '.join(wanted)} " in self._spelt

    def pauses_after(self, wanted: tuple[str, ...]) -> bool:
        """Return whether these tokens stand in it with a comma or a stop behind them."""
        if not wanted or not self.holds(wanted):
            return False
        size = len(wanted)
        return any(
            self.norms[end - size : end] == wanted
            and self.whole[self.tokens[end - 1].end :][:1] in (*",;:.!?", "")
            for end in range(size, len(self.norms) + 1)
        )

    def shared_places(self, n: int, wanted: Sequence[Gram]) -> dict[Gram, list[int]]:
        """Return the wanted n-grams that it has, each with the places where it begins."""
        shared = self._grams(n).intersection(wanted)
        found: dict[Gram, list[int]] = {}
        if shared:
            for place, gram in enumerate(ngrams(self.norms, n)):
                if gram in shared:
                    found.setdefault(gram, []).append(place)
        return found

    def _grams(self, n: int) -> frozenset[Gram]:
        if n not in self._grams_by_size:
            self._grams_by_size[n] = frozenset(ngrams(self.norms, n))
        return self._grams_by_size[n]

    @cached_property
    def label_norms(self) -> tuple[str, ...]:
        """The tokens of its label."""
        return normed(self.label)

    @cached_property
    def heading_norms(self) -> tuple[str, ...]:
        """The tokens of its heading."""
        return normed(self.heading)


def sources_of(prompt: str, passages: Sequence[Passage]) -> tuple[Source, ...]:
    """Return the passages as sources; without passages, the prompt's lines that carry a label."""
    if passages:
        return tuple(Source.of(one.section, one.heading, one.text) for one in passages)
    return tuple(
        Source.of(found["bracketed"] or found["named"], "", found["text"])
        for found in _LINE.finditer(prompt)
    )
