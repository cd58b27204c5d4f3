"""Our codec against two others, byte for byte."""
