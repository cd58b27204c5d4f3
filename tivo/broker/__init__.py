"""The Kafka-compatible server: brokers of one, on the log of this machine."""
