// What a program does with sarama, one deed at a time: `sarama BOOTSTRAP DEED NAME`.
// Topics and groups are made under NAME; what was seen is printed as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/IBM/sarama"
)

var bootstrap, name string

func main() {
	bootstrap, name = os.Args[1], os.Args[3]
	deeds := map[string]func() (any, error){
		"codecs":      codecs,
		"record":      record,
		"idempotent":  idempotent,
		"group":       group,
		"offsets":     offsets,
		"topics":      topics,
		"transaction": transaction,
	}
	seen, err := deeds[os.Args[2]]()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(seen)
}

func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V3_6_0_0
	c.Producer.Return.Successes = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Return.Errors = true
	return c
}

func makeTopic(partitions int32) error {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	if err != nil {
		return err
	}
	defer admin.Close()
	return admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false)
}

// Produces values in one call, to partition 0; gives the offset of the last.
func produce(c *sarama.Config, values ...string) (int64, error) {
	producer, err := sarama.NewSyncProducer([]string{bootstrap}, c)
	if err != nil {
		return 0, err
	}
	defer producer.Close()
	var messages []*sarama.ProducerMessage
	for _, value := range values {
		messages = append(messages, &sarama.ProducerMessage{Topic: name, Value: sarama.StringEncoder(value)})
	}
	if err := producer.SendMessages(messages); err != nil {
		return 0, err
	}
	return messages[len(messages)-1].Offset, nil
}

// The first `count` records of partition 0.
func consume(c *sarama.Config, count int) ([]*sarama.ConsumerMessage, error) {
	consumer, err := sarama.NewConsumer([]string{bootstrap}, c)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(name, 0, sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	defer partition.Close()
	var seen []*sarama.ConsumerMessage
	for len(seen) < count {
		select {
		case message := <-partition.Messages():
			seen = append(seen, message)
		case err := <-partition.Errors():
			return nil, err
		case <-time.After(20 * time.Second):
			return nil, fmt.Errorf("%d of %d records came", len(seen), count)
		}
	}
	return seen, nil
}

func valuesOf(messages []*sarama.ConsumerMessage) []string {
	values := []string{}
	for _, message := range messages {
		values = append(values, string(message.Value))
	}
	return values
}

func codecs() (any, error) {
	if err := makeTopic(1); err != nil {
		return nil, err
	}
	all := []sarama.CompressionCodec{
		sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4, sarama.CompressionZSTD,
	}
	for _, codec := range all {
		c := config()
		c.Producer.Compression = codec
		if _, err := produce(c, codec.String()+" 1", codec.String()+" 2"); err != nil {
			return nil, err
		}
	}
	seen, err := consume(config(), 2*len(all))
	return valuesOf(seen), err
}

func record() (any, error) {
	if err := makeTopic(1); err != nil {
		return nil, err
	}
	producer, err := sarama.NewSyncProducer([]string{bootstrap}, config())
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	_, offset, err := producer.SendMessage(&sarama.ProducerMessage{
		Topic:     name,
		Key:       sarama.StringEncoder("key"),
		Headers:   []sarama.RecordHeader{{Key: []byte("colour"), Value: []byte("red")}},
		Timestamp: time.UnixMilli(1234567890123),
	})
	if err != nil {
		return nil, err
	}
	seen, err := consume(config(), 1)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"offset":  offset,
		"key":     string(seen[0].Key),
		"null":    seen[0].Value == nil,
		"colour":  string(seen[0].Headers[0].Value),
		"time_ms": seen[0].Timestamp.UnixMilli(),
	}, nil
}

func idempotent() (any, error) {
	if err := makeTopic(1); err != nil {
		return nil, err
	}
	c := config()
	c.Producer.Idempotent = true
	c.Net.MaxOpenRequests = 1
	if _, err := produce(c, "one", "two", "three"); err != nil {
		return nil, err
	}
	seen, err := consume(config(), 3)
	return valuesOf(seen), err
}

// Reads a group until it has `most` records, and commits each.
type reader struct {
	most int
	seen []string
	stop context.CancelFunc
}

