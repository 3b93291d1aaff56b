"""Words of the leak world: a phrase grammar, coined words with a Zipf tail, English word lists,
producer notes in six languages.
"""

import re
from bisect import bisect
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate
from random import Random

Slots = Mapping[str, Sequence[str]]
DEPTH = 9
SIGNS = str.maketrans({"⏎": "\n", "¦": "|", "⟨": "<", "⟩": ">", "⟪": "{", "⟫": "}", "∅": ""})


class Grammar:
    """Phrase rules: `name = one | two` draws evenly, `name ~ one | two` by Zipf weights, `<name>`
    is a rule or a slot.

    Past the depth limit a rule's first alternative is taken, so it must be a plain one. ⏎ ¦ ⟨ ⟩ ⟪ ⟫
    ∅ stand for newline, |, <, >, {, } and nothing.
    """

    def __init__(self, text: str) -> None:
        self.rules: dict[str, tuple[list[float], list[list[str]]]] = {}
        for found in re.finditer(r"^(\w+) ([=~]) (.*(?:\n[ \t]+.*)*)", text, re.MULTILINE):
            options = [
                re.split(r"<(\w+)>", option) for option in re.split(r"\s+\|\s+", found[3].strip())
            ]
            weights = [1 / (rank + 2) if found[2] == "~" else 1.0 for rank in range(len(options))]
            self.rules[found[1]] = ([sum_ / sum(weights) for sum_ in accumulate(weights)], options)

    def expand(self, rule: str, rng: Random, slots: Slots, depth: int = 0) -> str:
        """Return one drawing of `rule`; KeyError names a slot nobody fills."""
        shares, options = self.rules[rule]
        parts = options[0 if depth > DEPTH else min(bisect(shares, rng.random()), len(options) - 1)]
        out = [parts[0]]
        for name, literal in zip(parts[1::2], parts[2::2], strict=True):
            if name in self.rules:
                out.append(self.expand(name, rng, slots, depth + 1))
            else:
                words = slots[name]
                out.append(words[int(rng.random() * len(words))])
            out.append(literal)
        return "".join(out)

    def say(self, rule: str, rng: Random, slots: Slots) -> str:
        """Return one drawing of `rule` with the stand-in signs resolved."""
        return self.expand(rule, rng, slots).translate(SIGNS)


ONSETS = "b bl br c ch cl cr d dr f fl fr g gl gr h j k kr l m n p pl pr qu r s sc sh sk sl sn sp st str t th tr tw v vr w y z zw".split()
NUCLEI = "a a a e e e i i o o u u ai ea ee ie oa oo ou au y".split()
CODAS = [
    "",
    "",
    "",
    *"b ck d ft g l lk ll m mp n nd ng nt p r rd rk rn s sk ss st t th v x z".split(),
]
JOINS = ["", "", "", "", "n", "r", "l", "s"]
ENDINGS: dict[str, list[str]] = {
    "noun": [
        "",
        "",
        "",
        "er",
        "or",
        "age",
        "ment",
        "ite",
        "ase",
        "ium",
        "let",
        "ine",
        "gram",
        "ide",
    ],
    "surname": [
        "",
        "",
        "son",
        "mann",
        "ez",
        "ova",
        "wick",
        "berg",
        "ski",
        "sen",
        "ini",
        "escu",
        "ley",
        "yan",
        "oğlu",
        "ström",
    ],
    "place": [
        "ton",
        "burg",
        "ville",
        "ham",
        "mouth",
        "ford",
        "grad",
        "stad",
        "ia",
        "ora",
        "field",
        "by",
        "minster",
    ],
    "product": ["", "ix", "on", "ex", "o", "yl", "ara", "25", " Pro", " Mk II", "-S", " One"],
}


def coin(rng: Random, *, syllables: int = 0) -> str:
    """Return a pronounceable word that is probably in no dictionary."""
    count = syllables or rng.choice((1, 2, 2, 2, 3))
    return "".join(
        rng.choice(ONSETS) + rng.choice(NUCLEI) + rng.choice(CODAS if part == count - 1 else JOINS)
        for part in range(count)
    )


