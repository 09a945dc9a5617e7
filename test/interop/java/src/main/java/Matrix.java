import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.*;

/**
 * The features of the interop table with the Java client, of any version from 2.8 on: only what all of them have is called
 * here. Each check has a topic and a group of its own.
 */
public class Matrix {
    static final long PATIENCE_MS = 40_000;
    static String bootstrap;
    static String prefix;

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        prefix = "java-" + Results.version() + "-" + System.nanoTime();
        Results results = new Results();
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            results.add("produce-" + codec, () -> roundTrip("produce-" + codec, codec, "all", false));
        }
        for (String acks : List.of("0", "1", "all")) results.add("acks-" + acks, () -> roundTrip("acks-" + acks, "none", acks, false));
        results.add("group-rebalance", () -> new Rebalance(topic("group-rebalance", Rebalance.PARTITIONS)).run());
        results.add("commit-sync", () -> commit("commit-sync", false));
        results.add("commit-async", () -> commit("commit-async", true));
        results.add("seek-offset", () -> seek("seek-offset", (c, tp, first) -> c.seek(tp, 11), 11));
        results.add("seek-beginning", () -> seek("seek-beginning", (c, tp, first) -> c.seekToBeginning(List.of(tp)), 0));
        results.add("seek-end", Matrix::seekEnd);
        results.add("seek-timestamp", () -> seek("seek-timestamp",
            (c, tp, first) -> c.seek(tp, c.offsetsForTimes(Map.of(tp, first + 6500)).get(tp).offset()), 7));
        results.add("reset-earliest", () -> expect(joined("earliest", seekTopic("reset-earliest", 0)), 0, 1));
        results.add("reset-latest", () -> onlyNew(joined("latest", seekTopic("reset-latest", 0)), name("reset-latest")));
        results.add("idempotence", () -> roundTrip("idempotence", "lz4", "all", true));
        results.add("list-topics", Matrix::listTopics);
        results.add("create-topic", Matrix::createTopic);
        results.add("alter-topic", Matrix::alterTopic);
        results.add("delete-topic", Matrix::deleteTopic);
        results.add("describe-configs", Matrix::describeConfigs);
        results.add("alter-configs", Matrix::alterConfigs);
        results.add("list-groups", Matrix::listGroups);
        System.exit(results.run() ? 0 : 1);
    }

    static String name(String id) {
        return prefix + "-" + id;
    }

    static byte[] bytes(String s) {
        return s.getBytes(StandardCharsets.UTF_8);
    }

    static KafkaProducer<byte[], byte[]> producer(String codec, String acks, boolean idempotent) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        p.put("compression.type", codec);
        p.put("acks", acks);
        p.put("enable.idempotence", String.valueOf(idempotent));
        p.put("linger.ms", "2");
        p.put("delivery.timeout.ms", "30000");
        p.put("request.timeout.ms", "10000");
        return new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static KafkaConsumer<byte[], byte[]> consumer(String group, String reset) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        if (group != null) p.put("group.id", group);
        p.put("auto.offset.reset", reset);
        p.put("enable.auto.commit", "false");
        p.put("allow.auto.create.topics", "false");
        p.put("heartbeat.interval.ms", "1000");
        return new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** A consumer with what it has polled and not yet handed out. */
    static class Reader implements AutoCloseable {
        final KafkaConsumer<byte[], byte[]> consumer;
        final Deque<ConsumerRecord<byte[], byte[]>> polled = new ArrayDeque<>();

        Reader(KafkaConsumer<byte[], byte[]> consumer) {
            this.consumer = consumer;
        }

        ConsumerRecord<byte[], byte[]> next() {
            long deadline = System.currentTimeMillis() + PATIENCE_MS;
            while (polled.isEmpty()) {
                Results.require(System.currentTimeMillis() < deadline, "no record in %d ms; assigned %s", PATIENCE_MS, consumer.assignment());
                consumer.poll(Duration.ofMillis(100)).forEach(polled::add);
            }
            return polled.remove();
        }

        @Override
        public void close() {
            consumer.close();
        }
    }

    static Reader reading(String topic, int partition) {
        Reader r = new Reader(consumer(null, "earliest"));
        r.consumer.assign(List.of(new TopicPartition(topic, partition)));
        return r;
    }

    /** A member of the group that is named like the topic. */
    static Reader joined(String reset, String topic) {
        Reader r = new Reader(consumer(topic, reset));
        r.consumer.subscribe(List.of(topic));
        return r;
    }

    interface Use {
        void of(Admin admin) throws Exception;
    }

    static void admin(Use use) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            use.of(admin);
        }
    }

    static String topic(String id, int partitions) throws Exception {
        admin(a -> a.createTopics(List.of(new NewTopic(name(id), partitions, (short) 1))).all().get());
        shows(name(id), partitions);
        return name(id);
    }

    /** Waits until the cluster says that a topic has so many partitions. */
    static void shows(String topic, int partitions) throws Exception {
        try (KafkaConsumer<byte[], byte[]> c = consumer(null, "earliest")) {
            until(() -> c.listTopics().getOrDefault(topic, List.of()).size(), partitions);
        }
    }

    /** Asks again until the answer is the wanted one, for ten seconds. */
    static <T> void until(Callable<T> ask, T want) throws Exception {
        long deadline = System.currentTimeMillis() + 10_000;
        for (T got = ask.call(); !want.equals(got); got = ask.call()) {
            Results.require(System.currentTimeMillis() < deadline, "it is %s, want %s", got, want);
            Thread.sleep(100);
        }
    }

    static List<ProducerRecord<byte[], byte[]>> sample(String topic, int partition, int from, int n) {
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        for (int i = from; i < from + n; i++) {
            byte[] value = i % 25 == 10 ? null : bytes(i + " " + "compressible ".repeat(20));
            ProducerRecord<byte[], byte[]> r = new ProducerRecord<>(topic, partition, 1_700_000_000_000L + i, bytes("key " + i), value);
            r.headers().add("number", bytes("" + i)).add("number", bytes("twice")).add("null", null);
            records.add(r);
        }
        return records;
    }

    static void send(KafkaProducer<byte[], byte[]> p, List<ProducerRecord<byte[], byte[]>> records, long base) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (ProducerRecord<byte[], byte[]> r : records) sent.add(p.send(r));
        for (Future<RecordMetadata> f : sent) {
            long offset = f.get().offset();
            Results.require(base < 0 || offset == base, "acknowledged at offset %d, want %d", offset, base);
            if (base >= 0) base++;
        }
    }

    static void same(ConsumerRecord<byte[], byte[]> got, ProducerRecord<byte[], byte[]> want, long offset) {
        Results.require(got.offset() == offset, "offset %d, want %d", got.offset(), offset);
        Results.require(Arrays.equals(got.key(), want.key()), "%d: key %s", offset, Results.text(got.key()));
        Results.require(Arrays.equals(got.value(), want.value()), "%d: value %s", offset, Results.text(got.value()));
        Results.require(want.timestamp() == null || got.timestamp() == want.timestamp(), "%d: timestamp %d", offset, got.timestamp());
        List<Header> a = Arrays.asList(got.headers().toArray()), b = Arrays.asList(want.headers().toArray());
        Results.require(a.equals(b), "%d: headers %s, want %s", offset, a, b);
    }

    /** Sends in three flushes and reads back; what follows is the marker, so nothing came twice. */
    static void roundTrip(String id, String codec, String acks, boolean idempotent) throws Exception {
        String topic = topic(id, 1);
        List<ProducerRecord<byte[], byte[]>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> p = producer(codec, acks, idempotent)) {
            for (int i = 0; i < 3; i++) {
                List<ProducerRecord<byte[], byte[]>> part = sample(topic, 0, i * 50, 50);
                send(p, part, acks.equals("0") ? -1 : sent.size());
                sent.addAll(part);
            }
            List<ProducerRecord<byte[], byte[]>> marker = List.of(new ProducerRecord<>(topic, 0, null, bytes("the end")));
            send(p, marker, -1);
            sent.addAll(marker);
        }
        try (Reader r = reading(topic, 0)) {
            for (int i = 0; i < sent.size(); i++) same(r.next(), sent.get(i), i);
        }
    }

    /** A topic of 20 records, one second apart from first on. */
    static String seekTopic(String id, long first) throws Exception {
        String topic = topic(id, 1);
        try (KafkaProducer<byte[], byte[]> p = producer("none", "all", false)) {
            List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
            for (int i = 0; i < 20; i++) records.add(new ProducerRecord<>(topic, 0, first + i * 1000L, null, bytes("" + i)));
            send(p, records, 0);
        }
        return topic;
    }

    static void wanted(ConsumerRecord<byte[], byte[]> r, long offset) {
        String value = new String(r.value(), StandardCharsets.UTF_8);
        Results.require(r.offset() == offset && value.equals("" + offset), "offset %d with value %s, want %d", r.offset(), value, offset);
    }

    /** Reads n records of a seekTopic and closes. */
    static void expect(Reader from, long offset, int n) {
        try (Reader r = from) {
            for (int i = 0; i < n; i++) wanted(r.next(), offset + i);
        }
    }

    interface Seek {
        void in(KafkaConsumer<byte[], byte[]> c, TopicPartition tp, long first);
    }

    static void seek(String id, Seek seek, long offset) throws Exception {
        long first = System.currentTimeMillis() - 3_600_000;
        String topic = seekTopic(id, first);
        Reader r = reading(topic, 0);
        for (int i = 0; i < 3; i++) wanted(r.next(), i);
        r.polled.clear();
        seek.in(r.consumer, new TopicPartition(topic, 0), first);
        expect(r, offset, 3);
    }

    static void seekEnd() throws Exception {
        String topic = seekTopic("seek-end", 0);
        Reader r = reading(topic, 0);
        wanted(r.next(), 0);
        r.polled.clear();
        r.consumer.seekToEnd(r.consumer.assignment());
        Results.require(r.consumer.position(new TopicPartition(topic, 0)) == 20, "the end is not 20");
        onlyNew(r, topic);
    }

    /** A consumer at the end of a seekTopic gets what is sent from now on; records are sent until one arrives. */
    static void onlyNew(Reader from, String topic) throws Exception {
        try (Reader r = from; KafkaProducer<byte[], byte[]> p = producer("none", "all", false)) {
            long deadline = System.currentTimeMillis() + PATIENCE_MS;
            for (int i = 20; r.polled.isEmpty(); i++) {
                Results.require(System.currentTimeMillis() < deadline, "nothing of what was sent since has come");
                r.consumer.poll(Duration.ofMillis(300)).forEach(r.polled::add);
                send(p, List.of(new ProducerRecord<>(topic, 0, null, bytes("" + i))), i);
            }
            ConsumerRecord<byte[], byte[]> got = r.next();
            Results.require(got.offset() >= 20, "an old record at offset %d", got.offset());
            wanted(got, got.offset());
        }
    }

    static void commit(String id, boolean async) throws Exception {
        String topic = seekTopic(id, 0);
        TopicPartition tp = new TopicPartition(topic, 0);
        try (Reader r = joined("earliest", topic)) {
            for (int i = 0; i < 7; i++) wanted(r.next(), i);
            Map<TopicPartition, OffsetAndMetadata> seven = Map.of(tp, new OffsetAndMetadata(7, "a note"));
            if (async) {
                List<Object> answers = new ArrayList<>();
                r.consumer.commitAsync(seven, (offsets, e) -> answers.add(e == null ? offsets : e));
                for (int i = 0; i < 200 && answers.isEmpty(); i++) r.consumer.poll(Duration.ofMillis(50));
                Results.require(answers.equals(List.of(seven)), "the callback was told %s", answers);
            } else {
                r.consumer.commitSync(seven);
            }
            admin(a -> {
                OffsetAndMetadata has = a.listConsumerGroupOffsets(topic).partitionsToOffsetAndMetadata().get().get(tp);
                Results.require(has != null && has.offset() == 7 && has.metadata().equals("a note"), "the broker has the commit %s", has);
            });
        }
        expect(joined("earliest", topic), 7, 3);
    }

    static void listTopics() throws Exception {
        for (int n = 1; n <= 3; n++) topic("list-topics-" + n, n);
        admin(a -> until(() -> a.listTopics().names().get().stream().filter(n -> n.startsWith(name("list-topics-"))).count(), 3L));
    }

    static void createTopic() throws Exception {
        topic("create-topic", 3);
        try {
            topic("create-topic", 3);
        } catch (ExecutionException e) {
            Results.require(e.getCause() instanceof org.apache.kafka.common.errors.TopicExistsException, "twice: %s", e.getCause());
            return;
        }
        Results.require(false, "a topic can be created twice");
    }

    static void alterTopic() throws Exception {
        String topic = topic("alter-topic", 2);
        admin(a -> a.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get());
        shows(topic, 5);
        List<ProducerRecord<byte[], byte[]>> records = sample(topic, 4, 0, 10);
        try (KafkaProducer<byte[], byte[]> p = producer("none", "all", false)) {
            send(p, records, 0);
        }
        try (Reader r = reading(topic, 4)) {
            for (int i = 0; i < records.size(); i++) same(r.next(), records.get(i), i);
        }
    }

    static void deleteTopic() throws Exception {
        String topic = topic("delete-topic", 1);
        admin(a -> a.deleteTopics(List.of(topic)).all().get());
        shows(topic, 0);
    }

    static Map<String, String> configs(Admin a, String topic) throws Exception {
        ConfigResource r = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Map<String, String> out = new HashMap<>();
        a.describeConfigs(List.of(r)).all().get().get(r).entries().forEach(e -> out.put(e.name(), e.value()));
        return out;
    }

    static void describeConfigs() throws Exception {
        String topic = name("describe-configs");
        admin(a -> {
            a.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(Map.of("retention.ms", "3600000")))).all().get();
            shows(topic, 1);
            until(() -> configs(a, topic).get("retention.ms"), "3600000");
            until(() -> configs(a, topic).get("cleanup.policy"), "delete");
        });
    }

    static void alterConfigs() throws Exception {
        String topic = topic("alter-configs", 1);
        AlterConfigOp set = new AlterConfigOp(new ConfigEntry("max.message.bytes", "54321"), AlterConfigOp.OpType.SET);
        admin(a -> {
            a.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic), Collections.singleton(set))).all().get();
            until(() -> configs(a, topic).get("max.message.bytes"), "54321");
        });
    }

    static void listGroups() throws Exception {
        String topic = seekTopic("list-groups", 0);
        admin(a -> {
            Callable<String> state = () -> {
                boolean listed = a.listConsumerGroups().all().get().stream().anyMatch(g -> g.groupId().equals(topic));
                return listed ? a.describeConsumerGroups(List.of(topic)).all().get().get(topic).state().toString() : "not listed";
            };
            try (Reader r = joined("earliest", topic)) {
                wanted(r.next(), 0);
                r.consumer.commitSync();
                until(state, "Stable");
            }
            until(state, "Empty");
        });
    }
}
