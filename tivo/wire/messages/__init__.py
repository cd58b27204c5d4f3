"""Kafka's messages, one file per API: every field declared once, with the versions that have it."""
