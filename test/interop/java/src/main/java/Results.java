import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;

/** Runs checks beside each other and prints a line for each, in the order in which they were added. */
class Results {
    interface Check {
        void run() throws Exception;
    }

    /** The version of the client on the class path; the class that tells it has moved between versions. */
    static String version() throws IOException {
        Properties p = new Properties();
        try (InputStream in = KafkaProducer.class.getResourceAsStream("/kafka/kafka-version.properties")) {
            p.load(in);
        }
        return p.getProperty("version");
    }

    private final Map<String, Check> checks = new LinkedHashMap<>();

    void add(String feature, Check check) {
        checks.put(feature, check);
    }

    /** Returns whether nothing failed. Most of a check is waiting for groups, so there are more threads than cores. */
    boolean run() throws InterruptedException, IOException {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        Map<String, Future<?>> running = new LinkedHashMap<>();
        checks.forEach((feature, check) -> running.put(feature, threads.submit(() -> {
            long start = System.nanoTime();
            check.run();
            System.err.printf("%s: %d ms%n", feature, (System.nanoTime() - start) / 1_000_000);
            return null;
        })));
        System.out.printf("CLIENT\tJava kafka-clients %s%n", version());
        boolean good = true;
        for (Map.Entry<String, Future<?>> e : running.entrySet()) {
            String said = "ok\t";
            try {
                e.getValue().get();
            } catch (ExecutionException x) {
                x.getCause().printStackTrace();
                said = "failed\t" + x.getCause().toString().replaceAll("\\s+", " ");
                good = false;
            }
            System.out.printf("RESULT\t%s\t%s%n", e.getKey(), said);
        }
        threads.shutdown();
        return good;
    }

    static void require(boolean ok, String what, Object... args) {
        if (!ok) throw new AssertionError(String.format(what, args));
    }

    /** Bytes as a person reads them. */
    static String text(byte[] b) {
        return b == null ? "null" : Arrays.toString(b);
    }
}
