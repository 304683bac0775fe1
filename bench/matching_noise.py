"""How payers and banks disfigure numbers and names. Every kind of noise has its share in the profile."""

from __future__ import annotations

import random
import re

_FIRST = (
    "TRANSPORTS GARAGE BOULANGERIE ATELIERS MENUISERIE PHARMACIE CABINET IMPRIMERIE RESTAURANT HOTEL CLINIQUE LABORATOIRE "
    "FROMAGERIE CHARPENTE PLOMBERIE ELECTRICITE MACONNERIE FERRONNERIE SCIERIE BRASSERIE CONSERVERIE FILATURE"
)
_SECOND = (
    "MARTIN DUPONT DURAND LEROY MOREAU SIMON LAURENT LEFEBVRE MICHEL GARCIA DAVID BERTRAND ROUX VINCENT FOURNIER MOREL GIRARD "
    "ANDRE MERCIER BLANC GUERIN BOYER GARNIER CHEVALIER FRANCOIS LEGRAND GAUTHIER PERRIN ROBIN CLEMENT MORIN HENRY ROUSSEL "
    "MATHIEU GAUTIER MASSON MARCHAND DUVAL DENIS DUMONT MARIE LEMAIRE NOEL MEYER DUFOUR MEUNIER BRUN BLANCHARD GIRAUD JOLY"
)
_PLACES = "DU PERCHE|DE LA LOIRE|DES ALPES|DU LEMAN|DE BRETAGNE|DU NORD|DU MIDI|D ARMOR|DE PROVENCE|DU VEXIN|DE BEAUCE|DU JURA||||||"
_FORMS = ("SARL", "SAS", "SA", "EURL", "SASU", "SCI", "")
FIRST, SECOND, PLACES = _FIRST.split(), _SECOND.split(), _PLACES.split("|")
_MISREAD = {"0": "O", "1": "I", "5": "S", "8": "B"}
_SILENT = (
    "VIREMENT", "VIR SEPA RECU", "REGLEMENT", "SOLDE DE TOUT COMPTE", "PAIEMENT JUIN 2026", "REGLT VOS FACTURES", "VIR INST",
    "ZAHLUNG", "PAYMENT", "", "REGLEMENT DU 12/06/2026", "ACOMPTE", "VIREMENT DE COMPTE",
)  # fmt: skip
_WORDS = (
    "FACTURE {n}", "FACT {n}", "REGLEMENT FACTURE {n}", "VIR SEPA FACT {n}", "INVOICE {n}", "RECHNUNG NR. {n}", "/INV/{n}",
    "REF {n}", "{n}", "PAIEMENT {n} MERCI", "FACTURE N° {n} DU 02/06/2026", "RE-NR {n}", "INV NO {n} DATED 02.06.2026", "VOTRE FACT. {n}",
)  # fmt: skip
_MANY = (
    "FACTURES {n}",
    "FACT {n}",
    "REGLT FACT {n}",
    "INVOICES {n}",
    "RECHNUNGEN {n}",
    "{n}",
    "VOS FACTURES {n} MERCI",
)
_OWN = (
    "CDE {x}", "NOTRE REF {x}", "BON {x}", "PO {x}", "PIECE {x}", "DOSSIER {x}", "CONTRAT {x}", "LOT {x}", "VIR {x}", "TRX{x}", "{x}",
)  # fmt: skip


def bank_name(drawn: random.Random) -> str:
    """A company's name; many share words."""
    words = (drawn.choice(FIRST), drawn.choice(SECOND), drawn.choice(PLACES), drawn.choice(_FORMS))
    return " ".join(word for word in words if word)


