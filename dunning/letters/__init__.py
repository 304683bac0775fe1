"""Letters as documents: a frozen context in, lawful PDF, e-mail body or hand-over dossier out.

Nothing here reads the database, the settings or the clock; what is printed stands in the context.
"""
