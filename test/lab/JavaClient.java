import java.io.*;
import java.net.Socket;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.cert.Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import javax.net.ssl.*;
import org.apache.http.HttpResponse;
import org.apache.http.client.config.RequestConfig;
import org.apache.http.client.methods.*;
import org.apache.http.conn.ssl.*;
import org.apache.http.entity.ByteArrayEntity;
import org.apache.http.impl.client.*;
import org.apache.http.impl.nio.client.*;
import org.apache.http.nio.conn.ssl.SSLIOSessionStrategy;
import org.apache.http.util.EntityUtils;

/**
 * API Gateway's kind of client: Java's TLS with Apache HttpClient, synchronous and asynchronous. Reads a command a line
 * and answers a line, so that one virtual machine serves a whole lab:
 *
 * call sync|async TLSv1.2|TLSv1.3 PORT CERT|- KEY|-          → an HTTP status, or the exceptions' messages
 * start sync|async TLSv1.2|TLSv1.3 PORT CERT KEY LANES PAUSE → ok; until "stop", POSTs on half of the kept connections
 *                                                               and GETs on the others, each idle for PAUSE ms in between
 * stop                                                        → REQUESTS FAILED-POSTS FAILED-GETS messages
 */
public class JavaClient {
  static final String HOST = "localhost";