class Writer:
    """Writes texts and names with the noise of a profile."""

    def __init__(self, drawn: random.Random, noise: dict[str, float]) -> None:
        self.drawn, self.noise = drawn, noise

    def hit(self, name: str) -> bool:
        return self.drawn.random() < self.noise[name]

    def text(self, numbers: list[str], *, quiet: bool, others: list[str], cents: int) -> tuple[str, str]:
        """A remittance text, and a structured reference where there is one."""
        from customers.identifiers import creditor_reference

        if quiet or not numbers:
            text = self.drawn.choice(_SILENT)
            return self._with_own(text, 0.4), ""
        if len(numbers) == 1 and self.hit("structured") and len(re.sub(r"[^A-Z0-9]", "", numbers[0])) <= 21:
            return "", creditor_reference(re.sub(r"[^A-Z0-9]", "", numbers[0]))
        written = [self._number(number) for number in numbers]
        if self.hit("wrong_number"):
            written[self.drawn.randrange(len(written))] = self._wrong(numbers, others)
        if len(written) == 1:
            return self._with_own(self.drawn.choice(_WORDS).format(n=written[0]), 1.0), ""
        joined = self._range(numbers) if self.hit("range_or_list") else ""
        joined = joined or self.drawn.choice((" ", ", ", " / ", " + ", " ET ", ";", " - ")).join(written)
        return self._with_own(self.drawn.choice(_MANY).format(n=joined), 1.0), ""

    def payer(self, name: str, iban: str, pk: int) -> tuple[str, str]:
        """Name and IBAN as the bank gives them."""
        if self.hit("name_missing"):
            name = ""
        elif self.hit("name_other"):
            name = bank_name(self.drawn)
        else:
            if self.drawn.random() < 0.3:
                name = (
                    name.rsplit(" ", 1)[0]
                    if name.split()[-1] in _FORMS
                    else f"{self.drawn.choice(('SARL', 'STE', 'SAS'))} {name}"
                )
            if self.hit("name_cut"):
                name = name[: self.drawn.choice((18, 24, 27))]
        if self.hit("iban_missing"):
            iban = ""
        elif self.hit("iban_other"):
            from customers.identifiers import french_iban

            iban = french_iban("10278", "00001", f"{self.drawn.randrange(10**10):011d}")
        return name, iban

    def _number(self, number: str) -> str:
        prefix = re.match("[A-Z]*", number).group()  # type: ignore[union-attr]
        rest = number[len(prefix) :].lstrip("-/")
        groups = re.findall(r"\d+", number)
        if self.hit("tail_only"):
            written = groups[-1].lstrip("0")
        elif self.hit("digits_only"):
            written = "".join(groups)
        elif self.hit("prefix_lost"):
            written = rest if self.drawn.random() < 0.5 else rest.lstrip("0")
        else:
            written = number
        if self.hit("spaces") and len(written) > 5:
            place = self.drawn.randrange(2, len(written) - 2)
            written = f"{written[:place]} {written[place:]}"
        if self.hit("misread"):
            places = [place for place, letter in enumerate(written) if letter in _MISREAD]
            for place in places[: self.drawn.randint(1, 2)]:
                written = written[:place] + _MISREAD[written[place]] + written[place + 1 :]
        return written

    def _wrong(self, numbers: list[str], others: list[str]) -> str:
        if others and self.drawn.random() < 0.4:
            return self.drawn.choice(others)
        digits = list(self.drawn.choice(numbers))
        places = [place for place, letter in enumerate(digits) if letter.isdigit()]
        place = self.drawn.choice(places[-4:])
        digits[place] = str((int(digits[place]) + self.drawn.randint(1, 9)) % 10)
        return "".join(digits)

    def _range(self, numbers: list[str]) -> str:
        """« 2041 à 2045 » where the numbers follow one another, else the list in short (« 2041/42/43 »)."""
        tails = sorted(re.findall(r"\d+", number)[-1] for number in numbers)
        values = [int(tail) for tail in tails]
        if values == list(range(values[0], values[0] + len(values))):
            mark = self.drawn.choice((" à ", " A ", "-", " AU ", " BIS ", " to "))
            return f"{tails[0]}{mark}{tails[-1]}"
        stem = tails[0][:-2]
        if len(stem) > 2 and all(tail[:-2] == stem for tail in tails):
            return "/".join((tails[0], *(tail[-2:] for tail in tails[1:])))
        return ""

    def _with_own(self, text: str, share: float) -> str:
        if self.drawn.random() < self.noise["own_numbers"] * share:
            own = self.drawn.choice(_OWN).format(x=self.drawn.randrange(100, 9_999_999))
            text = f"{text} {own}" if self.drawn.random() < 0.7 else f"{own} {text}"
        if self.drawn.random() < 0.1:
            text += f" {self.drawn.randrange(1, 900)},{self.drawn.randrange(100):02d} EUR"
        return text.strip()
