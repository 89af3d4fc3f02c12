import java.nio.file.Path;
import java.util.List;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.ingest.common.IngestCommonPlugin;
import org.opensearch.node.Node;
import org.opensearch.painless.PainlessPlugin;
import org.opensearch.transport.Netty4Plugin;

/** One node of OpenSearch on 127.0.0.1, with the modules that Nango needs. Arguments: home, port of HTTP, port of nodes. */
public class Loopback extends Node {
    Loopback(Settings settings, Path config) {
        super(new Environment(settings, config),
            List.of(Netty4Plugin.class, ReindexPlugin.class, PainlessPlugin.class, IngestCommonPlugin.class), false);
    }

    public static void main(String[] args) throws Exception {
        Settings settings = Settings.builder()
            .put("path.home", args[0]).put("http.port", args[1]).put("transport.port", args[2])
            .put("network.host", "127.0.0.1").put("node.name", "one").put("cluster.name", "revwatch")
            .put("discovery.type", "single-node").put("transport.type", "netty4").put("http.type", "netty4")
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        new Loopback(settings, Path.of(args[0], "config")).start();
        Thread.currentThread().join();
    }
}
