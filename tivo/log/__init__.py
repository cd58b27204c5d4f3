"""The append-only log on disk: plain synchronous files, no event loop."""
