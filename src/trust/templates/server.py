# Accepts the client certificates of API Gateway that are in {{trustFile}}, those of the CAs in it that have the name beside
# the root, and nobody else.
import base64
import re
import signal
import ssl
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The parts of a subject as a list has them, by Python's names.
TYPES = {
    'commonName': 'CN', 'surname': 'SN', 'serialNumber': 'serialNumber', 'countryName': 'C', 'localityName': 'L',
    'stateOrProvinceName': 'ST', 'streetAddress': 'street', 'organizationName': 'O', 'organizationalUnitName': 'OU',
    'title': 'title', 'postalCode': 'postalCode', 'givenName': 'GN', 'initials': 'initials', 'dnQualifier': 'dnQualifier',
    'domainComponent': 'DC', 'userId': 'UID', 'emailAddress': 'emailAddress',
}
BLOCK = re.compile('-----BEGIN (CERTIFICATE|APIGW CLIENT CA)-----(.+?)-----END \\1-----', re.DOTALL)


def escaped(value):
    """The value of a part of a subject as a list has it (RFC 2253, all octets that are not ASCII in hex)."""
    last = len(value.encode()) - 1
    return ''.join(
        '\\%02X' % octet if octet < 0x20 or octet > 0x7E
        else '\\' + chr(octet) if chr(octet) in ',+"\\<>;' or (octet == 0x23 and at == 0) or (octet == 0x20 and at in (0, last))
        else chr(octet)
        for at, octet in enumerate(value.encode())
    )


def subject_of(certificate):
    """The whole subject; None for one that is not compared."""
    if any(len(part) != 1 or part[0][0] not in TYPES for part in certificate['subject']):
        return None
    return ','.join(TYPES[name] + '=' + escaped(value) for ((name, value),) in reversed(certificate['subject']))


def has_name(certificate, names):
    """Whether a certificate has what stands beside a root: lines "Subject: CN=..." and "SAN: DNS:...", and at least one."""
    sans = ['%s:%s' % name for name in certificate.get('subjectAltName', ())]
    return len(names) > 0 and all(
        line == 'Subject: %s' % subject_of(certificate) or (line[:5] == 'SAN: ' and line[5:] in sans) for line in names
    )


class Trust:
    """The settings of new connections, and what each request is compared with."""

    def __init__(self):
        self.certificates, self.roots, self.names = set(), set(), []
        with open('{{trustFile}}') as file:
            for label, body in BLOCK.findall(file.read()):
                if label == 'CERTIFICATE':
                    self.certificates.add(base64.b64decode(body))
                else:
                    # Lines with the name before the base64, and an empty one between.
                    lines, root = body.split('\n\n', 1)
                    self.roots.add(base64.b64decode(root))
                    self.names.append(lines.strip().split('\n'))
        if len(self.roots) > 1 and any(names != self.names[0] for names in self.names):
            raise ValueError('several CAs with several names: each name would be accepted from each CA')
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain('{{certificateFile}}', '{{privateKeyFile}}')
        self.context.verify_mode = ssl.CERT_REQUIRED
        # Those of API Gateway all have one subject: without this flag (the default from Python 3.13 on) only the first is accepted.
        self.context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        # Python raises an error for nothing at all, so that an emptied list never means "everybody".
        self.context.load_verify_locations(cadata=b''.join(self.certificates | self.roots))

    def accepts(self, connection, before):
        """TLS found the certificate in a list, or a way to a root in it: `before`, which was read when the connection was opened."""
        certificate = connection.getpeercert()
        if time.time() >= ssl.cert_time_to_seconds(certificate['notAfter']):
            return False
        if connection.getpeercert(binary_form=True) in self.certificates:
            return True
        # TLS does not say to which root, so all of them must still be trusted; and a root that was removed is no way to itself.
        is_issued = before.roots <= self.roots and certificate['issuer'] != certificate['subject']
        return is_issued and any(has_name(certificate, names) for names in self.names)


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    trust = Trust()

    def finish_request(self, request, client_address):
        # In the thread of the connection: a slow handshake holds nobody else up.
        request.settimeout(30)
        trust = self.trust
        with trust.context.wrap_socket(request, server_side=True) as connection:
            connection.trust = trust
            self.RequestHandlerClass(connection, client_address, self)

    def handle_error(self, request, client_address):
        pass  # a refused handshake is no event


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def parse_request(self):
        if not super().parse_request():
            return False
        # At each request as well: a connection that is kept was judged when it was opened, and TLS does not compare names.
        if Server.trust.accepts(self.connection, self.connection.trust):
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
        Server.trust = Trust()
    except Exception as error:
        print('not reloaded:', error, flush=True)


if hasattr(signal, 'SIGHUP'):
    signal.signal(signal.SIGHUP, reload)
Server(('{{address}}', {{port}}), Handler).serve_forever()
