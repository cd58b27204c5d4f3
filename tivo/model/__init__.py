"""The nouns of tivo: plain values that every room may use and that use no room."""
