"""The demo portfolio: a fictitious group with its customers, its books and its dunning. Same arguments, same rows."""
