import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Kafka's own Java clients at work: prints the events of a history, one JSON object per line (history/event.ts).
 * Ends in order when its standard input ends, so also when its parent is gone.
 *
 *   produce NAME TOPIC RECORDS_PER_SECOND KEYS VALUE_BYTES client.property=value...
 *   consume MEMBER TOPIC GROUP client.property=value...
 */
public class Load {
  private static final AtomicBoolean stopping = new AtomicBoolean();
  /** Read and not committed. */
  private static final Map<TopicPartition, OffsetAndMetadata> positions = new HashMap<>();
  private static PrintStream out;

  public static void main(String[] args) throws Exception {
    out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false, "UTF-8");
    Thread end = new Thread(() -> {
      try {
        while (System.in.read() >= 0) { }
      } catch (java.io.IOException error) {
        // The same as its end.
      }
      stopping.set(true);
    });
    end.setDaemon(true);
    end.start();
    if (args[0].equals("produce")) produce(args);
    else if (args[0].equals("consume")) consume(args);
    else throw new IllegalArgumentException("produce or consume, not " + args[0]);
    out.flush();
  }

  private static void produce(String[] args) throws InterruptedException {
    String name = args[1];
    String topic = args[2];
    int recordsPerSecond = Integer.parseInt(args[3]);
    int keys = Integer.parseInt(args[4]);
    int valueBytes = Integer.parseInt(args[5]);
    Properties properties = properties(args, 6);
    properties.putIfAbsent("acks", "all");
    properties.putIfAbsent("linger.ms", "2");
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
      producer.partitionsFor(topic);
      print("{\"event\":\"ready\"}");
      long start = System.nanoTime();
      for (long call = 0; !stopping.get(); call++) {
        long aheadMs = call * 1000 / recordsPerSecond - (System.nanoTime() - start) / 1_000_000;
        if (aheadMs > 0) Thread.sleep(aheadMs);
        String key = name + "-k" + call % keys;
        String id = name + "#" + call;
        long number = call;
        print("{\"type\":\"sent\",\"at\":" + nowMs() + ",\"producer\":\"" + name + "\",\"call\":" + number
            + ",\"topic\":\"" + topic + "\",\"keys\":[\"" + key + "\"],\"ids\":[\"" + id + "\"]}");
        producer.send(new ProducerRecord<>(topic, key, padded(id, valueBytes)), (written, error) -> {
          String answer = ",\"at\":" + nowMs() + ",\"producer\":\"" + name + "\",\"call\":" + number;
          if (error != null) print("{\"type\":\"failed\"" + answer + ",\"error\":" + quoted(error.toString()) + "}");
          else print("{\"type\":\"acknowledged\"" + answer + ",\"partitions\":[" + written.partition()
              + "],\"offsets\":[\"" + (written.hasOffset() ? written.offset() : -1) + "\"]}");
        });
      }
      producer.flush();
    }
  }

  private static void consume(String[] args) {
    String member = args[1];
    String topic = args[2];
    String group = args[3];
    Properties properties = properties(args, 4);
    properties.put("group.id", group);
    properties.put("enable.auto.commit", "false");
    properties.putIfAbsent("auto.offset.reset", "earliest");
    String who = ",\"group\":\"" + group + "\",\"member\":\"" + member + "\",\"topic\":\"" + topic + "\"";
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
          print("{\"type\":\"assigned\",\"at\":" + nowMs() + who + ",\"partitions\":"
              + assigned.stream().map(at -> String.valueOf(at.partition())).collect(Collectors.joining(",", "[", "]"))
              + "}");
          print("{\"event\":\"ready\"}");
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
          commit(consumer, who);
        }
      });
      long committedMs = nowWholeMs();
      while (!stopping.get()) {
        try {
          read(consumer, who);
          if (nowWholeMs() - committedMs < 500) continue;
          commit(consumer, who);
          committedMs = nowWholeMs();
        } catch (org.apache.kafka.clients.consumer.CommitFailedException
            | org.apache.kafka.common.errors.RebalanceInProgressException error) {
          // The group has gone on without this member, or is about to: the next poll joins again.
        }
      }
      commit(consumer, who);
    } catch (RuntimeException error) {
      print("{\"type\":\"error\",\"at\":" + nowMs() + ",\"client\":\"" + member + "\",\"error\":"
          + quoted(error.toString()) + "}");
    }
  }

  private static void read(KafkaConsumer<String, String> consumer, String who) {
    var records = consumer.poll(Duration.ofMillis(200));
    for (TopicPartition at : records.partitions()) {
      List<String> offsets = new ArrayList<>();
      List<String> keys = new ArrayList<>();
      List<String> ids = new ArrayList<>();
      for (ConsumerRecord<String, String> record : records.records(at)) {
        offsets.add("\"" + record.offset() + "\"");
        keys.add(quoted(record.key() == null ? "" : record.key()));
        ids.add(quoted(record.value() == null ? "" : record.value().stripTrailing()));
        positions.put(at, new OffsetAndMetadata(record.offset() + 1));
      }
      print("{\"type\":\"received\",\"at\":" + nowMs() + who + ",\"partition\":" + at.partition() + ",\"offsets\":"
          + offsets + ",\"keys\":" + keys + ",\"ids\":" + ids + "}");
    }
  }

  private static void commit(KafkaConsumer<String, String> consumer, String who) {
    if (positions.isEmpty()) return;
    Map<TopicPartition, OffsetAndMetadata> committing = new HashMap<>(positions);
    consumer.commitSync(committing);
    print("{\"type\":\"committed\",\"at\":" + nowMs() + who + ",\"generation\":"
        + consumer.groupMetadata().generationId() + ",\"partitions\":"
        + committing.keySet().stream().map(at -> String.valueOf(at.partition())).collect(Collectors.joining(",", "[", "]"))
        + ",\"offsets\":"
        + committing.values().stream().map(at -> "\"" + at.offset() + "\"").collect(Collectors.joining(",", "[", "]"))
        + "}");
    positions.clear();
  }

  private static Properties properties(String[] args, int from) {
    Properties properties = new Properties();
    for (int index = from; index < args.length; index++) {
      int equals = args[index].indexOf('=');
      properties.put(args[index].substring(0, equals), args[index].substring(equals + 1));
    }
    return properties;
  }

  private static synchronized void print(String line) {
    out.println(line);
    if (line.startsWith("{\"event\"")) out.flush();
  }

  private static String padded(String id, int bytes) {
    return id.length() >= bytes ? id : id + " ".repeat(bytes - id.length());
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') quoted.append('\\').append(c);
      else if (c < ' ') quoted.append(' ');
      else quoted.append(c);
    }
    return quoted.append('"').toString();
  }

  /** The clock that Node's hrtime reads too. */
  private static String nowMs() {
    return String.valueOf(System.nanoTime() / 1_000 / 1000.0);
  }

  private static long nowWholeMs() {
    return System.nanoTime() / 1_000_000;
  }
}
