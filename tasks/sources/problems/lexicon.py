"""The words of the built-in domain: a fictional patent office. The pocket teacher knows only these
words.
"""

import random


def listed(text: str) -> tuple[str, ...]:
    """Return the names in a text, which are separated by commas."""
    return tuple(" ".join(name.split()) for name in text.split(","))


HEADINGS: tuple[str, ...] = listed(
    """
    late fees, claim fees, search fees, renewal fees, appeal fees, refunds, deposit accounts, fee
    waivers, small entity discounts, payment plans, receipts, bank transfers, filing dates, filing
    receipts, incomplete filings, electronic filings, paper filings, filing numbers, cover sheets,
    oaths, declarations, signatures, powers of attorney, cover letters, drawings, photographs,
    models, color figures, reference signs, page margins, page numbers, abstracts, titles,
    descriptions, sequence listings, chemical formulas, tables, translations, foreign words, units
    of measure, claims, claim numbering, dependent claims, multiple claims, method claims, design
    claims, plant claims, software claims, new claims, withdrawn claims, claim amendments, new
    matter, substitute pages, typing errors, clerical corrections, prior art, novelty, obviousness,
    enablement, written description, best mode, public use, earlier sales, expert statements, test
    results, sample deposits, double patenting, unity of invention, restriction notices, elections,
    divisional cases, continuations, priority claims, priority documents, foreign filings, secrecy
    orders, first actions, final actions, office actions, search reports, interviews, telephone
    calls, site visits, inspections, hearings, oral arguments, witnesses, evidence lists,
    affidavits, replies, time extensions, suspensions, revivals, abandonments, status inquiries,
    appeals, reply briefs, rehearings, petitions, protests, third party papers, oppositions,
    reexaminations, reissues, terminal disclaimers, term adjustments, certificates, patent copies,
    file inspections, public notices, assignments, licenses, mergers, name changes, address changes,
    inventor changes, joint owners, employee inventions, government interests, security interests,
    agents, agent exams, agent conduct, complaints, fines, record keeping, lost files, archives,
    confidential papers, sealed envelopes, fax messages, mail delays, holidays, opening hours,
    visitor passes, training courses, library loans, translation services, priority mail,
    accelerated cases, green inventions, medical devices, food products, toys, farm tools, ship
    parts, engine parts, radio circuits, optical lenses, batteries, textiles, paints, glass
    products, measuring tools
    """
)
"""Plural or mass nouns, so that "the fee for {topic}" reads well."""

NOTICES: tuple[str, ...] = listed(
    """
    final action, first action, restriction notice, search report, petition, notice of appeal, reply
    brief, missing parts notice, interview request, election notice, translation notice, status
    inquiry, fee notice, drawing notice, oath notice, reissue request, protest, priority notice,
    revival request, deposit notice, advisory note, rejoinder request, correction request, extension
    request, hearing request, refund request, name change, license form, merger notice, opposition
    """
)
"""Papers that the office sends or receives. They are countable."""

NAMES: tuple[str, ...] = listed(
    """
    Vale, Marsh, Okoro, Lind, Petrov, Quill, Sato, Brandt, Ames, Duarte, Finch, Hale, Ivers, Jarvis,
    Kemp, Lowe, Mori, Nash, Orta, Pike, Rask, Stone, Tran, Usher, Voss, Wren, Xu, Yates, Zane,
    Adler, Bose, Cole, Drake, Ekman, Ford, Grant, Hobbs, Ito, Jonas, Kline, Lamb, Moss, Novak,
    Olsen, Park, Reyes, Shaw, Tate, Ueda, Webb, Abel, Berg, Cruz, Dahl, Eng, Faro, Gatt, Hart,
    Iqbal, Jung
    """
)

ITEMS: tuple[str, ...] = listed(
    """
    valve, rotor, clip, lens, seal, hinge, pump, sensor, filter, gear, nozzle, bracket, coil, motor,
    panel, switch, spring, blade, frame, hose, battery, antenna, printer, ladder, kettle, helmet,
    drill, scanner, tire, wheel, mixer, pulley, magnet, oven, saddle, sail, lamp, lock, tray, zipper
    """
)

PERIOD_UNITS: tuple[str, ...] = ("days", "weeks", "months")

REMARKS: tuple[str, ...] = (
    "Forms are free of charge.",
    "The form is sent by mail.",
    "Copies are kept in the archives.",
    "The applicant is told in writing.",
    "A second request is not read.",
    "The request must be signed.",
    "Each page must be numbered.",
    "Electronic forms are welcome.",
    "The office keeps the original.",
    "No refund is given.",
    "The file stays open until then.",
    "Fax messages are not accepted.",
    "An agent may sign for the applicant.",
    "The clerk returns incomplete forms.",
    "The decision is final.",
    "A hearing is held on request.",
    "Joint owners sign together.",
    "The clerk marks the date on the cover sheet.",
    "Foreign words must be translated.",
    "The public may read the file.",
)
"""Sentences that may stand beside the rules of a section and answer no question."""


def capitalised(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def lowered(text: str) -> str:
    """Return the text with a small first letter, as a heading stands inside a sentence."""
    return text[:1].lower() + text[1:]


def with_article(noun: str) -> str:
    """Return the noun with "a" or "an" before it."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def period(rng: random.Random) -> str:
    """Return a length of time such as "3 weeks"."""
    return f"{rng.randint(2, 60)} {rng.choice(PERIOD_UNITS)}"


def credit_sum(rng: random.Random) -> int:
    """Return a fee in whole credits. Round sums are as likely as others."""
    return 10 * rng.randint(2, 90) if rng.random() < 0.5 else rng.randint(20, 900)
