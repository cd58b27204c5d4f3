"""HTTP and WebSocket on one port: produce, read, play back, tail."""
