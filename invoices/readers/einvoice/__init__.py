"""Electronic invoices: UBL, CII, Factur-X and ZUGFeRD, alone or in a ZIP, read without DTD, entities or network."""
