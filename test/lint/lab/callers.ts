/** The callers of the lab, with their keys, and the files of certificates that generated configurations name. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Caller, identityOf } from '../../../src/lint/identity.js';
import { mintServerCertificate } from '../../../src/certificates/mint.js';
import { mintIdentity } from '../../support/certificates.js';
import { newKey, openssl } from '../../support/openssl.js';

export interface LabCaller {
  /** Two are listed, so that a bundle of both shows which of them is accepted. */
  id: string;
  caller: Caller;
  /** PEM, as a client presents it. */
  cert?: string;
  key?: string;
}

export interface Cast {
  folder: string;
  callers: readonly LabCaller[];
  /** The server's own certificate and key. */
  serverPem: string;
  serverKey: string;
  /** Files of certificates, by a short name. */
  files: Readonly<Record<string, string>>;
  /** Certificates that a generated configuration may pin. */
  pins: Readonly<
    Record<'a' | 'b' | 'expired', { pem: string; sha1: string; sha256: string; serial: string }>
  >;
}

/** A certificate of an authority with an entry in `files`. */
function signed(folder: string, authorityName: string, name: string): { cert: string; key: string } {
  const at = (file: string): string => join(folder, file);
  const request = openssl(['req', '-new', ...newKey(at(`${name}.key`)), '-subj', `/CN=${name}`]);
  const signer = ['-CA', at(`${authorityName}.pem`), '-CAkey', at(`${authorityName}.key`), '-CAcreateserial'];
  const cert = openssl(['x509', '-req', ...signer, '-days', '30'], request);
  return { cert, key: readFileSync(at(`${name}.key`), 'utf8') };
}

function authority(folder: string, name: string): string {
  const key = newKey(join(folder, `${name}.key`));
  const pem = openssl(['req', '-x509', ...key, '-subj', `/CN=Lab ${name}`, '-days', '30']);
  writeFileSync(join(folder, `${name}.pem`), pem);
  return pem;
}

/** Caddy takes its certificate by the name of the handshake. */
const SERVER_NAMES = ['localhost', 'a.test', 'b.test', '*.w.test', 'apigw-cert.invalid'];

export async function castIn(folder: string): Promise<Cast> {
  mkdirSync(folder, { recursive: true });
  const [a, b, impostor, expired, own] = await Promise.all([
    mintIdentity('aaaaaa', 100),
    mintIdentity('bbbbbb'),
    mintIdentity('impost'),
    mintIdentity('expire', 400),
    mintServerCertificate({ notBefore: new Date(Date.now() - 3_600_000), dnsNames: SERVER_NAMES }),
  ]);
  const real = authority(folder, 'ca');
  authority(folder, 'other');
  const stranger = signed(folder, 'ca', 'stranger');
  const unknown = signed(folder, 'other', 'unknown');
  const texts = {
    a: a.certificate.pem,
    b: b.certificate.pem,
    two: a.certificate.pem + b.certificate.pem,
    onlyca: real,
    mixed: a.certificate.pem + real,
    mixed2: real + b.certificate.pem,
    expired: expired.certificate.pem,
    aexpired: a.certificate.pem + expired.certificate.pem,
    expireda: expired.certificate.pem + a.certificate.pem,
  };
  const files = Object.fromEntries(
    Object.entries(texts).map(([name, text]) => {
      const path = join(folder, `trust-${name}.pem`);
      writeFileSync(path, text);
      return [name, path];
    }),
  );
  const serverPem = join(folder, 'server.pem');
  const serverKey = join(folder, 'server.pem.key');
  writeFileSync(serverPem, own.certPem + own.caPem);
  writeFileSync(serverKey, own.privateKeyPem);
  const pin = ({ certificate: { pem } }: typeof a) => {
    const { sha1 = '', sha256 = '', serial = '' } = identityOf(pem);
    return { pem, sha1, sha256, serial };
  };
  const client = (
    id: string,
    name: Caller['name'],
    cert: string,
    key: string,
    signedBy?: string,
  ): LabCaller => ({
    id,
    cert,
    key,
    caller: {
      name,
      identity: { ...identityOf(cert), ...(signedBy === undefined ? {} : { signedBy }) },
      expired: name === 'expired',
    },
  });
  return {
    folder,
    serverPem,
    serverKey,
    files,
    pins: { a: pin(a), b: pin(b), expired: pin(expired) },
    callers: [
      { id: 'none', caller: { name: 'none', expired: false } },
      client('a', 'listed', a.certificate.pem, a.privateKeyPem),
      client('b', 'listed', b.certificate.pem, b.privateKeyPem),
      client('impostor', 'impostor', impostor.certificate.pem, impostor.privateKeyPem),
      client('stranger', 'stranger', stranger.cert, stranger.key, identityOf(real).sha256 ?? ''),
      client('unknown', 'stranger', unknown.cert, unknown.key, ''),
      client('expired', 'expired', expired.certificate.pem, expired.privateKeyPem),
    ],
  };
}
