"""Countries as files write them: ISO 3166-1 codes of two or three letters, French and English names."""

from invoices.readers.columns import simplify

_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC
CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD
GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH
KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW
MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC
SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY
UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
_NAMES: dict[str, tuple[str, ...]] = {
    "AT": ("Autriche", "Austria", "AUT"), "AU": ("Australie", "Australia", "AUS"),
    "BE": ("Belgique", "Belgium", "BEL"), "BG": ("Bulgarie", "Bulgaria", "BGR"), "BR": ("Brésil", "Brazil", "BRA"),
    "CA": ("Canada", "CAN"), "CH": ("Suisse", "Switzerland", "CHE"), "CI": ("Côte d'Ivoire", "Ivory Coast", "CIV"),
    "CN": ("Chine", "China", "CHN"), "CY": ("Chypre", "Cyprus", "CYP"), "CZ": ("Tchéquie", "Czechia", "CZE"),
    "DE": ("Allemagne", "Germany", "Deutschland", "DEU"), "DK": ("Danemark", "Denmark", "DNK"),
    "DZ": ("Algérie", "Algeria", "DZA"), "EE": ("Estonie", "Estonia", "EST"), "ES": ("Espagne", "Spain", "ESP"),
    "FI": ("Finlande", "Finland", "FIN"), "FR": ("France", "FRA", "France métropolitaine"),
    "GB": ("Royaume-Uni", "Grande-Bretagne", "Angleterre", "United Kingdom", "Great Britain", "England", "GBR", "UK"),
    "GP": ("Guadeloupe", "GLP"), "GF": ("Guyane", "GUF"), "GR": ("Grèce", "Greece", "GRC"),
    "HR": ("Croatie", "Croatia", "HRV"), "HU": ("Hongrie", "Hungary", "HUN"), "IE": ("Irlande", "Ireland", "IRL"),
    "IN": ("Inde", "India", "IND"), "IT": ("Italie", "Italy", "ITA"), "JP": ("Japon", "Japan", "JPN"),
    "LT": ("Lituanie", "Lithuania", "LTU"), "LU": ("Luxembourg", "LUX"), "LV": ("Lettonie", "Latvia", "LVA"),
    "MA": ("Maroc", "Morocco", "MAR"), "MC": ("Monaco", "MCO"), "MQ": ("Martinique", "MTQ"), "MT": ("Malte", "Malta"),
    "NC": ("Nouvelle-Calédonie", "New Caledonia"), "NL": ("Pays-Bas", "Netherlands", "The Netherlands", "NLD"),
    "NO": ("Norvège", "Norway", "NOR"), "PF": ("Polynésie française", "French Polynesia"),
    "PL": ("Pologne", "Poland", "POL"), "PT": ("Portugal", "PRT"), "RE": ("La Réunion", "Réunion", "REU"),
    "RO": ("Roumanie", "Romania", "ROU"), "SE": ("Suède", "Sweden", "SWE"), "SI": ("Slovénie", "Slovenia", "SVN"),
    "SK": ("Slovaquie", "Slovakia", "SVK"), "SN": ("Sénégal", "Senegal", "SEN"), "TN": ("Tunisie", "Tunisia", "TUN"),
    "TR": ("Turquie", "Turkey", "TUR"), "US": ("États-Unis", "United States", "USA", "États-Unis d'Amérique"),
    "YT": ("Mayotte", "MYT"),
}  # fmt: skip

COUNTRIES = frozenset(_CODES.split())
_KNOWN = {simplify(name): code for code, names in _NAMES.items() for name in names}


def country_code(text: str) -> str | None:
    """The code of two letters, None for what is no country."""
    code = text.strip().upper()
    return code if code in COUNTRIES else _KNOWN.get(simplify(text))
