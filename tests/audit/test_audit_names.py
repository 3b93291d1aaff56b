"""Names of rows in texts: found in many texts at once, as a regular expression finds them in one."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.audit.names import NAME, names_in

PIECES = st.sampled_from(
    ["a", "Z", "-", "_", "0", "9", "é", "٣", "漢", " ", ".", "\n", "—", "row-12"]
)
TEXTS = st.lists(st.lists(PIECES, max_size=30).map("".join), max_size=8)


@settings(deadline=None)
@given(TEXTS, st.integers(0, 3))
def test_the_names_of_many_texts_are_those_of_each(texts: list[str], skipped: int) -> None:
    array = pa.array(texts, pa.string()).slice(skipped)
    wanted = {place: NAME.findall(text) for place, text in enumerate(texts[skipped:])}
    assert dict(names_in(array)) == {place: names for place, names in wanted.items() if names}
