# Accepts the client certificates of API Gateway that are in {{trustFile}}, and nobody else.
import re
import signal
import ssl
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def make_context():
    """The settings of new connections, and the certificates that each request is compared with."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain('{{certificateFile}}', '{{privateKeyFile}}')
    context.verify_mode = ssl.CERT_REQUIRED
    # They all have one subject: without this flag (the default from Python 3.13 on) only the first is accepted.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # Python raises an error for an empty file, so that an emptied list never means "everybody".
    context.load_verify_locations(cafile='{{trustFile}}')
    with open('{{trustFile}}') as file:
        blocks = re.findall('-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----', file.read(), re.DOTALL)
    return context, {ssl.PEM_cert_to_DER_cert(block) for block in blocks}


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    context, trusted = make_context()

    def finish_request(self, request, client_address):
        # In the thread of the connection: a slow handshake holds nobody else up.
        request.settimeout(30)
        with self.context.wrap_socket(request, server_side=True) as connection:
            self.RequestHandlerClass(connection, client_address, self)

    def handle_error(self, request, client_address):
        pass  # a refused handshake is no event


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def parse_request(self):
        if not super().parse_request():
            return False
        # At each request as well: a connection that is kept was judged when it was opened.
        certificate = self.connection.getpeercert()
        listed = self.connection.getpeercert(binary_form=True) in Server.trusted
        if listed and time.time() < ssl.cert_time_to_seconds(certificate['notAfter']):
            return True
        self.send_error(403)
        self.close_connection = True
        return False

    def do_GET(self):
        # Only API Gateway comes here.
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.send_response(200)
        self.send_header('Content-Length', '3')
        self.end_headers()
        self.wfile.write(b'ok\n')

    do_POST = do_GET

    def log_message(self, *args):
        pass


def reload(*_):
    # A new context has new ticket keys as well: nobody resumes a session past a removed certificate.
    try:
        Server.context, Server.trusted = make_context()
    except Exception as error:
        print('not reloaded:', error, flush=True)


if hasattr(signal, 'SIGHUP'):
    signal.signal(signal.SIGHUP, reload)
Server(('{{address}}', {{port}}), Handler).serve_forever()
