"""Kafka bytes ⇄ messages: pure, no socket, no clock."""
