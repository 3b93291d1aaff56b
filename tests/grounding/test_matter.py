"""Which passages of a manual no question is asked about, and how the rest is named."""

import pytest

from tasks import rows
from tasks.grounding.ground import GroundingSpec, ground
from tasks.grounding.text_kinds import KINDS
from tasks.sources.collect import documents
from tasks.sources.spec import DocumentSpec
from tasks.store import Made

RULE = "The office sends a notice to the applicant and waits for a reply before it decides."


def grounded(text: str, title: str = "The manual", **settings: object) -> Made:
    row = {
        "document_id": "d", "title": title, "text": text, "source": "s", "licence": "", "category": "general", "sha256": "0",
    }  # fmt: skip
    spec = GroundingSpec(min_words=3, neighbours=0, **settings)  # type: ignore[arg-type]
    return ground(rows.table_of([row], rows.DOCUMENTS), spec)


def rejected(made: Made) -> list[str]:
    return sorted(set(made.rejected["reason"].to_pylist()))


def sections(made: Made) -> list[str]:
    return made.parts["passages"]["section"].to_pylist()  # type: ignore[no-any-return]


CHANGES = "- #12: the fee table loads\n- Fixed a wrong date\n- Added oaths by letter\n- Removed the old form"
TERMS = (
    "Permission is hereby granted to copy the text. It comes without warranty of any kind, and "
    "the above copyright notice stays in every copy."
)
MATTER = {
    "navigation": "# Where to look\n\n- [Filing](a.md)\n- [Renewal of a case](b.md)\n- [Oaths](c.md)\n- [Appeals](d.md)",
    "contents": "# Overview of parts\n\nFiling a case ..... 3\nRenewal 12\nOaths and seals . . . 15\nAppeals 22\nRefunds 31",
    "index": "# Register\n\nappeal, 3, 12\nfee, 4\nfiling, 5–7, 19\noath, 8\nrefund of fees, 31",
    "changelog": f"# Since last year\n\n{CHANGES}",
    "licence_text": f"# Terms\n\n{TERMS}",
    "footnotes": "# Footnotes\n\n(1) The office decides how much that is.",
    "no_prose": "# Setup\n\n    case = new_case(12)\n    case.fee[3] = {'a': 1}\n    if case.fee: print(case)",
}


@pytest.mark.parametrize("kind", KINDS)
def test_matter_that_no_question_suits_is_rejected_by_its_name(kind: str) -> None:
    text = f"{MATTER[kind]}\n\n# Notices\n\n{RULE}"
    made = grounded(text)
    assert (rejected(made), sections(made)) == ([kind], ["Notices"])
    assert made.rows_in == 1 + made.rejected.num_rows
    kept = grounded(text, asked_all_the_same=[kind])
    assert (rejected(kept), len(sections(kept))) == ([], 2)


HEADED = {
    "changelog": ["Changelog", "Release 2.1 (May 3, 2019)", "Version 1.0.4 – 2020-02-01", "What's new in version 3.2", "Revision history"],
    "contents": ["Table of Contents", "List of figures"],
    "licence_text": ["GNU General Public License", "Appendix B. The MIT License"],
    "footnotes": ["Footnotes", "Endnotes"],
    "navigation": ["See also", "Related topics"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "heading"), [(kind, one) for kind, several in HEADED.items() for one in several]
)
def test_a_heading_gives_away_what_stands_below_it(kind: str, heading: str) -> None:
    said = "Filing of cases\nRenewals and refunds\nOaths" if kind == "contents" else RULE
    deeper = "" if kind == "navigation" else f"\n\n### Minor points\n\n{said} Again."
    made = grounded(f"# Part\n\n## {heading}\n\n{said}{deeper}\n\n## Notices\n\n{RULE}")
    assert (rejected(made), sections(made)) == ([kind], ["Notices"])


ASKED = [
    ("2.3 Revised fees of 2019", RULE), ("Changes", "An applicant who wants changes in a filed case writes to the examiner in time."),
    ("Index of protection", RULE), ("Licences of right", "The owner of a patent may declare that licences are open to all who pay."),
    ("Copyright", RULE), ("Contents of the application", RULE), ("History", RULE), ("Section 1.2. New matter", RULE),
    ("News of a hearing", RULE), ("Notes", RULE), ("Version control of drafts", RULE), ("Releases from duty", RULE),
    ("Steps", "1. Fill in the form.\n2. Add the fee of 40 credits.\n3. Remove the seal.\n4. Update the file in 30 days."),
]  # fmt: skip


@pytest.mark.parametrize(("heading", "text"), ASKED)
def test_a_rule_whose_heading_reads_like_such_matter_is_asked_about(
    heading: str, text: str
) -> None:
    made = grounded(f"# Part\n\n## {heading}\n\n{text}\n\n## Notices\n\n{RULE} Twice.")
    assert (rejected(made), len(sections(made))) == ([], 2)


def test_a_list_of_a_documents_own_headings_is_its_contents() -> None:
    listed = "Filing\nRenewal\nOaths\nAppeals of all kinds"
    body = "".join(f"\n\n# {line}\n\n{RULE} {line}." for line in listed.splitlines())
    made = grounded(f"{listed}{body}")
    assert (rejected(made), len(sections(made))) == (["contents"], 4)


def test_bare_version_numbers_over_many_sections_are_a_history() -> None:
    text = "".join(f"# {number}\n\n{RULE} {number}\n\n" for number in ("1.0.2", "1.1.0", "2.0.0"))
    assert rejected(grounded(text)) == ["changelog"]
    assert rejected(grounded(f"# 1.0.2\n\n{RULE}")) == []


def test_headings_that_many_sections_bear_are_told_apart_by_the_heading_above() -> None:
    text = (
        "# Sending\n\n## Options\n\nA letter may be sent by mail or by fax.\n\n# Paying\n\n## Options\n\nA fee is paid in cash or by card.\n\n"
        "## Receipts\n\nA receipt is sent for each fee.\n\n### 4.1 Due dates\n\nThey are printed on it.\n\n"
        "# Refunds\n\n### 5.1 Due dates\n\nNone of them apply."
    )
    made = grounded(text)
    assert sections(made) == ["Options (Sending)", "Options (Paying)", "Receipts", "4.1", "5.1"]
    assert made.parts["passages"]["heading"].to_pylist() == [
        "",
        "",
        "",
        "Due dates (Receipts)",
        "Due dates (Refunds)",
    ]


def test_a_section_can_be_cited_in_brackets() -> None:
    long = "The very long heading of a section that says all it has to say before anybody reads on"
    made = grounded(
        f"# [Draft] Fees\n\n{RULE}\n\n# {long}\n\n{RULE}\n\n# `code` and *stress*\n\n{RULE}"
    )
    fees, shortened, marked = sections(made)
    assert (fees, marked) == ("(Draft) Fees", "code and stress")
    assert len(shortened) <= 80 and long.startswith(shortened.removesuffix(" …"))


def test_the_built_in_handbook_loses_no_section() -> None:
    handbook = documents(DocumentSpec()).parts["documents"]
    made = ground(handbook, GroundingSpec(neighbours=0))
    headed = sum(text.count("\n## ") for text in handbook["text"].to_pylist())
    assert made.rejected.num_rows == 0
    assert len(set(sections(made))) == made.parts["passages"].num_rows == headed
