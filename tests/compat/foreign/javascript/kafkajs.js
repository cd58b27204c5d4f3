// What a program does with kafkajs, one deed at a time: `node kafkajs.js BOOTSTRAP DEED NAME`.
// Topics and groups are made under NAME; what was seen is printed as one line of JSON.

const path = require("node:path");
const { createRequire } = require("node:module");

const fromCache = createRequire(path.join(process.env.TIVO_NODE_MODULES, "index.js"));
const { Kafka, CompressionTypes, ConfigResourceTypes, logLevel } = fromCache("kafkajs");

const [bootstrap, deed, name] = process.argv.slice(2);
const kafka = new Kafka({
  brokers: [bootstrap],
  clientId: "kafkajs-test",
  logLevel: logLevel.ERROR,
  retry: { initialRetryTime: 50, retries: 8 },
});

const texts = (count, from = 0) => Array.from({ length: count }, (_, index) => `value ${from + index}`);

async function withAdmin(work) {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

async function produce(values, settings = {}, { topic = name, ...record } = {}) {
  const producer = kafka.producer(settings);
  await producer.connect();
  try {
    return await producer.send({ topic, messages: values.map((value) => ({ value })), ...record });
  } finally {
    await producer.disconnect();
  }
}

// The first `count` records that a member of the group is given; it has committed them when it leaves.
async function consume(count, group, { topic = name } = {}) {
  const consumer = kafka.consumer({ groupId: group, sessionTimeout: 6000, heartbeatInterval: 300, maxWaitTimeInMs: 100 });
  const seen = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, (event) => reject(event.payload.error));
    consumer
      .run({
        autoCommit: false,
        eachMessage: async ({ partition, message }) => {
          if (seen.length >= count) return;
          seen.push({ partition, ...message });
          await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(message.offset) + 1n) }]);
          if (seen.length === count) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return seen;
}

const makeTopic = (partitions = 1) =>
  withAdmin((admin) => admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }], waitForLeaders: true }));

const valuesOf = (messages) => messages.map((message) => message.value?.toString() ?? null);

const deeds = {
  async codec() {
    await makeTopic();
    await produce(texts(100), {}, { compression: CompressionTypes.GZIP });
    await produce(texts(100, 100));
    return valuesOf(await consume(200, `${name}-group`));
  },

  async record() {
    await makeTopic();
    const producer = kafka.producer();
    await producer.connect();
    const messages = [
      { key: "key", value: "value", headers: { colour: "red" }, timestamp: "1234567890123" },
      { key: "gone", value: null },
    ];
    await producer.send({ topic: name, messages, acks: -1 });
    await producer.disconnect();
    const [first, second] = await consume(2, `${name}-group`);
    return {
      key: first.key.toString(),
      value: first.value.toString(),
      colour: first.headers.colour.toString(),
      timestamp: first.timestamp,
      tombstone: second.value,
    };
  },

  async idempotent() {
    await makeTopic();
    const sent = await produce(texts(50), { idempotent: true, maxInFlightRequests: 1 });
    return { errors: sent.map((each) => each.errorCode), values: valuesOf(await consume(50, `${name}-group`)) };
  },

  async group() {
    await makeTopic();
    await produce(texts(10));
    const first = valuesOf(await consume(4, `${name}-group`));
    const second = valuesOf(await consume(6, `${name}-group`));
    return { first, second };
  },

  // Two members share four partitions; when one leaves, the other has them all.
  async rebalance() {
    await makeTopic(4);
    const shares = {};
    const member = async (clientId) => {
      const consumer = new Kafka({ brokers: [bootstrap], clientId, logLevel: logLevel.NOTHING }).consumer({
        groupId: `${name}-group`,
        sessionTimeout: 6000,
        heartbeatInterval: 100,
        rebalanceTimeout: 3000,
        maxWaitTimeInMs: 100, // it sends heartbeats between its fetches only
      });
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        shares[clientId] = (payload.memberAssignment[name] ?? []).length;
      });
      await consumer.connect();
      await consumer.subscribe({ topics: [name] });
      await consumer.run({ eachMessage: async () => {} });
      return consumer;
    };
    const until = async (asked) => {
      while (!asked()) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    const one = await member("one");
    const two = await member("two");
    await until(() => shares.one === 2 && shares.two === 2);
    const described = await withAdmin((admin) => admin.describeGroups([`${name}-group`]));
    await one.disconnect();
    await until(() => shares.two === 4);
    await two.disconnect();
    const { state, protocol, members } = described.groups[0];
    return { state, protocol, members: members.map((each) => each.clientId).sort(), left: shares.two };
  },

  async topics() {
    return withAdmin(async (admin) => {
      const configEntries = [{ name: "retention.ms", value: "60000" }];
      const made = await admin.createTopics({
        topics: [{ topic: name, numPartitions: 2, configEntries }],
        waitForLeaders: true,
      });
      const again = await admin.createTopics({ topics: [{ topic: name, numPartitions: 2 }] });
      await admin.createPartitions({ topicPartitions: [{ topic: name, count: 3 }] });
      const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
      const configs = await admin.describeConfigs({
        resources: [{ type: ConfigResourceTypes.TOPIC, name, configNames: ["retention.ms"] }],
      });
      const cluster = await admin.describeCluster();
      await admin.deleteTopics({ topics: [name] });
      return {
        made,
        again,
        partitions: topics[0].partitions.length,
        retention: configs.resources[0].configEntries[0].configValue,
        brokers: cluster.brokers.map(({ host, port }) => `${host}:${port}`),
        listed: (await admin.listTopics()).includes(name),
      };
    });
  },

  async offsets() {
    await makeTopic();
    await produce([], {}, { messages: [1000, 2000, 3000].map((time) => ({ value: "at", timestamp: String(time) })) });
    const groupId = `${name}-group`;
    await consume(3, groupId);
    return withAdmin(async (admin) => {
      const [ends] = await admin.fetchTopicOffsets(name);
      const [timed] = await admin.fetchTopicOffsetsByTimestamp(name, 1500);
      const committed = async () => (await admin.fetchOffsets({ groupId, topics: [name] }))[0].partitions[0].offset;
      const before = await committed();
      await admin.setOffsets({ groupId, topic: name, partitions: [{ partition: 0, offset: "1" }] });
      const set = await committed();
      await admin.resetOffsets({ groupId, topic: name, earliest: true });
      const reset = await committed();
      const listed = (await admin.listGroups()).groups.some((group) => group.groupId === groupId);
      await admin.deleteGroups([groupId]);
      return { low: ends.low, high: ends.high, timed: timed.offset, before, set, reset, listed };
    });
  },

  // What was committed is read, with the offsets that went along; what was aborted is not.
  async transaction() {
    await makeTopic();
    const group = `${name}-group`;
    await produce(["input"], {}, { topic: name });
    await consume(1, group);
    const producer = kafka.producer({ transactionalId: `${name}-id`, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const committed = await producer.transaction();
    await committed.send({ topic: name, messages: texts(3).map((value) => ({ value })) });
    await committed.sendOffsets({
      consumerGroupId: group,
      topics: [{ topic: name, partitions: [{ partition: 0, offset: "1" }] }],
    });
    await committed.commit();
    const aborted = await producer.transaction();
    await aborted.send({ topic: name, messages: [{ value: "never" }] });
    await aborted.abort();
    await producer.disconnect();
    await produce(["last"]);
    return valuesOf(await consume(5, `${name}-reader`));
  },
};

deeds[deed]().then(
  (seen) => console.log(JSON.stringify(seen)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
