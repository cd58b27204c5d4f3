"""tivo as a guest: what it asks of a Kafka cluster and of its own gateway."""
