"""What tests lean on: outside services found or started, and checkers."""
