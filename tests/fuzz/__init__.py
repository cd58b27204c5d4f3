"""Inputs that nobody wrote by hand: budgeted in `make test`, longer by `make fuzz`."""
