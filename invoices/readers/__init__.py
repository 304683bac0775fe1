"""Invoice files in: bytes in, plain rows with the line numbers of the file out.

A file comes from outside and is not trusted: `process.py` has it read by a child process (`child.py`) that
has bounded memory and time, no database and no secrets. Nothing here knows the ledger.
"""
