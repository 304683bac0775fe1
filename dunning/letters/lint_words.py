"""Words that tell one language from another, and those that a courteous letter keeps away from."""

# Small frequent words; a stretch of text is in the language whose words it has most of.
_COMMON = {
    "fr": (
        "le la les un une des du de et est sont vous nous votre notre vos nos que qui pour dans sur avec "
        "par au aux ce cette ces ne pas si plus sans ou être avoir avons avez été leur cet à dès afin "
        "merci"
    ),
    "en": (
        "the a an of and is are you we your our that which for in on with by to at this these not if "
        "more without or be have has been will shall please from as any all thank"
    ),
    "de": (
        "der die das ein eine einen dem den des und ist sind sie wir ihr ihre ihren unser unsere dass "
        "für in auf mit von zu bei dieser diese nicht wenn mehr ohne oder werden haben wurde bitte bis "
        "nach zum zur uns"
    ),
    "es": (
        "el la los las un una de del y es son usted ustedes les nos su sus nuestro nuestra que para en "
        "con por al este esta estos no si más sin o ser haber han hemos ha rogamos se lo"
    ),
    "it": (
        "il lo la i gli le un una di del della dei e è sono vi ci vostro vostra nostro nostra che per in "
        "con su da al alla questo questa queste non se più senza o essere avere abbiamo avete ha "
        "vogliate"
    ),
}
COMMON_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}

# Beginnings of words, without accents: a letter that assumes an oversight has none of them.
LEGAL_WORDS: dict[str, tuple[str, ...]] = {
    "fr": ("penalite", "indemnite", "mise en demeure", "tribuna", "juridiction", "contentieu", "justice", "interets de retard"),
    "en": ("interest", "indemnity", "formal notice", "court", "legal", "lawsuit", "penalt"),
    "de": ("verzugszins", "pauschale", "mahnung", "gericht", "klage", "inkasso", "rechtlich"),
    "es": ("intereses", "indemnizacion", "requerimiento formal", "tribunal", "juzgado", "judicial", "demanda"),
    "it": ("interessi", "indennita", "messa in mora", "diffida", "tribunale", "giudic", "legale"),
}  # fmt: skip
