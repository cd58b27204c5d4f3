"""Which topics are persisted: every one but the internal (`__*`)."""

PATTERN = r"(?!__)"
"""A regular expression for their names, which looks at a name from its start, as `re.match` does."""
