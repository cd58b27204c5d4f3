"""Brokers with a fault built in: `python -m tests.faults.mutants.NAME broker …` runs as `tivo broker …` does.

The checker of the kills must catch each of them.
"""
