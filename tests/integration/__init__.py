"""The agent as a process against a real Kafka and the embedded broker, the store checked value by value."""
