import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;

/**
 * Two members of one group. Rounds of one record a partition show who owns what: one member alone gets all of a round, two
 * share one, and the one that stays gets all again.
 */
class Rebalance {
    static final int PARTITIONS = 4;
    private final String topic;
    private final Map<Integer, String[]> seen = new HashMap<>(); // round → member, by partition
    private int round;

    Rebalance(String topic) {
        this.topic = topic;
    }

    /** A member in a thread of its own, until it is told to leave. */
    private class Member implements AutoCloseable {
        private volatile boolean leave;
        private volatile Throwable failed;
        private final Thread thread;

        Member(String name) {
            thread = new Thread(() -> {
                try (KafkaConsumer<byte[], byte[]> c = Matrix.consumer(topic, "earliest")) {
                    c.subscribe(List.of(topic));
                    while (!leave) {
                        ConsumerRecords<byte[], byte[]> polled = c.poll(Duration.ofMillis(50));
                        polled.forEach(r -> saw(name, r));
                        if (!polled.isEmpty()) commit(c);
                    }
                } catch (Throwable e) {
                    failed = e;
                }
            }, name);
            thread.start();
        }

        private void commit(KafkaConsumer<byte[], byte[]> c) {
            try {
                c.commitSync();
            } catch (CommitFailedException | org.apache.kafka.common.errors.RebalanceInProgressException e) {
                // The partitions have moved on; another member reads the records again.
            }
        }

        @Override
        public void close() throws InterruptedException {
            leave = true;
            thread.join();
            if (failed != null) throw new AssertionError("member " + thread.getName() + ": " + failed, failed);
        }
    }

    private synchronized void saw(String member, ConsumerRecord<byte[], byte[]> r) {
        seen.computeIfAbsent(Integer.parseInt(new String(r.value())), k -> new String[PARTITIONS])[r.partition()] = member;
    }

    private synchronized String[] of(int round) {
        return seen.getOrDefault(round, new String[PARTITIONS]).clone();
    }

    private static boolean complete(String[] members) {
        return !Arrays.asList(members).contains(null);
    }

    void run() throws Exception {
        try (KafkaProducer<byte[], byte[]> p = Matrix.producer("none", "all", false); Member b = stages(p)) {
            stage(p, Map.of("b", PARTITIONS));
        }
        for (int i = 1; i <= round; i++) Results.require(complete(of(i)), "round %d of %d reached only %s", i, round, Arrays.toString(of(i)));
    }

    /** Returns the member that stays. */
    private Member stages(KafkaProducer<byte[], byte[]> p) throws Exception {
        Member b = null;
        try (Member a = new Member("a")) {
            stage(p, Map.of("a", PARTITIONS));
            b = new Member("b");
            stage(p, Map.of("a", PARTITIONS / 2, "b", PARTITIONS / 2));
        } catch (Throwable e) {
            if (b != null) b.close();
            throw e;
        }
        return b;
    }

    /** Sends rounds until one is shared as wanted. */
    private void stage(KafkaProducer<byte[], byte[]> p, Map<String, Integer> want) throws Exception {
        long deadline = System.currentTimeMillis() + Matrix.PATIENCE_MS;
        for (Map<String, Integer> got = Map.of(); !got.equals(want); got = shares(of(round))) {
            Results.require(System.currentTimeMillis() < deadline, "the last round went to %s, want %s", got, want);
            round++;
            List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
            for (int i = 0; i < PARTITIONS; i++) records.add(new ProducerRecord<>(topic, i, null, Matrix.bytes("" + round)));
            Matrix.send(p, records, -1);
            for (int i = 0; i < 150 && !complete(of(round)); i++) Thread.sleep(20);
        }
    }

    private static Map<String, Integer> shares(String[] members) {
        Map<String, Integer> out = new TreeMap<>();
        for (String m : members) if (m != null) out.merge(m, 1, Integer::sum);
        return out;
    }
}
