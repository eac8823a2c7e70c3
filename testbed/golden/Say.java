import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Scanner;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.ResponseHeader;

/**
 * What frames say in Kafka's own words. Reads lines "request|response key version hex", writes for each a line of JSON made
 * by the decoder and the JSON converter that stand in the kafka-clients jar.
 */
public class Say {
    public static void main(String[] args) throws Exception {
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            String[] words = lines.nextLine().split(" ");
            ApiKeys api = ApiKeys.forId(Integer.parseInt(words[1]));
            short version = Short.parseShort(words[2]);
            ByteBuffer frame = ByteBuffer.wrap(HexFormat.of().parseHex(words[3]));
            boolean request = words[0].equals("request");
            if (request) RequestHeader.parse(frame);
            else ResponseHeader.parse(frame, api.responseHeaderVersion(version));
            ApiMessage message = request ? api.messageType.newRequest() : api.messageType.newResponse();
            message.read(new ByteBufferAccessor(frame), version);
            if (frame.hasRemaining()) throw new IllegalStateException(frame.remaining() + " bytes left over: " + words[1]);
            Class<?> converter = Class.forName(message.getClass().getName() + "JsonConverter");
            // Without the records themselves: how many bytes they are.
            var write = converter.getMethod("write", message.getClass(), short.class, boolean.class);
            System.out.println(write.invoke(null, message, version, false));
        }
    }
}
