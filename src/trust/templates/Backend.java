// Accepts the client certificates of API Gateway that are in {{trustFile}}, those of the CAs in it that have the name beside
// the root, and nobody else.
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
import javax.naming.InvalidNameException;
import javax.naming.ldap.*;
import javax.net.ssl.*;
import javax.security.auth.x500.X500Principal;

public class Backend {
  /** The root of a CA, and the name that its certificates must have. Trust in the root alone would accept all of them. */
  static class NamedRoot {
    /** How a list writes the types that Java writes as numbers. */
    private static final Map<String, String> TYPES = Map.of(
        "2.5.4.4", "SN", "2.5.4.5", "serialNumber", "2.5.4.12", "title", "2.5.4.17", "postalCode", "2.5.4.42", "GN",
        "2.5.4.43", "initials", "2.5.4.46", "dnQualifier", "1.2.840.113549.1.9.1", "emailAddress");
    private final X509Certificate root;
    private final X509TrustManager chains;
    private List<String> subject;
    private String san;

    /** @param names lines "Subject: CN=..." and "SAN: DNS:..." */
    NamedRoot(X509Certificate root, String names) throws Exception {
      this.root = root;
      for (String line : names.strip().split("\\R")) {
        if (line.startsWith("Subject: ")) subject = parts(line.substring(9));
        else if (line.startsWith("SAN: ")) san = line.substring(5);
        else throw new CertificateException("a root without a name, or with one that is not compared");
      }
      KeyStore roots = KeyStore.getInstance("PKCS12");
      roots.load(null, null);
      roots.setCertificateEntry("root", root);
      TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
      factory.init(roots);
      chains = (X509TrustManager) factory.getTrustManagers()[0];
    }

    /** Type and value of each part. Names as such are equal in Java whatever their case and spaces. */
    private static List<String> parts(String name) throws CertificateException {
      try {
        List<String> parts = new ArrayList<>();
        for (Rdn part : new LdapName(name).getRdns()) {
          if (part.size() != 1 || !(part.getValue() instanceof String)) throw new CertificateException("not compared");
          parts.add(part.getType().toUpperCase(Locale.ROOT) + "=" + part.getValue());
        }
        return parts;
      } catch (InvalidNameException e) {
        throw new CertificateException(e);
      }
    }

    void check(X509Certificate[] chain) throws CertificateException {
      boolean hasName = subject == null || subject.equals(parts(chain[0].getSubjectX500Principal().getName(X500Principal.RFC2253, TYPES)));
      if (!hasName || (san != null && !sansOf(chain[0]).contains(san))) throw new CertificateException("another name");
      root.checkValidity(); // Java takes a root for valid, whatever its dates
      chains.checkClientTrusted(chain, "UNKNOWN");
    }

    private static Set<String> sansOf(X509Certificate certificate) throws CertificateException {
      Set<String> sans = new HashSet<>();
      if (certificate.getSubjectAlternativeNames() == null) return sans;
      for (List<?> name : certificate.getSubjectAlternativeNames()) {
        if (name.get(0).equals(2)) sans.add("DNS:" + name.get(1));
        if (name.get(0).equals(6)) sans.add("URI:" + name.get(1));
      }
      return sans;
    }
  }

  /** What a PEM file holds. */
  static class Listed {
    private static final Pattern BLOCK = Pattern.compile(
        "-----BEGIN (CERTIFICATE|APIGW CLIENT CA)-----((?:(?!-----).)+)-----END \\1-----", Pattern.DOTALL);
    final Set<Certificate> certificates = new HashSet<>();
    final List<NamedRoot> roots = new ArrayList<>();

    Listed(String text) throws Exception {
      // Java reads blocks of every label, and none of a file with one that it cannot read.
      Matcher blocks = BLOCK.matcher(text);
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      while (blocks.find()) {
        boolean isExact = blocks.group(1).equals("CERTIFICATE");
        // A root has lines with the name before its base64, and an empty one between.
        String[] body = blocks.group(2).split("\\R\\R", 2);
        String base64 = isExact ? blocks.group(2) : body[body.length - 1];
        String pem = "-----BEGIN CERTIFICATE-----\n" + base64.strip() + "\n-----END CERTIFICATE-----\n";
        X509Certificate certificate =
            (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.ISO_8859_1)));
        if (isExact) certificates.add(certificate);
        else roots.add(new NamedRoot(certificate, body[0]));
      }
    }
  }

  /** Trusts the certificates of a PEM file exactly, and its roots with a name, all while in date; TLS itself has the key proved. */
  static class ListTrust extends X509ExtendedTrustManager {
    private final Path file;
    private FileTime read;
    private Listed listed;

    ListTrust(Path file) throws Exception {
      this.file = file;
      this.listed = new Listed("");
      listed();
    }

    private synchronized Listed listed() {
      try {
        FileTime changed = Files.getLastModifiedTime(file);
        if (!changed.equals(read)) {
          listed = new Listed(Files.readString(file, StandardCharsets.ISO_8859_1));
          read = changed;
        }
      } catch (Exception e) {
        System.err.println("not reloaded: " + e.getMessage()); // the former list stays
      }
      return listed;
    }

    void check(X509Certificate[] chain) throws CertificateException {
      Listed now = listed();
      chain[0].checkValidity();
      if (now.certificates.contains(chain[0])) return;
      CertificateException refusal = new CertificateException("not listed");
      for (NamedRoot root : now.roots) {
        try {
          root.check(chain);
          return;
        } catch (CertificateException e) {
          refusal = e;
        }
      }
      throw refusal;
    }

    public void checkClientTrusted(X509Certificate[] c, String a, SSLEngine e) throws CertificateException { check(c); }
    public void checkClientTrusted(X509Certificate[] c, String a, Socket s) throws CertificateException { check(c); }
    public void checkClientTrusted(X509Certificate[] c, String a) throws CertificateException { check(c); }
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

    ListTrust trust = new ListTrust(Path.of("{{trustFile}}"));
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
          Certificate[] chain = ((HttpsExchange) exchange).getSSLSession().getPeerCertificates();
          trust.check(Arrays.copyOf(chain, chain.length, X509Certificate[].class));
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
