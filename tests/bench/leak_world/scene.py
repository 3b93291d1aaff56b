"""What one clean row is about: its key nouns, people, places, numbers and names, as slots of a
phrase grammar.
"""

import re
from random import Random

from tests.bench.leak_world import words
from tests.bench.leak_world.words import zipf_word

GERMAN = """
die Frist|der Antrag|das Gericht|die Klausel|der Vertrag|die Gebühr|das Gutachten|die Leitung|der Mieter|das Ventil|die Prüfung|der Beweis|die Quelle|das Lager
der Zähler|die Rechnung|das Patent|der Anspruch|die Ausnahme|das Formular|der Bericht|die Brücke|das Gemisch|die Zahlung|der Versuch|die Messung|das Konto
die Ernte|der Schlüssel|das Fenster|die Pumpe|der Hafen|die Regel|das Muster|der Betrag|die Lieferung|das Zeugnis|der Nachweis|die Grenze|der Fahrplan
""".strip().replace("\n", "|")
SPANISH = """
el plazo|la solicitud|el contrato|la cláusula|el tribunal|la tasa|el informe|la prueba|el inquilino|la válvula|el pago|la excepción|el recurso|la factura
la cosecha|el almacén|la medida|el límite|la muestra|el puerto|la regla|el importe|la entrega|el formulario|la patente|el motor|la mezcla|el horario|el puente
la cuenta|el ensayo|la llave|el registro|la norma|el acuerdo|la tarifa|el testigo|la frontera|la fuente|el cargo
""".strip().replace("\n", "|")
MEASURES = "days euros kg metres hours tons percent weeks litres pages seats boxes volts degrees acres votes".split()
MONTHS = (
    "January February March April May June July August September October November December".split()
)
DATIVE = {"der": "dem", "das": "dem", "die": "der"}


def draw_scene(rng: Random) -> dict[str, list[str]]:
    """Return slot → words of one row. Its own names and key nouns come back in prompt, passage and
    think; strangers only in the think.
    """
    return (
        _content(rng)
        | _names(rng)
        | _german(rng)
        | numbers(rng.randint(3, 400), rng.randint(2, 90), rng.randint(2, 9))
    )


def numbers(value: int, more: int, factor: int) -> dict[str, list[str]]:
    """Return the slots of one step of arithmetic: value, summand, factor and what comes of them."""
    digits, parity = sum(map(int, str(value))), "odd" if value % 2 else "even"
    slots = f"v={value} m={more} d={factor} sum={value + more} mod={value % 7} times={value * factor} double={2 * value} square={value**2}"
    return {
        name: [found]
        for name, found in (
            pair.split("=") for pair in f"{slots} digits={digits} parity={parity}".split()
        )
    }


def _content(rng: Random) -> dict[str, list[str]]:
    pick = rng.random
    place = int(pick() * len(words.DOMAINS))
    keys = [
        zipf_word(rng, "noun", words.DOMAINS[place], head=3, shift=1000 * (place + 1))
        for _ in range(6)
    ]
    free = [zipf_word(rng, "noun", words.NOUNS) for _ in range(10)]
    # A rare word is mostly the prompt's: of the free ones, most coined words are given back.
    free = [
        word if word in words.NOUNS or pick() < 0.3 else rng.choice(words.NOUNS) for word in free
    ]
    verbs = [words.VERBS[int(len(words.VERBS) * pick() ** 1.6)] for _ in range(11)]
    return {
        "key": list(dict.fromkeys(keys)),
        "noun": keys + free,
        "adj": [words.ADJECTIVES[int(len(words.ADJECTIVES) * pick() ** 1.6)] for _ in range(9)],
        "vb": verbs,
        "v3": [
            re.sub(r"(?<=[^aeo])y$", "ie", re.sub("(s|x|sh|ch)$", r"\1e", verb)) + "s"
            for verb in verbs
        ],
        "vd": [re.sub(r"(?<=[^aeo])y$", "i", verb.removesuffix("e")) + "ed" for verb in verbs],
        "num": [str(int(10 ** (1 + 3 * pick()))) for _ in range(3)],
        "n": [str(rng.randint(2, 60)) for _ in range(4)],
        "measure": rng.sample(MEASURES, 2),
        "letter": [rng.choice("ABCD")],
        "clock": [f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"],
    }


def _names(rng: Random) -> dict[str, list[str]]:
    surname, owner = (zipf_word(rng, "surname", words.SURNAMES) for _ in range(2))
    initials = "".join(rng.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(rng.randint(2, 3)))
    forms = (
        "§ {0}|Article {1}|{2}-{3}|Form {3}-{2}|§ {1}({4})|Rule {1}.{5}|{2} {0}/{1}|clause {1}({4})"
    )
    drawn = forms.format(
        rng.randint(2, 480),
        rng.randint(2, 99),
        initials,
        rng.randint(100, 9999),
        rng.choice("abcde"),
        rng.randint(1, 9),
    )
    return {
        "person": [
            f"{rng.choice(words.GIVEN)} {surname}" if rng.random() < 0.3 else surname,
            rng.choice(words.GIVEN),
        ],
        "org": [owner + rng.choice((" Ltd", " Works", " GmbH", " Institute", " & Sons", ""))],
        "place": [zipf_word(rng, "place", words.PLACES)],
        "product": [zipf_word(rng, "product", words.PRODUCTS, head=15)],
        "id": rng.sample(drawn.split("|"), 2),
        "date": [f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(1950, 2024)}"],
        "stranger": [zipf_word(rng, "surname", words.SURNAMES, head=90)],
        "elsewhere": [zipf_word(rng, "place", words.PLACES, head=60)],
        "fresh": [zipf_word(rng, "product", words.PRODUCTS, head=200)],
    }


def _german(rng: Random) -> dict[str, list[str]]:
    """Return German nouns in three cases, a third of them compounds, and Spanish ones."""
    nouns = GERMAN.split("|")
    drawn = [_compound(rng, nouns) if rng.random() < 0.35 else rng.choice(nouns) for _ in range(8)]
    return {
        "nom": drawn,
        "akk": ["den" + noun[3:] if noun.startswith("der") else noun for noun in drawn],
        "dat": [DATIVE[noun[:3]] + noun[3:] for noun in drawn],
        "einheit": rng.sample("Tage Euro Kilo Meter Stunden Tonnen Prozent Wochen".split(), 2),
        "sus": rng.sample(SPANISH.split("|"), 8),
        "medida": rng.sample("días euros kilos metros horas toneladas semanas".split(), 2),
    }


def _compound(rng: Random, nouns: list[str]) -> str:
    last = rng.choice(nouns)
    return f"{last[:4]}{rng.choice(nouns)[4:]}{rng.choice(('s', '', 's'))}{last[4:].lower()}"
