// Accepts the client certificates of API Gateway that are in {{trustFile}}, and nobody else.
import com.sun.net.httpserver.*;
import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.nio.file.attribute.FileTime;
import java.security.*;
import java.security.cert.*;
import java.security.cert.Certificate;
import java.security.spec.*;
import java.util.*;
import java.util.concurrent.Executors;
import java.util.regex.*;
import javax.net.ssl.*;

public class Backend {
  /** Trusts exactly the certificates of a PEM file, while they are in date; TLS itself has the key proved. */
  static class ExactTrust extends X509ExtendedTrustManager {
    private static final Pattern BLOCK = Pattern.compile("-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----");
    private final Path file;
    private FileTime read;
    private Set<Certificate> trusted = Set.of();

    ExactTrust(Path file) throws Exception {
      this.file = file;
      trusted();
    }

    private synchronized Set<Certificate> trusted() throws CertificateException {
      try {
        FileTime changed = Files.getLastModifiedTime(file);
        if (!changed.equals(read)) {
          // Java reads blocks of every label, and none of a file with one that it cannot read.
          Matcher blocks = BLOCK.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
          CertificateFactory factory = CertificateFactory.getInstance("X.509");
          Set<Certificate> listed = new HashSet<>();
          while (blocks.find()) {
            listed.add(factory.generateCertificate(new ByteArrayInputStream(blocks.group().getBytes(StandardCharsets.ISO_8859_1))));
          }
          trusted = listed;
          read = changed;
        }
      } catch (IOException | CertificateException e) {
        System.err.println("not reloaded: " + e.getMessage()); // the former list stays
      }
      return trusted;
    }

    void check(X509Certificate certificate) throws CertificateException {
      certificate.checkValidity();
      if (!trusted().contains(certificate)) throw new CertificateException("not listed");
    }

    public void checkClientTrusted(X509Certificate[] c, String a, SSLEngine e) throws CertificateException { check(c[0]); }
    public void checkClientTrusted(X509Certificate[] c, String a, Socket s) throws CertificateException { check(c[0]); }
    public void checkClientTrusted(X509Certificate[] c, String a) throws CertificateException { check(c[0]); }
    public void checkServerTrusted(X509Certificate[] c, String a, SSLEngine e) throws CertificateException { throw new CertificateException(); }
    public void checkServerTrusted(X509Certificate[] c, String a, Socket s) throws CertificateException { throw new CertificateException(); }
    public void checkServerTrusted(X509Certificate[] c, String a) throws CertificateException { throw new CertificateException(); }
    public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
  }

  static PrivateKey privateKey(Path pem, String algorithm) throws Exception {
    String base64 = Files.readString(pem).replaceAll("-----[A-Z ]+-----|\\s", "");
    return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
  }

  public static void main(String[] args) throws Exception {
    // The server's own certificate and its key (PKCS #8), both PEM.
    Certificate[] chain;
    try (var in = Files.newInputStream(Path.of("{{certificateFile}}"))) {
      chain = CertificateFactory.getInstance("X.509").generateCertificates(in).toArray(new Certificate[0]);
    }
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, null);
    char[] password = new char[0];
    own.setKeyEntry("own", privateKey(Path.of("{{privateKeyFile}}"), chain[0].getPublicKey().getAlgorithm()), password, chain);
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(own, password);

    ExactTrust trust = new ExactTrust(Path.of("{{trustFile}}"));
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), new TrustManager[] {trust}, null);

    HttpsServer server = HttpsServer.create(new InetSocketAddress("{{address}}", {{port}}), 128);
    server.setHttpsConfigurator(new HttpsConfigurator(context) {
      @Override
      public void configure(HttpsParameters parameters) {
        SSLParameters demanding = getSSLContext().getDefaultSSLParameters();
        demanding.setNeedClientAuth(true);
        parameters.setSSLParameters(demanding);
      }
    });
    HttpContext root = server.createContext("/", exchange -> {
      // Only API Gateway comes here.
      byte[] body = "ok\n".getBytes();
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    // At each request as well: a resumed session, or a connection that is kept, was judged long ago.
    root.getFilters().add(new Filter() {
      @Override
      public void doFilter(HttpExchange exchange, Chain next) throws IOException {
        try {
          trust.check((X509Certificate) ((HttpsExchange) exchange).getSSLSession().getPeerCertificates()[0]);
        } catch (CertificateException | SSLPeerUnverifiedException e) {
          exchange.sendResponseHeaders(403, -1);
          exchange.close();
          return;
        }
        next.doFilter(exchange);
      }

      @Override
      public String description() {
        return "client certificate";
      }
    });
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
  }
}
