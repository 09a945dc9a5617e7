import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.types.ArrayOf;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.CompactArrayOf;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.NullableSchema;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

/**
 * Writes schema_gen.go: for each request key and version the shape of its body as a small program for the walker in
 * walk.go. The shapes come from the schemas that Kafka's own client library carries.
 *
 * Run it from internal/wire with the Kafka client and logging jars on the class path:
 *
 *   java -cp "kafka-clients-4.4.0.jar:slf4j-api.jar" gen/SchemaGen.java > schema_gen.go && gofmt -w schema_gen.go
 */
public class SchemaGen {
    // Keep in step with the constants in walk.go.
    static final int FIXED = 1;
    static final int STRING = 2;
    static final int BYTES = 6;
    static final int ARRAY = 10;
    static final int NULLABLE_STRUCT = 14;
    static final int TAGS = 15;

    // Added to STRING, BYTES and ARRAY.
    static final int NULLABLE = 1;
    static final int COMPACT = 2;

    /** A program under construction; neighbouring fixed fields become one. */
    static class Program {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        int pendingFixed = 0;
        int minSize = 0;

        void fixed(int n) {
            pendingFixed += n;
            minSize += n;
        }

        void op(int code, int min) {
            flush();
            out.write(code);
            minSize += min;
        }

        void flush() {
            if (pendingFixed > 0) {
                out.write(FIXED);
                number(pendingFixed);
                pendingFixed = 0;
            }
        }

        void number(int n) {
            for (; n >= 0x80; n >>>= 7)
                out.write(n & 0x7f | 0x80);
            out.write(n);
        }

        void body(Program p) {
            byte[] b = p.bytes();
            number(b.length);
            out.write(b, 0, b.length);
        }

        byte[] bytes() {
            flush();
            return out.toByteArray();
        }
    }

    /** The tags that any version of an API gives to the structure at a path. */
    static final Map<String, Map<Integer, Boolean>> TAGS_OF_PATH = new TreeMap<>();

    static void add(Program p, Type t, String path) {
        if (t instanceof NullableSchema) {
            Program inner = new Program();
            fields(inner, (Schema) t, path);
            p.op(NULLABLE_STRUCT, 1);
            p.body(inner);
        } else if (t instanceof Schema) {
            fields(p, (Schema) t, path);
        } else if (t instanceof ArrayOf || t instanceof CompactArrayOf) {
            boolean compact = t instanceof CompactArrayOf;
            Program element = new Program();
            add(element, t.arrayElementType().get(), path);
            p.op(ARRAY + (t.isNullable() ? NULLABLE : 0) + (compact ? COMPACT : 0), compact ? 1 : 4);
            p.number(element.minSize);
            p.body(element);
        } else if (t instanceof TaggedFields) {
            p.op(TAGS, 1);
            Map<Integer, Field> known = ((TaggedFields) t).fields();
            Map<Integer, Boolean> ever = TAGS_OF_PATH.computeIfAbsent(path, k -> new TreeMap<>());
            for (int tag : known.keySet())
                ever.put(tag, true);
            p.number(ever.size());
            for (int tag : ever.keySet()) {
                Program inner = new Program(); // stays empty for a tag of other versions only, which is an error
                if (known.containsKey(tag))
                    add(inner, known.get(tag).type, path + "/" + tag);
                p.number(tag);
                p.body(inner);
            }
        } else {
            scalar(p, t);
        }
    }

    static void scalar(Program p, Type t) {
        switch (t.toString()) {
            case "BOOLEAN": case "INT8": p.fixed(1); break;
            case "INT16": case "UINT16": p.fixed(2); break;
            case "INT32": case "UINT32": p.fixed(4); break;
            case "INT64": case "FLOAT64": p.fixed(8); break;
            case "UUID": p.fixed(16); break;
            case "STRING": p.op(STRING, 2); break;
            case "NULLABLE_STRING": p.op(STRING + NULLABLE, 2); break;
            case "COMPACT_STRING": p.op(STRING + COMPACT, 1); break;
            case "COMPACT_NULLABLE_STRING": p.op(STRING + COMPACT + NULLABLE, 1); break;
            case "BYTES": case "RECORDS": p.op(BYTES, 4); break;
            case "NULLABLE_BYTES": case "NULLABLE_RECORDS": p.op(BYTES + NULLABLE, 4); break;
            case "COMPACT_BYTES": case "COMPACT_RECORDS": p.op(BYTES + COMPACT, 1); break;
            case "COMPACT_NULLABLE_BYTES": case "COMPACT_NULLABLE_RECORDS": p.op(BYTES + COMPACT + NULLABLE, 1); break;
            default: throw new IllegalStateException("unknown type " + t);
        }
    }

    static void fields(Program p, Schema s, String path) {
        for (BoundField f : s.fields())
            add(p, f.def.type, f.def.type instanceof TaggedFields ? path : path + "/" + f.def.name);
    }

    static String quote(byte[] b) {
        StringBuilder s = new StringBuilder("\"");
        for (byte x : b)
            s.append(String.format("\\x%02x", x));
        return s.append('"').toString();
    }

    public static void main(String[] args) throws Exception {
        Properties library = new Properties();
        library.load(ApiMessageType.class.getResourceAsStream("/kafka/kafka-version.properties"));
        Map<String, Integer> ids = new LinkedHashMap<>();
        List<Integer> versions = new ArrayList<>();
        StringBuilder apis = new StringBuilder();
        Map<Short, ApiMessageType> byKey = new TreeMap<>();
        for (ApiMessageType t : ApiMessageType.values())
            byKey.put(t.apiKey(), t);
        for (ApiMessageType t : byKey.values()) {
            short min = t.lowestSupportedVersion(), max = t.highestSupportedVersion(true), flexible = Short.MAX_VALUE;
            if (max < min)
                continue; // removed from the protocol
            int first = versions.size();
            for (short v = min; v <= max; v++) // once to learn all tags
                fields(new Program(), t.requestSchemas()[v], t.name);
            for (short v = min; v <= max; v++) {
                Program p = new Program();
                fields(p, t.requestSchemas()[v], t.name);
                String q = quote(p.bytes());
                versions.add(ids.computeIfAbsent(q, k -> ids.size()));
                if (t.requestHeaderVersion(v) >= 2)
                    flexible = (short) Math.min(flexible, v);
            }
            apis.append(String.format("%d: {Range{%d, %d, %d}, %d}, // %s%n", t.apiKey(), min, max, flexible, first, t.name));
        }
        StringBuilder o = new StringBuilder();
        o.append("// Code generated by gen/SchemaGen.java from kafka-clients ").append(library.getProperty("version"))
            .append("; DO NOT EDIT.\n\npackage wire\n\n");
        o.append("// schemas is indexed by API key; a key that the protocol no longer has is zero.\n");
        o.append("var schemas = [...]schema{\n").append(apis).append("}\n\n");
        o.append("// programIDs is indexed by schema.first plus version minus Range.Min.\n");
        o.append("var programIDs = [...]uint16{");
        for (int i = 0; i < versions.size(); i++)
            o.append(i % 20 == 0 ? "\n" : " ").append(versions.get(i)).append(',');
        o.append("\n}\n\n// programs are the distinct request shapes.\nvar programs = [...]string{\n");
        for (String q : ids.keySet())
            o.append(q).append(",\n");
        o.append("}\n");
        System.out.print(o);
    }
}