@cache
def coined(table: str, rank: int) -> str:
    """Return the word at `rank` of an endless table of coined words; names begin with a capital."""
    rng = Random(f"coined:{table}:{rank}")
    word = coin(rng, syllables=rng.choice((1, 2, 2, 3)))
    return (word if table == "noun" else word.capitalize()) + rng.choice(ENDINGS[table])


def zipf_word(
    rng: Random, table: str, known: Sequence[str], *, head: float = 30.0, shift: int = 0
) -> str:
    """Return a known word or, from the tail, a coined one (Zipf–Mandelbrot: the share of ranks
    above k is head / (head + k)).
    """
    rank = int(head * (1 / (1 - rng.random()) - 1))
    return known[rank] if rank < len(known) else coined(table, rank + shift)


DOMAINS = [
    line.split()
    for line in """
claim statute clause permit tenant landlord lease notice hearing appeal remedy waiver licence easement covenant
invention disclosure embodiment priority specification drawing limitation reference examiner amendment rejection novelty
solvent reagent catalyst titration residue crystal polymer acid buffer precipitate flask electrode isotope vapour
enzyme membrane receptor protein genome antibody plasmid tissue culture toxin larva spore pathogen
ledger invoice discount deposit balance premium dividend surcharge refund creditor audit margin payroll tariff
compiler pointer thread socket buffer cache parser kernel mutex iterator schema endpoint payload checksum
bridge girder mortar scaffold foundation culvert beam truss drainage lintel rivet embankment parapet
orchard seedling compost trellis hedge pruning mulch rootstock irrigation greenhouse weevil pollen
vessel harbour cargo manifest pilot ballast mooring tide buoy freight demurrage container crane
patient dosage symptom diagnosis fever ward vaccine clinic biopsy referral consent relapse triage
election ballot council quorum motion petition delegate charter bylaw treasurer caucus
turbine voltage capacitor relay transformer coil rectifier battery inverter fuse busbar dielectric resistor via
treaty dynasty fortress harvest famine envoy chronicle siege garrison reform parish guild
theorem lemma integer polynomial matrix vector graph parity remainder divisor sequence bound
melody chord tempo soprano overture libretto cadence quartet motif rehearsal
glacier moraine sediment basalt aquifer fault erosion magma delta seismograph
recipe dough yeast oven sauce marinade broth ferment spice glaze batch portion
timetable platform signal locomotive junction gauge freight delay conductor siding
lens telescope aperture orbit eclipse spectrum nebula asteroid parallax probe
classroom syllabus essay tutor exam grade scholarship lecture absence homework
warehouse pallet barcode shipment courier inventory supplier order return backlog
insurer policy premium peril deductible adjuster indemnity exclusion rider
loom fabric thread dye pattern seam hem bobbin weave selvedge
referee penalty offside fixture league transfer striker keeper stadium
""".strip().splitlines()
]
NOUNS = """reason question point case rule part order time number amount condition exception answer record list report date office member value
result step detail limit fact change form term level kind price group share test range plan choice source effect risk cost method measure account
letter contract witness supply request decision copy signature deadline document figure table section page line sample unit surface layer edge corner
door window roof wall floor engine pump valve filter pipe tank wheel cable switch sensor screen button tool machine device component module frame handle
road station market village river coast island mountain forest field garden farm mill tower square library museum theatre temple kitchen bakery
horse cow dog bird bee fish wolf apple bread cheese butter rice salt sugar tea coffee paper ink stone brick glass steel copper silver gold wool leather
winter summer morning evening weekend decade century storm rain snow wind heat cold light shadow noise signal message promise secret rumour accident
mistake habit duty right interest debt gift loan tax fine fee rent wage bonus budget profit loss trade auction""".split()
ADJECTIVES = """
new old first second main small large early late separate common general specific full empty open closed public private local foreign direct indirect
short long high low fast slow hard soft clear vague narrow broad simple complex safe risky valid invalid legal final partial annual monthly daily
internal external formal informal written oral relevant minor major recent previous original current available optional mandatory cheap costly heavy
light wet dry warm cool stable fragile visible hidden flat curved round square wooden metal plastic red blue green yellow grey northern southern
remote rural urban coastal quiet loud bright dim sharp blunt thick thin rough smooth fresh stale sour sweet tart mild severe odd even prime equal
exact rough likely rare""".split()
VERBS = """require limit cover support delay replace reduce increase follow include exclude cause prevent affect confirm contradict explain describe mention
allow extend create remove share return order check measure record report offer reject accept approve question answer use need change move open
guard damage repair deliver receive refund charge count compare define alter invoke trigger satisfy waive restrict absorb connect contain
divide exceed balance anchor shift collect filter expose preserve sustain undermine narrow weaken settle clarify convert attract delegate enforce inherit
isolate justify observe oppose predict qualify recall release resolve reverse secure select separate tolerate violate yield""".split()
GIVEN = """Anna Boris Chen Dara Elif Farid Grace Hugo Ines Jonas Kira Liam Mona Nils Olga Pablo Quinn Rosa Sam Tara Uma Viktor Wen Yara Zoe Amir Bella
Carlos Deepa Emil Fatima Goran Hana Ivo Jia Karim Lena Marek Nadia Oscar Priya Rafael Sofia Tomas Ulla Vera Walid Xenia Yusuf Zita""".split()
SURNAMES = """Smith Garcia Müller Chen Novak Rossi Haddad Okafor Tanaka Kumar Silva Ivanova Larsen Dubois Kowalski Moreno Fischer Nguyen Park Costa
Andersson Weber Horvat Papadopoulos Mensah Yilmaz Murphy Keller Santos Popescu Lindqvist Abebe Castro Bauer Singh Walsh Reyes Fontaine Hughes Sato""".split()
PLACES = """Lisbon Oslo Nairobi Lima Osaka Tbilisi Quito Riga Accra Hanoi Porto Leeds Graz Perth Austin Cusco Turin Bergen Izmir Cork Basel Gdansk
Malmo Bristol Toledo Ghent Zagreb Davao Fez Tampere Lyon Dresden Halifax Darwin Busan Pune Tartu Leiden Zadar Mendoza""".split()
PRODUCTS = "Optiflow Delta-9 Kestrel Nordlicht Aquaseal Pathfinder Terravolt Bluecap Ironleaf Solaris Minova Ferrolux".split()

