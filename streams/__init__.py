"""The Faust app: takes whole pages of records from Kafka and persists them into a store."""
