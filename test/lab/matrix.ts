import type { TestIdentity } from '../support/certificates.js';
import { mintIdentity } from '../support/certificates.js';
import { call } from '../support/real-server.js';
import { delayed, type JavaClient, type JavaKind, KINDS, type TlsVersion, VERSIONS } from './java-client.js';
import type { Form, LabServer } from './servers.js';

/** Who calls: the certificates of a rotation, and three who must never be let in. */
export interface Callers {
  old: TestIdentity;
  new: TestIdentity;
  /** API Gateway's subject, another key. */
  impostor: TestIdentity;
  /** In the list, but past its end. */
  expired: TestIdentity;
}

const CALLERS = ['old', 'new', 'impostor', 'none', 'expired'] as const;

export type Caller = (typeof CALLERS)[number];

/** What the list holds, in its order; the expired certificate comes last in all of them. */
export const LISTS = [['old'], ['new'], ['old', 'new'], ['new', 'old']] as const;

export type List = (typeof LISTS)[number];

export async function mintCallers(): Promise<Callers> {
  const [old, next, impostor, expired] = await Promise.all([
    mintIdentity('oldold', 340),
    mintIdentity('newnew'),
    mintIdentity('impost'),
    mintIdentity('expire', 400),
  ]);
  return { old, new: next, impostor, expired };
}

/** A Java client and a version of TLS: `sync TLSv1.2`. */
export type JavaVariant = `${JavaKind} ${TlsVersion}`;

export const JAVA_VARIANTS: readonly JavaVariant[] = KINDS.flatMap((kind) =>
  VERSIONS.map((version) => `${kind} ${version}` as const),
);

/** One way over a network, milliseconds: on bare loopback a reset often comes before an alert. */
const LATENCY_MS = 10;

/** Who is let in when Java calls: an answer of the application, and not one of the server's own (400, 403) or an alert. */
async function javaLetIn(
  java: JavaClient,
  port: number,
  callers: Callers,
): Promise<Map<JavaVariant, Caller[]>> {
  const way = await delayed(port, LATENCY_MS);
  const letIn = new Map<JavaVariant, Caller[]>();
  try {
    for (const kind of KINDS) {
      for (const version of VERSIONS) {
        const found: Caller[] = [];
        for (const name of CALLERS) {
          const answer = await java.call(
            kind,
            version,
            way.port,
            name === 'none' ? undefined : callers[name],
          );
          if (answer === '200') found.push(name);
          else if (/ConnectException|HTTP 5/.test(answer)) throw new Error(answer);
        }
        letIn.set(`${kind} ${version}`, found);
      }
    }
  } finally {
    way.close();
  }
  return letIn;
}

/** Who is let in by a server, by each client. */
export interface LetIn {
  node: Caller[];
  /** Absent without the Java client. */
  java?: Map<JavaVariant, Caller[]>;
}

/** Who is let in, of {@link CALLERS}, by one handshake each. */
export async function whoIsLetIn(
  server: LabServer,
  form: Form,
  list: readonly ('old' | 'new')[],
  callers: Callers,
  java?: JavaClient,
): Promise<LetIn> {
  const trusted = [...list, 'expired' as const].map((name) => callers[name].certificate);
  const running = await server.start(form, trusted);
  try {
    const letIn: Caller[] = [];
    for (const name of CALLERS) {
      const identity = name === 'none' ? undefined : callers[name];
      const client = identity && { pem: identity.certificate.pem, privateKeyPem: identity.privateKeyPem };
      if ((await call(running.port, client)) === 'accepted') letIn.push(name);
    }
    return { node: letIn, ...(java ? { java: await javaLetIn(java, running.port, callers) } : {}) };
  } finally {
    await running.stop();
  }
}
