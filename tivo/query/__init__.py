"""What people ask of events, in text: filter expressions, read once and made into functions (pure)."""