PERSONA_LIST = "strict examiner|lenient auditor|tired paralegal|junior quartermaster|sceptical metrologist|patient governess|brisk notary|retired surveyor"
FAMILY_LIST = "A4 spice combinator|B1 mirror ladder|C3 hinge swap|E2 counterweight|F6 needle gate|H5 tide rota|K7 lantern walk|M9 plain braid"
PERSONAS, FAMILIES = PERSONA_LIST.split("|"), FAMILY_LIST.split("|")
INSTRUCTIONS = {
    "increase variety by changing the jurisdiction and the amounts": (
        "move this to another country and use other sums",
        "other court, other figures",
    ),
    "keep the same answer but invert the order of arguments": (
        "same outcome, arguments back to front",
        "start from the last argument and end at the first",
    ),
    "avoid repeating the structure of the previous batch": (
        "do not build it like the ones before",
        "a fresh structure, not the one used so far",
    ),
    "raise difficulty to level four and add one distractor": (
        "make it harder and plant a false lead",
        "level four, one red herring",
    ),
    "write as if the deadline had already passed": (
        "pretend it is too late",
        "treat the time limit as expired",
    ),
    "cite at least two anchors and never quote more than nine words": (
        "two anchors, short quotes only",
        "keep the quotes under ten words and use two anchors",
    ),
    "let the weaker party win and stay under four hundred words": (
        "the underdog wins, briefly",
        "short text in which the weaker side prevails",
    ),
    "open with a doubt and resolve it in the third paragraph": (
        "begin unsure, be sure by paragraph three",
        "doubt first, solution in paragraph three",
    ),
    "use the held-out vocabulary list and no abbreviations": (
        "words from the reserved list, everything spelled out",
        "reserved words only, spell all out",
    ),
    "hide the decisive fact until the end of the reasoning": (
        "keep the clincher for last",
        "do not show the deciding fact too soon",
    ),
}
