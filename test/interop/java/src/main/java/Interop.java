import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

/** Uses one Milena node as any Java program uses Kafka; exits 1 at the first wrong answer. */
public class Interop {
    static String bootstrap;

    interface Check {
        void run() throws Exception;
    }

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        check("classic example", Interop::classicExample);
        check("every codec and acks level", Interop::codecsAndAcks);
        check("two members share a group", Interop::groupOfTwo);
        check("cooperative-sticky and static membership", Interop::cooperativeStatic);
        check("commit, seek and offsets for times", Interop::commitSeek);
        check("admin", Interop::admin);
        check("errors", Interop::errors);
        System.out.println("java: ok");
        System.exit(0);
    }

    static void check(String name, Check c) throws Exception {
        long start = System.nanoTime();
        c.run();
        System.out.printf("  %s (%d ms)%n", name, (System.nanoTime() - start) / 1_000_000);
    }

    static void require(boolean ok, String what, Object... args) {
        if (!ok) {
            System.err.printf("FAILED: " + what + "%n", args);
            System.exit(1);
        }
    }

    static Properties producerProps() {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        p.put("key.serializer", StringSerializer.class.getName());
        p.put("value.serializer", StringSerializer.class.getName());
        p.put("delivery.timeout.ms", "20000");
        p.put("request.timeout.ms", "10000");
        return p;
    }

    static Properties consumerProps(String group) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        if (group != null) p.put("group.id", group);
        p.put("auto.offset.reset", "earliest");
        p.put("enable.auto.commit", "false");
        p.put("key.deserializer", StringDeserializer.class.getName());
        p.put("value.deserializer", StringDeserializer.class.getName());
        return p;
    }

    static String fresh(String prefix) {
        return prefix + "-" + UUID.randomUUID();
    }

    static void createTopic(String name, int partitions, Map<String, String> configs) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(configs))).all().get();
        }
    }

    /** The example of every introduction: localhost, my_topic, StringSerializer, no topic made beforehand. */
    static void classicExample() {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        p.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        p.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(p)) {
            for (int i = 0; i < 100; i++) producer.send(new ProducerRecord<>("my_topic", "key-" + i, "value-" + i));
        }
        Properties c = new Properties();
        c.put("bootstrap.servers", bootstrap);
        c.put("group.id", "my_group");
        c.put("auto.offset.reset", "earliest");
        c.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        c.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(c)) {
            consumer.subscribe(List.of("my_topic"));
            List<String> got = poll(consumer, 100);
            require(got.size() == 100, "classic example read %d of 100", got.size());
        }
    }

    static List<String> poll(KafkaConsumer<String, String> consumer, int want) {
        List<String> got = new ArrayList<>();
        long deadline = System.currentTimeMillis() + 30_000;
        while (got.size() < want && System.currentTimeMillis() < deadline) {
            for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(200))) got.add(r.value());
        }
        return got;
    }

    static void codecsAndAcks() throws Exception {
        String topic = fresh("codecs");
        createTopic(topic, 1, Map.of());
        List<String> sent = new ArrayList<>();
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            for (String acks : List.of("0", "1", "all")) {
                Properties p = producerProps();
                p.put("compression.type", codec);
                p.put("acks", acks);
                p.put("enable.idempotence", acks.equals("all"));
                p.put("linger.ms", "5");
                try (KafkaProducer<String, String> producer = new KafkaProducer<>(p)) {
                    for (int i = 0; i < 50; i++) {
                        String v = codec + "/" + acks + "/" + i + "/" + "x".repeat(200);
                        producer.send(new ProducerRecord<>(topic, v));
                        sent.add(v);
                    }
                }
            }
        }
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(consumerProps(null))) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            consumer.seekToBeginning(consumer.assignment());
            List<String> got = poll(consumer, sent.size());
            require(got.equals(sent), "read %d records, or another order than the %d sent", got.size(), sent.size());
        }
        String recoded = fresh("recoded");
        createTopic(recoded, 1, Map.of("compression.type", "zstd", "message.timestamp.type", "LogAppendTime"));
        Properties p = producerProps();
        p.put("compression.type", "gzip");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(p)) {
            RecordMetadata m = producer.send(new ProducerRecord<>(recoded, 0, 1L, "k", "v")).get();
            require(m.timestamp() > 1_600_000_000_000L, "LogAppendTime must replace the timestamp, got %d", m.timestamp());
        }
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(consumerProps(null))) {
            consumer.assign(List.of(new TopicPartition(recoded, 0)));
            consumer.seekToBeginning(consumer.assignment());
            require(poll(consumer, 1).equals(List.of("v")), "the recoded record is lost");
        }
    }

    static void groupOfTwo() throws Exception {
        String topic = fresh("group"), group = fresh("g");
        createTopic(topic, 6, Map.of());
        Set<String> all = new HashSet<>();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(producerProps())) {
            for (int i = 0; i < 600; i++) {
                all.add("v" + i);
                producer.send(new ProducerRecord<>(topic, i % 6, null, "v" + i));
            }
        }
        Set<String> got = new HashSet<>();
        KafkaConsumer<String, String> a = new KafkaConsumer<>(consumerProps(group));
        KafkaConsumer<String, String> b = new KafkaConsumer<>(consumerProps(group));
        a.subscribe(List.of(topic));
        b.subscribe(List.of(topic));
        long deadline = System.currentTimeMillis() + 40_000;
        while ((a.assignment().size() != 3 || b.assignment().size() != 3) && System.currentTimeMillis() < deadline) {
            collect(a, got);
            collect(b, got);
        }
        require(a.assignment().size() == 3 && b.assignment().size() == 3, "assignments %s and %s", a.assignment(), b.assignment());
        a.commitSync();
        a.close();
        while (!readToEnd(b, 6, 100) && System.currentTimeMillis() < deadline) collect(b, got);
        require(readToEnd(b, 6, 100), "after one left the other owns %s, not all read to the end", b.assignment());
        require(got.equals(all), "the group read %d of %d values", got.size(), all.size());
        b.commitSync();
        b.close();
        try (KafkaConsumer<String, String> again = new KafkaConsumer<>(consumerProps(group))) {
            again.subscribe(List.of(topic));
            for (int i = 0; i < 20; i++) require(again.poll(Duration.ofMillis(100)).isEmpty(), "records came again after the commit");
        }
    }

    static boolean readToEnd(KafkaConsumer<String, String> c, int partitions, long end) {
        return c.assignment().size() == partitions && c.assignment().stream().allMatch(tp -> c.position(tp) == end);
    }

    static void collect(KafkaConsumer<String, String> c, Collection<String> into) {
        for (ConsumerRecord<String, String> r : c.poll(Duration.ofMillis(100))) into.add(r.value());
    }

    static void cooperativeStatic() throws Exception {
        String topic = fresh("coop"), group = fresh("g");
        createTopic(topic, 4, Map.of());
        Properties p = consumerProps(group);
        p.put("partition.assignment.strategy", CooperativeStickyAssignor.class.getName());
        p.put("group.instance.id", "one");
        Properties q = consumerProps(group);
        q.put("partition.assignment.strategy", CooperativeStickyAssignor.class.getName());
        q.put("group.instance.id", "two");
        KafkaConsumer<String, String> a = new KafkaConsumer<>(p), b = new KafkaConsumer<>(q);
        a.subscribe(List.of(topic));
        b.subscribe(List.of(topic));
        long deadline = System.currentTimeMillis() + 40_000;
        while ((a.assignment().size() != 2 || b.assignment().size() != 2) && System.currentTimeMillis() < deadline) {
            a.poll(Duration.ofMillis(50));
            b.poll(Duration.ofMillis(50));
        }
        require(a.assignment().size() == 2 && b.assignment().size() == 2, "assignments %s and %s", a.assignment(), b.assignment());
        Set<TopicPartition> before = a.assignment();
        a.close(); // a static member that closes does not leave
        a = new KafkaConsumer<>(p);
        a.subscribe(List.of(topic));
        while (!a.assignment().equals(before) && System.currentTimeMillis() < deadline) {
            a.poll(Duration.ofMillis(50));
            b.poll(Duration.ofMillis(50));
        }
        require(a.assignment().equals(before), "the static member came back to %s, had %s", a.assignment(), before);
        a.close();
        b.close();
    }

    static void commitSeek() throws Exception {
        String topic = fresh("seek"), group = fresh("g");
        createTopic(topic, 1, Map.of());
        TopicPartition tp = new TopicPartition(topic, 0);
        long base = System.currentTimeMillis() - 100_000;
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(producerProps())) {
            for (int i = 0; i < 100; i++) producer.send(new ProducerRecord<>(topic, 0, base + i * 1000L, null, "v" + i)).get();
        }
        try (KafkaConsumer<String, String> c = new KafkaConsumer<>(consumerProps(group))) {
            c.assign(List.of(tp));
            c.commitSync(Map.of(tp, new OffsetAndMetadata(40, "half way")));
            require(c.committed(Set.of(tp)).get(tp).metadata().equals("half way"), "metadata of the commit is lost");
            require(poll(c, 1).get(0).equals("v40"), "the consumer did not resume at its commit");
            c.seek(tp, 90);
            require(poll(c, 10).get(0).equals("v90"), "seek to 90");
            c.seekToEnd(List.of(tp));
            require(c.position(tp) == 100, "end is %d", c.position(tp));
            OffsetAndTimestamp t = c.offsetsForTimes(Map.of(tp, base + 54_500)).get(tp);
            require(t.offset() == 55, "offset for time is %d, want 55", t.offset());
            require(c.beginningOffsets(List.of(tp)).get(tp) == 0 && c.endOffsets(List.of(tp)).get(tp) == 100, "bounds");
            c.commitAsync(Map.of(tp, new OffsetAndMetadata(77)), null);
            c.commitSync(Map.of(tp, new OffsetAndMetadata(78)));
            require(c.committed(Set.of(tp)).get(tp).offset() == 78, "async then sync commit");
        }
    }

    static void admin() throws Exception {
        String topic = fresh("admin"), group = fresh("g");
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1).configs(Map.of("retention.ms", "3600000")))).all().get();
            require(admin.listTopics().names().get().contains(topic), "the topic is not listed");
            TopicDescription d = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
            require(d.partitions().size() == 3 && d.partitions().get(0).isr().size() == 1, "description %s", d);
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
            ConfigResource r = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            admin.incrementalAlterConfigs(Map.of(r, List.of(
                new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact,delete"), AlterConfigOp.OpType.SET),
                new AlterConfigOp(new ConfigEntry("retention.ms", ""), AlterConfigOp.OpType.DELETE)))).all().get();
            Config c = admin.describeConfigs(List.of(r)).all().get().get(r);
            require(c.get("cleanup.policy").value().equals("compact,delete"), "cleanup.policy %s", c.get("cleanup.policy"));
            require(c.get("retention.ms").isDefault(), "retention.ms %s", c.get("retention.ms"));
            require(admin.describeCluster().nodes().get().size() == 1, "nodes");
            require(admin.describeLogDirs(List.of(admin.describeCluster().controller().get().id())).allDescriptions().get().size() == 1, "log dirs");
            require(admin.describeFeatures().featureMetadata().get() != null, "features");
            require(admin.describeMetadataQuorum().quorumInfo().get().voters().size() == 1, "quorum");

            try (KafkaProducer<String, String> producer = new KafkaProducer<>(producerProps())) {
                for (int i = 0; i < 10; i++) producer.send(new ProducerRecord<>(topic, 0, "k" + i, "v" + i)).get();
            }
            TopicPartition tp = new TopicPartition(topic, 0);
            try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(consumerProps(group))) {
                consumer.assign(List.of(tp));
                consumer.commitSync(Map.of(tp, new OffsetAndMetadata(5)));
            }
            require(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(tp).offset() == 5, "group offsets");
            require(admin.listGroups().all().get().stream().anyMatch(g -> g.groupId().equals(group)), "the group is not listed");
            admin.alterConsumerGroupOffsets(group, Map.of(tp, new OffsetAndMetadata(2))).all().get();
            admin.deleteConsumerGroupOffsets(group, Set.of(tp)).all().get();
            admin.deleteRecords(Map.of(tp, RecordsToDelete.beforeOffset(4))).all().get();
            require(admin.listOffsets(Map.of(tp, OffsetSpec.earliest())).partitionResult(tp).get().offset() == 4, "log start");
            require(admin.listOffsets(Map.of(tp, OffsetSpec.maxTimestamp())).partitionResult(tp).get().offset() == 9, "max timestamp");
            require(admin.describeProducers(List.of(tp)).partitionResult(tp).get() != null, "producers");
            admin.deleteTopics(List.of(topic)).all().get();
            require(!admin.listTopics().names().get().contains(topic), "the topic is still listed");
        }
    }

    static void errors() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            String topic = fresh("errors");
            createTopic(topic, 1, Map.of("max.message.bytes", "2000"));
            expect(TopicExistsException.class, () -> createTopic(topic, 1, Map.of()));
            expect(InvalidTopicException.class, () -> createTopic("a b", 1, Map.of()));
            expect(InvalidConfigurationException.class, () -> createTopic(fresh("x"), 1, Map.of("retention.ms", "soon")));
            expect(InvalidReplicationFactorException.class, () ->
                admin.createTopics(List.of(new NewTopic(fresh("x"), 1, (short) 3))).all().get());
            expect(InvalidPartitionsException.class, () ->
                admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(1))).all().get());
            expect(UnknownTopicOrPartitionException.class, () -> admin.deleteTopics(List.of(fresh("none"))).all().get());
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(producerProps())) {
                expect(RecordTooLargeException.class, () -> producer.send(new ProducerRecord<>(topic, "x".repeat(5000))).get());
                String compacted = fresh("compacted");
                createTopic(compacted, 1, Map.of("cleanup.policy", "compact"));
                expect(InvalidRecordException.class, () -> producer.send(new ProducerRecord<>(compacted, "no key")).get());
            }
        }
    }

    static void expect(Class<? extends Throwable> want, Check c) throws Exception {
        try {
            c.run();
        } catch (ExecutionException e) {
            require(want.isInstance(e.getCause()), "got %s, want %s", e.getCause(), want.getSimpleName());
            return;
        }
        require(false, "nothing was thrown, want %s", want.getSimpleName());
    }
}
