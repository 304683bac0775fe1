"""Invented words and the names made of them. A likeness with a real name is chance."""

from random import Random

_HEADS = (
    "Bor", "Tar", "Vel", "Mar", "Or", "Lan", "Cor", "Bel", "Ser", "Dor", "Fal", "Gar", "Jar", "Ker", "Lor", "Mer",
    "Nor", "Par", "Quen", "Ral", "Sal", "Tel", "Val", "Ver", "Zel", "Bri", "Cla", "Dru", "Fro", "Gré", "Pla", "Tri",
    "Ar", "Es", "Il", "Ul",
)  # fmt: skip
_MIDDLES = (
    "va",
    "ve",
    "li",
    "lo",
    "do",
    "no",
    "ma",
    "mi",
    "ran",
    "co",
    "zi",
    "sé",
    "dé",
    "bé",
    "pi",
    "rou",
    "gua",
)
_TAILS = (
    "lin", "vand", "zelle", "ric", "nex", "dal", "thier", "quet", "ney", "rois", "mard", "vec", "lois", "nand",
    "tier", "sson", "bault", "rène", "gnac", "zan",
)  # fmt: skip
_FIRST_NAMES = (
    "Aïcha", "Alice", "Antoine", "Béatrice", "Bruno", "Cédric", "Chloé", "Claire", "David", "Élise", "Émile",
    "Fatou", "François", "Gaëlle", "Hélène", "Hugo", "Inès", "Jérôme", "Julie", "Karim", "Laure", "Léo", "Manon",
    "Mehdi", "Nadège", "Noémie", "Olivier", "Paul", "Quentin", "Raphaël", "Sabine", "Théo", "Valérie", "Yann", "Zoé",
)  # fmt: skip
_STREETS = (
    "rue des Tanneurs", "avenue de la Gare", "place du Marché", "quai des Ormes", "chemin du Moulin", "rue Basse",
    "impasse des Lilas", "boulevard du Canal", "rue de l’Église", "allée des Tilleuls", "route de la Forêt",
    "rue du Four", "zone artisanale des Prés", "rue des Écoles", "cours des Platanes", "rue du Vieux-Pont",
)  # fmt: skip
_DEPARTMENTS = (
    "01", "03", "07", "10", "14", "16", "18", "21", "22", "24", "26", "27", "28", "29", "33", "35", "36", "38", "41",
    "42", "44", "45", "49", "51", "53", "56", "57", "59", "60", "61", "63", "64", "67", "69", "71", "72", "76", "79",
    "80", "85", "86", "89",
)  # fmt: skip
_RIVERS = ("Lède", "Orve", "Trenne", "Valse", "Suzonne", "Brive", "Aigrette", "Morle", "Cèse", "Dolive")

# NAF code, VAT rate in percent, and the shapes of a name; {w} is a word, {de} « de » or « d’ » before it.
TRADES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("43.32A", "10", ("Menuiserie {w}", "Menuiseries {w} & Fils", "Agencement {w}")),
    ("43.21A", "10", ("Électricité {w}", "{w} Énergie", "Établissements {w}")),
    ("41.20B", "20", ("{w} Bâtiment", "Constructions {w}", "{w} & Associés Construction")),
    ("46.73A", "20", ("{w} Matériaux", "Négoce {w}", "Comptoir {de}{w}")),
    ("25.62B", "20", ("{w} Usinage", "Mécanique de précision {w}", "Tôlerie {w}")),
    ("49.41A", "20", ("Transports {w}", "{w} Fret", "Messageries {w}")),
    ("56.10A", "10", ("Brasserie {de}{w}", "L’Auberge {de}{w}", "Les Tables {de}{w}")),
    ("10.71C", "5.5", ("Boulangerie {w}", "Aux Pains {de}{w}", "Le Fournil {de}{w}")),
    ("46.39B", "5.5", ("{w} Primeurs", "Halles {w}", "{w} & Cie Alimentation")),
    ("71.12B", "20", ("{w} Ingénierie", "Bureau d’études {w}", "Cabinet {w}")),
    ("62.01Z", "20", ("{w} Logiciels", "{w} Numérique", "Atelier logiciel {w}")),
    ("18.12Z", "20", ("Imprimerie {w}", "{w} Impressions", "Presses {de}{w}")),
    ("20.59Z", "20", ("{w} Chimie", "Laboratoires {w}", "{w} Peintures & Vernis")),
    ("47.78C", "20", ("L’Atelier {de}{w}", "Quincaillerie {w}", "{w} Équipement")),
    ("81.21Z", "20", ("{w} Propreté", "Nettoyage {w}", "{w} Services")),
    ("01.21Z", "20", ("Domaine {de}{w}", "Vignobles {w}", "Caves {de}{w}")),
)
LONG_TRADES = (
    "Société coopérative des producteurs réunis du pays {de}{w}",
    "Compagnie générale d’équipements frigorifiques {w} & Fils",
    "Groupement d’intérêt économique des artisans {de}{w}-Nord",
    "Établissements {w}, successeurs de la Maison {w} & {w2} Frères",
)
HOLDINGS = ("Groupe {w}", "{w} Industries", "Compagnie {w}", "{w} Distribution")
BRANCHES = (
    "Logistique",
    "Services",
    "Maintenance",
    "Nord",
    "Sud-Ouest",
    "Immobilier",
    "Négoce",
    "Technologies",
)
_PUBLIC = (
    ("84.11Z", "Commune {de}{c}"),
    ("84.11Z", "Commune {de}{c}"),
    ("84.11Z", "Communauté de communes du pays {de}{w}"),
    ("86.10Z", "Centre hospitalier {de}{c}"),
    ("85.31Z", "Lycée {first} {w}"),
    ("36.00Z", "Syndicat des eaux {de}{c}"),
    ("84.25Z", "Service d’incendie et de secours {de}{w}"),
)
_FOREIGN = {
    "BE": (("{w} SRL", "Etn. {w} NV"), "Rue du Moulin {n}\n{code:04d} {w}"),
    "DE": (("{w} GmbH", "{w} & Söhne GmbH & Co. KG"), "Lindenstraße {n}\n{code:05d} {w}bach"),
    "ES": (("{w} S.L.", "Hermanos {w} S.A."), "Calle Mayor {n}\n{code:05d} {w}"),
    "IT": (("{w} S.r.l.", "Officine {w} S.p.A."), "Via Garibaldi {n}\n{code:05d} {w}"),
    "GB": (("{w} Ltd", "{w} & Sons Ltd"), "{n} Station Road\n{w}ton\n{area}{k} {j}ZZ"),
    "CH": (("{w} SA", "{w} AG"), "Chemin des Vignes {n}\n{code:04d} {w}"),
}


