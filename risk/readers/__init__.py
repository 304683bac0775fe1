"""Readers of accounts and ratings: bytes in, plain rows with their numbers out. They run in the confined child."""