func (r *reader) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (r *reader) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (r *reader) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			r.seen = append(r.seen, string(message.Value))
			session.MarkMessage(message, "")
			if len(r.seen) == r.most {
				r.stop()
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func readGroup(c *sarama.Config, most int) ([]string, error) {
	consumers, err := sarama.NewConsumerGroup([]string{bootstrap}, name+"-group", c)
	if err != nil {
		return nil, err
	}
	defer consumers.Close()
	inTime, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	r := &reader{most: most, stop: stop}
	for inTime.Err() == nil {
		if err := consumers.Consume(inTime, []string{name}, r); err != nil {
			return nil, err
		}
	}
	return r.seen, nil
}

// Each of the strategies goes on where the one before it left off, the last as a static member.
func group() (any, error) {
	if err := makeTopic(1); err != nil {
		return nil, err
	}
	if _, err := produce(config(), "1", "2", "3", "4", "5", "6"); err != nil {
		return nil, err
	}
	strategies := []sarama.BalanceStrategy{
		sarama.NewBalanceStrategyRange(), sarama.NewBalanceStrategyRoundRobin(), sarama.NewBalanceStrategySticky(),
	}
	seen := [][]string{}
	for index, strategy := range strategies {
		c := config()
		c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
		if index == len(strategies)-1 {
			c.Consumer.Group.InstanceId = "static-one"
		}
		part, err := readGroup(c, 2)
		if err != nil {
			return nil, err
		}
		seen = append(seen, part)
	}
	return seen, nil
}

func offsets() (any, error) {
	if err := makeTopic(1); err != nil {
		return nil, err
	}
	c := config()
	client, err := sarama.NewClient([]string{bootstrap}, c)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return nil, err
	}
	for _, second := range []int64{1, 2, 3} {
		message := &sarama.ProducerMessage{Topic: name, Value: sarama.StringEncoder("at"), Timestamp: time.Unix(second, 0)}
		if _, _, err := producer.SendMessage(message); err != nil {
			return nil, err
		}
	}
	found := map[string]int64{}
	for what, at := range map[string]int64{"oldest": sarama.OffsetOldest, "newest": sarama.OffsetNewest, "timed": 1500} {
		if found[what], err = client.GetOffset(name, 0, at); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func topics() (any, error) {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	age, again := "60000", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}
	detail := &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": &age}}
	if err := admin.CreateTopic(name, detail, false); err != nil {
		return nil, err
	}
	refused := admin.CreateTopic(name, again, false)
	if err := admin.CreatePartitions(name, 3, nil, false); err != nil {
		return nil, err
	}
	listed, err := admin.ListTopics()
	if err != nil {
		return nil, err
	}
	later := "70000"
	change := map[string]sarama.IncrementalAlterConfigsEntry{"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &later}}
	if err := admin.IncrementalAlterConfig(sarama.TopicResource, name, change, false); err != nil {
		return nil, err
	}
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: name, ConfigNames: []string{"retention.ms"}})
	if err != nil {
		return nil, err
	}
	if err := admin.DeleteRecords(name, map[int32]int64{0: 0}); err != nil {
		return nil, err
	}
	if err := admin.DeleteTopic(name); err != nil {
		return nil, err
	}
	left, err := admin.ListTopics()
	_, there := left[name]
	return map[string]any{
		"refused":    refused != nil,
		"partitions": listed[name].NumPartitions,
		"made with":  listed[name].ConfigEntries["retention.ms"],
		"changed to": entries[0].Value,
		"left":       there,
	}, err
}

// What was committed is read by whoever reads committed records, with the offsets that went along; what was aborted is not.
func transaction() (any, error) {
	if err := makeTopic(1); err != nil {
		return nil, err
	}
	c := config()
	c.Producer.Idempotent = true
	c.Producer.Transaction.ID = name + "-id"
	c.Net.MaxOpenRequests = 1
	producer, err := sarama.NewSyncProducer([]string{bootstrap}, c)
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	for _, value := range []string{"one", "aborted", "two"} {
		if err := producer.BeginTxn(); err != nil {
			return nil, err
		}
		message := &sarama.ProducerMessage{Topic: name, Value: sarama.StringEncoder(value)}
		if _, _, err := producer.SendMessage(message); err != nil {
			return nil, err
		}
		if value == "aborted" {
			err = producer.AbortTxn()
		} else {
			place := &sarama.PartitionOffsetMetadata{Partition: 0, Offset: 7}
			if err := producer.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{name: {place}}, name+"-group"); err != nil {
				return nil, err
			}
			err = producer.CommitTxn()
		}
		if err != nil {
			return nil, err
		}
	}
	committed := config()
	committed.Consumer.IsolationLevel = sarama.ReadCommitted
	seen, err := consume(committed, 2)
	if err != nil {
		return nil, err
	}
	all, err := consume(config(), 3)
	if err != nil {
		return nil, err
	}
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	noted, err := admin.ListConsumerGroupOffsets(name+"-group", map[string][]int32{name: {0}})
	if err != nil {
		return nil, err
	}
	everything := valuesOf(all)
	sort.Strings(everything)
	return map[string]any{"committed": valuesOf(seen), "all": everything, "noted": noted.GetBlock(name, 0).Offset}, nil
}
