"""The set-based work of batches: a handful of SQL statements over the rows of a file, never row by row.

`table` takes the rows in; `matching` and `verdict` say what each of them means to the ledger; `figures` and
`suspicions` sum it up; `posting`, `clearing` and `undo` write. Only `invoices.operations` runs them.
"""
