"""`python -m streams` runs the agent."""

from streams.app import main

if __name__ == "__main__":
    main()
