// Accepts the client certificates of API Gateway that are in {{trustFile}}, and nobody else.
// They all have one subject, so the option "ca" of https.createServer would accept only the first of them.
import { readFileSync } from 'node:fs';
import { trustClientCertificates } from 'apigw-cert/node';

const trust = trustClientCertificates('{{trustFile}}', { onError: (error) => console.error(error.message) });
const server = trust.createServer(
  { cert: readFileSync('{{certificateFile}}'), key: readFileSync('{{privateKeyFile}}') },
  (request, response) => {
    // Only API Gateway comes here.
    response.end('ok\n');
  },
);
server.listen({{port}}, '{{host}}');
