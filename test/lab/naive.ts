/**
 * What people write today, and what each server's manual suggests: a CA bundle. Measured beside our configurations, so
 * that whoever doubts the trap can see it.
 */
import type { TrustedCertificate } from '../../src/certificates/certificate.js';
import type { ServerOptions } from '../support/recipes.js';

export const bundle = (certificates: readonly TrustedCertificate[]): string =>
  certificates.map(({ pem }) => pem).join('');

const portOf = ({ listen }: ServerOptions): string => listen.slice(listen.lastIndexOf(':') + 1);

export const NAIVE = {
  nginx: (o: ServerOptions) => `server {
    listen ${o.listen} ssl; server_name ${o.serverName};
    ssl_certificate ${o.certificateFile}; ssl_certificate_key ${o.privateKeyFile};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_client_certificate ${o.trustFile}; ssl_verify_client on;
    location / { proxy_pass http://${o.upstream}; }
}
`,
  haproxy: (o: ServerOptions) => `frontend apigw
    mode http
    bind ${o.listen} ssl crt ${o.certificateFile} ca-file ${o.trustFile} verify required
    default_backend apigw
backend apigw
    mode http
    server app ${o.upstream}
`,
  apache: (o: ServerOptions) => `<VirtualHost ${o.listen}>
    ServerName ${o.serverName}
    SSLEngine on
    SSLCertificateFile "${o.certificateFile}"
    SSLCertificateKeyFile "${o.privateKeyFile}"
    SSLCACertificateFile "${o.trustFile}"
    SSLVerifyClient require
    ProxyPass "/" "http://${o.upstream}/"
</VirtualHost>
`,
  caddy: (o: ServerOptions) => `https://${o.serverName}:${portOf(o)} {
	bind 127.0.0.1
	tls ${o.certificateFile} ${o.privateKeyFile} {
		client_auth {
			mode require_and_verify
			trusted_ca_cert_file ${o.trustFile}
		}
	}
	reverse_proxy ${o.upstream}
}
`,
  stunnel: (o: ServerOptions) => `foreground = yes
pid =
[apigw]
accept = ${o.listen}
connect = ${o.upstream}
cert = ${o.certificateFile}
key = ${o.privateKeyFile}
verifyChain = yes
CAfile = ${o.trustFile}
`,
  hitch: (o: ServerOptions) => `frontend = "[127.0.0.1]:${portOf(o)}"
backend = "[127.0.0.1]:${o.upstream.split(':')[1] ?? ''}"
pem-file = { cert = "${o.certificateFile}" private-key = "${o.privateKeyFile}" }
client-verify = required
client-verify-ca = "${o.trustFile}"
workers = 1
daemon = off
user = "www-data"
`,
  lighttpd: (o: ServerOptions) => `server.modules = ("mod_openssl", "mod_proxy")
server.document-root = "/var/empty"
server.bind = "127.0.0.1"
server.port = ${portOf(o)}
ssl.engine = "enable"
ssl.pemfile = "${o.certificateFile}"
ssl.privkey = "${o.privateKeyFile}"
ssl.ca-file = "${o.trustFile}"
ssl.verifyclient.activate = "enable"
ssl.verifyclient.enforce = "enable"
proxy.server = ("/" => (("host" => "127.0.0.1", "port" => ${o.upstream.split(':')[1] ?? ''})))
`,
  node: (o: ServerOptions) => `import { readFileSync } from 'node:fs';
import https from 'node:https';
https
  .createServer(
    {
      cert: readFileSync('${o.certificateFile}'),
      key: readFileSync('${o.privateKeyFile}'),
      ca: readFileSync('${o.trustFile}', 'utf8').split(/(?=-----BEGIN)/),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => response.end('ok'),
  )
  .listen(${portOf(o)}, '127.0.0.1');
`,
  python: (o: ServerOptions) => `import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header('Content-Length', '2'); self.end_headers(); self.wfile.write(b'ok')
    def log_message(self, *args): pass
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('${o.certificateFile}', '${o.privateKeyFile}')
context.verify_mode = ssl.CERT_REQUIRED
context.load_verify_locations('${o.trustFile}')
class Server(ThreadingHTTPServer):
    def finish_request(self, request, address):
        with context.wrap_socket(request, server_side=True) as connection: self.RequestHandlerClass(connection, address, self)
    def handle_error(self, *args): pass
Server(('127.0.0.1', ${portOf(o)}), Handler).serve_forever()
`,
  java: (o: ServerOptions) => `import com.sun.net.httpserver.*;
import java.net.InetSocketAddress;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.cert.Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.concurrent.Executors;
import javax.net.ssl.*;
public class Backend {
  static Certificate[] read(String file) throws Exception {
    try (var in = Files.newInputStream(Path.of(file))) { return CertificateFactory.getInstance("X.509").generateCertificates(in).toArray(new Certificate[0]); }
  }
  public static void main(String[] args) throws Exception {
    String base64 = Files.readString(Path.of("${o.privateKeyFile}")).replaceAll("-----[A-Z ]+-----|\\\\s", "");
    PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
    KeyStore own = KeyStore.getInstance("PKCS12"); own.load(null, null); own.setKeyEntry("own", key, new char[0], read("${o.certificateFile}"));
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX"); keys.init(own, new char[0]);
    KeyStore trusted = KeyStore.getInstance("PKCS12"); trusted.load(null, null); int i = 0;
    for (Certificate c : read("${o.trustFile}")) trusted.setCertificateEntry("c" + i++, c);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX"); trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS"); context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    HttpsServer server = HttpsServer.create(new InetSocketAddress("127.0.0.1", ${portOf(o)}), 128);
    server.setHttpsConfigurator(new HttpsConfigurator(context) {
      public void configure(HttpsParameters p) { SSLParameters s = getSSLContext().getDefaultSSLParameters(); s.setNeedClientAuth(true); p.setSSLParameters(s); }
    });
    server.createContext("/", x -> { x.sendResponseHeaders(200, 2); x.getResponseBody().write("ok".getBytes()); x.close(); });
    server.setExecutor(Executors.newCachedThreadPool()); server.start();
  }
}
`,
} as const;
