"""The `tivo` command."""

from tivo.cli import main

if __name__ == "__main__":
    main()
