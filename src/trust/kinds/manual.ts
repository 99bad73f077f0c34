import * as z from 'zod/mini';
import { nameText } from '../../certificates/caller-name.js';
import { isAuthority, type RemovableEntry } from '../../certificates/trust-entry.js';
import { AppError } from '../../platform/errors.js';
import type { TrustContext } from '../context.js';
import { UNGUARDED } from '../gate.js';
import { type BeforeEffect, described, type DescribedTrustStore } from '../trust-store.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({
    kind: z.literal('manual'),
    instructions: z
      .optional(z.string().check(z.minLength(1)))
      .check(z.describe('what whoever does it has to know: where, how, whom to call')),
  })
  .check(z.describe('a person changes the trust store; apigw-cert says what to do and waits'));

function identity(entry: RemovableEntry): string {
  const { clientCertificateId, fingerprintSha256, notAfter } = isAuthority(entry) ? entry.ca : entry;
  return [
    ...(isAuthority(entry) ? [`  only     ${nameText(entry)}`] : []),
    ...(clientCertificateId === undefined ? [] : [`  id       ${clientCertificateId}`]),
    `  SHA-256  ${fingerprintSha256}`,
    ...(notAfter === undefined ? [] : [`  expires  ${notAfter.toISOString()}`]),
  ].join('\n');
}

/** A trust store that a person changes. It cannot be observed, so that each run asks anew until it has an answer. */
function byHand(config: z.infer<typeof schema>, context: TrustContext): DescribedTrustStore {
  const name = 'manual';
  const request = async (
    task: string,
    question: (subject: string) => string,
    entry: RemovableEntry,
    beforeEffect: BeforeEffect,
  ): Promise<void> => {
    // A person acts on being told: this is the last moment.
    await beforeEffect();
    context.announce(
      [task, ...(config.instructions === undefined ? [] : [config.instructions])].join('\n\n'),
    );
    const asked = question(
      isAuthority(entry)
        ? `certificates of the CA ${entry.ca.fingerprintSha256} with the ${nameText(entry)}, and no others of it`
        : (entry.clientCertificateId ?? `the certificate ${entry.fingerprintSha256}`),
    );
    if (!context.ask) {
      throw new AppError(
        'ConfirmationNeeded',
        `${name}: there is no terminal on which to confirm: ${asked}`,
        {
          hint: 'do it, then run the same command on a terminal and confirm',
        },
      );
    }
    await context.ask(asked);
  };
  return described({
    name,
    describe: () =>
      Promise.resolve({
        state: 'unknown',
        reason: 'a person changes it, and only that person can look into it',
      }),
    objection: () => undefined,
    add: (entry, { beforeEffect = UNGUARDED } = {}) =>
      request(
        isAuthority(entry)
          ? `Make the backend accept client certificates of this CA as well, but only those with this name, beside those that it accepts now. Without the comparison of the name every certificate of the CA is accepted:\n\n${identity(entry)}\n\n${entry.ca.pem}`
          : `Make the backend accept this client certificate as well, beside those that it accepts now:\n\n${identity(entry)}\n\n${entry.pem}`,
        (subject) => `Does the backend, on every host, now accept ${subject}?`,
        entry,
        beforeEffect,
      ),
    remove: (entry, { beforeEffect = UNGUARDED } = {}) =>
      request(
        `Make the backend refuse ${isAuthority(entry) ? 'client certificates of this CA' : 'this client certificate'}, and go on accepting the others:\n\n${identity(entry)}`,
        (subject) => `Does the backend, on every host, now refuse ${subject}?`,
        entry,
        beforeEffect,
      ),
  });
}

export const manual = defineKind({
  name: 'manual',
  schema,
  options: { instructions: 'text' },
  flag: 'alone',
  document: { written: 'by a person', applied: '–', proved: 'tests' },
  open: byHand,
});