def word(rng: Random) -> str:
    """An invented word of two or three syllables, with a capital."""
    middle = rng.choice(_MIDDLES) if rng.random() < 0.6 else ""
    return rng.choice(_HEADS) + middle + rng.choice(_TAILS)


def elided(name: str) -> str:
    """« de » or « d’ » before a name."""
    return "d’" if name[0] in "AEÉIOUÀÈ" else "de "


def commune(rng: Random) -> str:
    root = word(rng)
    shape = rng.randrange(5)
    if shape == 0:
        return f"Saint-{root}-sur-{rng.choice(_RIVERS)}"
    if shape == 1:
        return f"{root}-les-Bains"
    if shape == 2:
        return f"{root}ville"
    return root


def company(rng: Random, root: str) -> tuple[str, str, str]:
    """The name of a company, its NAF code and the VAT rate (percent) of what it buys."""
    naf, rate, shapes = rng.choice(TRADES)
    if rng.random() < 0.025:
        text = rng.choice(LONG_TRADES)
    else:
        text = rng.choice(shapes) + rng.choice(("", "", " SAS", " SARL"))
    return _filled(text, root, rng), naf, rate


def holding(rng: Random, root: str) -> str:
    return _filled(rng.choice(HOLDINGS), root, rng)


def public_body(rng: Random) -> tuple[str, str]:
    """The name of a public body and its NAF code."""
    naf, shape = rng.choice(_PUBLIC)
    town, root = commune(rng), word(rng)
    name = town if "{c}" in shape else root
    return shape.format(c=town, w=root, de=elided(name), first=rng.choice(_FIRST_NAMES)), naf


def person(rng: Random) -> str:
    return f"{rng.choice(_FIRST_NAMES)} {word(rng)}"


def french_address(rng: Random) -> str:
    street = f"{rng.randrange(1, 140)} {rng.choice(_STREETS)}"
    second = f"\nBâtiment {rng.choice('ABCD')}" if rng.random() < 0.08 else ""
    return f"{street}{second}\n{rng.choice(_DEPARTMENTS)}{rng.randrange(10, 99) * 10:03d} {commune(rng)}"


def foreign_company(country: str, rng: Random, root: str) -> tuple[str, str]:
    """The name and the address of a company of BE, DE, ES, IT, GB or CH."""
    shapes, address = _FOREIGN[country]
    filled = address.format(
        n=rng.randrange(1, 90),
        w=word(rng),
        code=rng.randrange(1010, 9990),
        area=rng.choice(("LQ", "NQ", "SQ")),
        k=rng.randrange(1, 20),
        j=rng.randrange(1, 9),
    )
    return rng.choice(shapes).format(w=root), filled


def _filled(shape: str, root: str, rng: Random) -> str:
    second = word(rng) if "{w2}" in shape else ""
    return shape.format(w=root, w2=second, de=elided(root))
