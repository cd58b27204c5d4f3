// What a program does with kafka-go, one deed at a time: `kafkago BOOTSTRAP DEED NAME`.
// Topics and groups are made under NAME; what was seen is printed as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/segmentio/kafka-go"
)

var (
	bootstrap, name string
	inTime          context.Context
)

func main() {
	bootstrap, name = os.Args[1], os.Args[3]
	var stop context.CancelFunc
	inTime, stop = context.WithTimeout(context.Background(), 40*time.Second)
	defer stop()
	deeds := map[string]func() (any, error){
		"codecs":  codecs,
		"record":  record,
		"group":   group,
		"offsets": offsets,
		"topics":  topics,
	}
	seen, err := deeds[os.Args[2]]()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(seen)
}

func client() *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(bootstrap), Timeout: 10 * time.Second}
}

func makeTopic(partitions int) error {
	answer, err := client().CreateTopics(inTime, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}},
	})
	if err != nil {
		return err
	}
	return answer.Errors[name]
}

func produce(codec kafka.Compression, messages ...kafka.Message) error {
	writer := &kafka.Writer{
		Addr:         kafka.TCP(bootstrap),
		Topic:        name,
		RequiredAcks: kafka.RequireAll,
		Compression:  codec,
		BatchTimeout: 5 * time.Millisecond,
		Transport:    &kafka.Transport{}, // the default one knows topics for six seconds
	}
	defer writer.Close()
	return writer.WriteMessages(inTime, messages...)
}

func values(texts ...string) []kafka.Message {
	messages := []kafka.Message{}
	for _, text := range texts {
		messages = append(messages, kafka.Message{Value: []byte(text)})
	}
	return messages
}

func read(config kafka.ReaderConfig, count int) ([]kafka.Message, error) {
	config.Brokers, config.Topic, config.MaxWait = []string{bootstrap}, name, 100*time.Millisecond
	reader := kafka.NewReader(config)
	defer reader.Close()
	seen := []kafka.Message{}
	for len(seen) < count {
		message, err := reader.ReadMessage(inTime) // in a group it commits, too
		if err != nil {
			return nil, fmt.Errorf("%d of %d records came: %w", len(seen), count, err)
		}
		seen = append(seen, message)
	}
	return seen, nil
}

func valuesOf(messages []kafka.Message) []string {
	texts := []string{}
	for _, message := range messages {
		texts = append(texts, string(message.Value))
	}
	return texts
}

func codecs() (any, error) {
	if err := makeTopic(1); err != nil {
		return nil, err
	}
	all := []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd}
	for _, codec := range all {
		if err := produce(codec, values(codec.String()+" 1", codec.String()+" 2")...); err != nil {
			return nil, err
		}
	}
	seen, err := read(kafka.ReaderConfig{}, 2*len(all))
	return valuesOf(seen), err
}

func record() (any, error) {
	if err := makeTopic(1); err != nil {
		return nil, err
	}
	given := kafka.Message{
		Key:     []byte("key"),
		Headers: []kafka.Header{{Key: "colour", Value: []byte("red")}},
		Time:    time.UnixMilli(1234567890123),
	}
	if err := produce(0, given); err != nil {
		return nil, err
	}
	seen, err := read(kafka.ReaderConfig{}, 1)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"key":     string(seen[0].Key),
		"null":    seen[0].Value == nil,
		"colour":  string(seen[0].Headers[0].Value),
		"time_ms": seen[0].Time.UnixMilli(),
	}, nil
}

func group() (any, error) {
	if err := makeTopic(1); err != nil {
		return nil, err
	}
	if err := produce(0, values("1", "2", "3", "4")...); err != nil {
		return nil, err
	}
	seen := [][]string{}
	for range 2 {
		config := kafka.ReaderConfig{GroupID: name + "-group", StartOffset: kafka.FirstOffset}
		part, err := read(config, 2)
		if err != nil {
			return nil, err
		}
		seen = append(seen, valuesOf(part))
	}
	return seen, nil
}

func offsets() (any, error) {
	if err := makeTopic(1); err != nil {
		return nil, err
	}
	for _, second := range []int64{1, 2, 3} {
		if err := produce(0, kafka.Message{Value: []byte("at"), Time: time.Unix(second, 0)}); err != nil {
			return nil, err
		}
	}
	answer, err := client().ListOffsets(inTime, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		name: {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0), kafka.TimeOffsetOf(0, time.UnixMilli(1500))},
	}})
	if err != nil {
		return nil, err
	}
	told := answer.Topics[name][0]
	timed := int64(-1)
	for offset := range told.Offsets {
		timed = offset
	}
	return map[string]int64{"oldest": told.FirstOffset, "newest": told.LastOffset, "timed": timed}, told.Error
}

func topics() (any, error) {
	if err := makeTopic(2); err != nil {
		return nil, err
	}
	refused := makeTopic(2)
	grown, err := client().CreatePartitions(inTime, &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: name, Count: 3}},
	})
	if err != nil {
		return nil, err
	}
	conn, err := kafka.DialContext(inTime, "tcp", bootstrap)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	partitions, err := conn.ReadPartitions(name)
	if err != nil {
		return nil, err
	}
	if err := conn.DeleteTopics(name); err != nil {
		return nil, err
	}
	return map[string]any{
		"refused":    errors.Is(refused, kafka.TopicAlreadyExists),
		"grown":      grown.Errors[name] == nil,
		"partitions": len(partitions),
	}, nil
}
