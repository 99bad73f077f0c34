/** A program of its own, to be killed: adds the certificate in a PEM file to a PEM bundle. */
import { readFileSync } from 'node:fs';
import { createTrustStore } from '../../src/trust/kinds/index.js';
import { trustedCertificate } from '../../src/certificates/parse.js';

const [file = '', pem = '', reload = ''] = process.argv.slice(2);
await createTrustStore({ kind: 'pem-bundle', file, reload }, { announce: () => undefined }).add(
  trustedCertificate(readFileSync(pem, 'utf8')),
);
