"""librdkafka's mock cluster as a process of its own: prints its address, serves until its input ends.

C, in memory, 5 MiB per partition, no CRC and no disk: a lower bound of what the protocol costs.
"""

import sys

from confluent_kafka import Producer

if __name__ == "__main__":
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "unused", "log_level": 3})
    broker = next(iter(cluster.list_topics(timeout=10).brokers.values()))
    print(f"{broker.host}:{broker.port}", flush=True)
    sys.stdin.read()
