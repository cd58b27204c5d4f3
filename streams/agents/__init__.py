"""The agents: what is done with the pages that come in."""