  static PrivateKey privateKey(String file) throws Exception {
    String base64 = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]+-----|\\s", "");
    return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
  }

  static SSLContext context(String cert, String key) throws Exception {
    KeyManager[] keys = null;
    if (!cert.equals("-")) {
      Certificate[] chain;
      try (var in = Files.newInputStream(Path.of(cert))) {
        chain = CertificateFactory.getInstance("X.509").generateCertificates(in).toArray(new Certificate[0]);
      }
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setKeyEntry("own", privateKey(key), new char[0], chain);
      KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
      factory.init(store, new char[0]);
      keys = factory.getKeyManagers();
    }
    // The server's own certificate is not what is measured.
    TrustManager anybody = new X509ExtendedTrustManager() {
      public void checkClientTrusted(X509Certificate[] c, String a, SSLEngine e) {}
      public void checkClientTrusted(X509Certificate[] c, String a, Socket s) {}
      public void checkClientTrusted(X509Certificate[] c, String a) {}
      public void checkServerTrusted(X509Certificate[] c, String a, SSLEngine e) {}
      public void checkServerTrusted(X509Certificate[] c, String a, Socket s) {}
      public void checkServerTrusted(X509Certificate[] c, String a) {}
      public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    };
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys, new TrustManager[] {anybody}, null);
    return context;
  }

  /** Java sends no name without a dot by itself, and some servers choose by it. */
  static SSLParameters named(SSLParameters parameters) {
    parameters.setServerNames(List.of(new SNIHostName(HOST)));
    return parameters;
  }

  interface Caller extends Closeable {
    int call(HttpUriRequest request) throws Exception;
  }

  static Caller sync(SSLContext context, String version, int lanes) {
    var factory = new SSLConnectionSocketFactory(context, new String[] {version}, null, NoopHostnameVerifier.INSTANCE) {
      protected void prepareSocket(SSLSocket socket) { socket.setSSLParameters(named(socket.getSSLParameters())); }
    };
    CloseableHttpClient client = HttpClients.custom().setSSLSocketFactory(factory)
        .setMaxConnPerRoute(lanes).setMaxConnTotal(lanes).disableCookieManagement()
        // Else a connection with a client certificate belongs to the context of one request, and is never used again.
        .disableConnectionState()
        .setDefaultRequestConfig(config()).build();
    return new Caller() {
      public int call(HttpUriRequest request) throws Exception {
        try (CloseableHttpResponse response = client.execute(request)) {
          EntityUtils.consume(response.getEntity());
          return response.getStatusLine().getStatusCode();
        }
      }
      public void close() throws IOException { client.close(); }
    };
  }

  static Caller async(SSLContext context, String version, int lanes) {
    var strategy = new SSLIOSessionStrategy(context, new String[] {version}, null, NoopHostnameVerifier.INSTANCE) {
      protected void initializeEngine(SSLEngine engine) { engine.setSSLParameters(named(engine.getSSLParameters())); }
    };
    CloseableHttpAsyncClient client = HttpAsyncClients.custom().setSSLStrategy(strategy)
        .setMaxConnPerRoute(lanes).setMaxConnTotal(lanes).disableCookieManagement()
        .setUserTokenHandler(NoopUserTokenHandler.INSTANCE)
        .setDefaultRequestConfig(config()).build();
    client.start();
    return new Caller() {
      public int call(HttpUriRequest request) throws Exception {
        try {
          HttpResponse response = client.execute(request, null).get(20, TimeUnit.SECONDS);
          EntityUtils.consume(response.getEntity());
          return response.getStatusLine().getStatusCode();
        } catch (ExecutionException e) {
          throw (Exception) e.getCause();
        }
      }
      public void close() throws IOException { client.close(); }
    };
  }

  static RequestConfig config() {
    return RequestConfig.custom().setConnectTimeout(10_000).setSocketTimeout(10_000).setConnectionRequestTimeout(10_000).build();
  }

  static Caller caller(String kind, String version, String cert, String key, int lanes) throws Exception {
    SSLContext context = context(cert, key);
    return kind.equals("sync") ? sync(context, version, lanes) : async(context, version, lanes);
  }

  static HttpUriRequest request(String port, boolean post) {
    String url = "https://" + HOST + ":" + port + "/";
    if (!post) return new HttpGet(url);
    HttpPost request = new HttpPost(url);
    request.setEntity(new ByteArrayEntity("hello".getBytes()));
    return request;
  }

  static String words(Throwable e) {
    StringBuilder text = new StringBuilder();
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (text.length() > 0) text.append(" < ");
      text.append(cause.getClass().getSimpleName()).append(": ").append(cause.getMessage());
    }
    return text.toString().replaceAll("\\s+", " ");
  }

  static class Traffic {
    final AtomicInteger requests = new AtomicInteger(), posts = new AtomicInteger(), gets = new AtomicInteger();
    final Set<String> messages = ConcurrentHashMap.newKeySet();
    final List<Thread> threads = new ArrayList<>();
    volatile boolean running = true;
    final Caller caller;

    Traffic(Caller caller, String port, int lanes, int pause) {
      this.caller = caller;
      for (int lane = 0; lane < lanes; lane++) {
        boolean post = lane % 2 == 0;
        Thread thread = new Thread(() -> {
          while (running) {
            try {
              int status = caller.call(request(port, post));
              if (status != 200) throw new IOException("HTTP " + status);
            } catch (Exception e) {
              (post ? posts : gets).incrementAndGet();
              messages.add(words(e));
            }
            requests.incrementAndGet();
            try { Thread.sleep(pause); } catch (InterruptedException e) { return; }
          }
        });
        threads.add(thread);
        thread.start();
      }
    }

    String stop() throws Exception {
      running = false;
      for (Thread thread : threads) thread.join();
      caller.close();
      return requests + " " + posts + " " + gets + " " + String.join(" | ", messages);
    }
  }

  public static void main(String[] args) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in));
    Traffic traffic = null;
    for (String line; (line = in.readLine()) != null;) {
      String[] w = line.split(" ");
      String answer;
      try {
        switch (w[0]) {
          case "call":
            try (Caller caller = caller(w[1], w[2], w[4], w[5], 1)) {
              answer = String.valueOf(caller.call(request(w[3], false)));
            }
            break;
          case "start":
            int lanes = Integer.parseInt(w[6]);
            traffic = new Traffic(caller(w[1], w[2], w[4], w[5], lanes), w[3], lanes, Integer.parseInt(w[7]));
            answer = "ok";
            break;
          default:
            answer = traffic.stop();
        }
      } catch (Exception e) {
        answer = words(e);
      }
      System.out.println(answer);
    }
  }
}
