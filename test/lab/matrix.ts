import type { TestIdentity } from '../support/certificates.js';
import { mintIdentity } from '../support/certificates.js';
import { call } from '../support/real-server.js';
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

/** Who is let in, of {@link CALLERS}, by one handshake each. */
export async function whoIsLetIn(
  server: LabServer,
  form: Form,
  list: readonly ('old' | 'new')[],
  callers: Callers,
): Promise<Caller[]> {
  const trusted = [...list, 'expired' as const].map((name) => callers[name].certificate);
  const running = await server.start(form, trusted);
  try {
    const letIn: Caller[] = [];
    for (const name of CALLERS) {
      const identity = name === 'none' ? undefined : callers[name];
      const client = identity && { pem: identity.certificate.pem, privateKeyPem: identity.privateKeyPem };
      if ((await call(running.port, client)) === 'accepted') letIn.push(name);
    }
    return letIn;
  } finally {
    await running.stop();
  }
}
