"""Cash application by rules: texts read, payers recognised, sums found, proposals scored, certainty judged. All pure.

Amounts in these modules are whole cents (`int`), exact; the SQL around them turns `numeric(14,2)` into cents and back.
"""
