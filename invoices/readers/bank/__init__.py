"""Files of the bank in: CAMT, MT940 / MT942, CFONB, OFX and CSV, all read as statements and lines.

The bytes are not trusted: `process.read_bank_in_child` has them read by a confined child process. Nothing here
knows the ledger.
"""
