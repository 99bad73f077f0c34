import { checked, type RecipeFacts, type RecipeOptions } from './recipe.js';

export const pythonFacts: RecipeFacts = {
  reload: 'kill -HUP: a new TLS context for new connections; no request is dropped',
  expired: 'refuses it in the TLS handshake',
  proved: 'Python 3.11 and 3.13 with OpenSSL 3.0',
};

/** An https server of Python's standard library, 3.10 or newer. */
export function pythonRecipe(options: RecipeOptions): string {
  const { listen, certificateFile, privateKeyFile, trustFile } = checked(options);
  const colon = listen.lastIndexOf(':');
  return `# Accepts the client certificates of API Gateway that are in ${trustFile}, and nobody else.
import signal
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def make_context():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain('${certificateFile}', '${privateKeyFile}')
    context.verify_mode = ssl.CERT_REQUIRED
    # They all have one subject: without this flag (the default from Python 3.13 on) only the first is accepted.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # Python raises an error for an empty file, so that an emptied list never means "everybody".
    context.load_verify_locations(cafile='${trustFile}')
    return context


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    context = make_context()

    def finish_request(self, request, client_address):
        # In the thread of the connection: a slow handshake holds nobody else up.
        request.settimeout(30)
        with self.context.wrap_socket(request, server_side=True) as connection:
            self.RequestHandlerClass(connection, client_address, self)

    def handle_error(self, request, client_address):
        pass  # a refused handshake is no event


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        # Only API Gateway comes here.
        self.send_response(200)
        self.send_header('Content-Length', '3')
        self.end_headers()
        self.wfile.write(b'ok\\n')

    def log_message(self, *args):
        pass


def reload(*_):
    # A new context has new ticket keys as well: nobody resumes a session past a removed certificate.
    try:
        Server.context = make_context()
    except Exception as error:
        print('not reloaded:', error, flush=True)


if hasattr(signal, 'SIGHUP'):
    signal.signal(signal.SIGHUP, reload)
Server(('${listen.slice(0, colon)}', ${listen.slice(colon + 1)}), Handler).serve_forever()
`;
}
