import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { RemovableCertificate } from '../../certificates/certificate.js';
import { isAuthority, type RemovableAuthority, type TrustEntry } from '../../certificates/trust-entry.js';
import { AppError } from '../../platform/errors.js';
import { lastCertificate } from '../failures.js';
import { fingerprints } from '../format.js';
import { gated, UNGUARDED } from '../gate.js';
import { pemFormat } from '../pem-format.js';
import { type Command, commandSchema, runCommand, timeoutSchema, wordCommand } from '../run-command.js';
import { storeName } from '../store-name.js';
import { type BeforeEffect, described, type DescribedTrustStore } from '../trust-store.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({
    kind: z.literal('command'),
    add: commandSchema.check(
      z.describe('makes the certificate on its standard input trusted; run again, it changes nothing'),
    ),
    remove: commandSchema.check(z.describe('ends the trust in the certificate on its standard input')),
    observe: z
      .optional(commandSchema)
      .check(z.describe('prints what is trusted now: PEM certificates, or SHA-256 fingerprints, one a line')),
    reload: z.optional(commandSchema).check(z.describe('makes the change live')),
    timeout: z.optional(timeoutSchema),
  })
  .check(z.describe('your own commands, for example over ssh'));

const FINGERPRINT = /^(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i;

/** Reads what an observe command printed. */
function observed(output: string): string[] {
  if (output.includes('-----BEGIN ')) return fingerprints(pemFormat, output.replaceAll('\r', ''));
  const lines = output.split('\n').map((line) => line.trim());
  return [
    ...new Set(
      lines
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => {
          if (!FINGERPRINT.test(line)) {
            throw new AppError(
              'TrustStoreUnreadable',
              'the observe command printed neither PEM certificates nor SHA-256 fingerprints',
              { hint: 'let it print one fingerprint (64 hex digits) a line and nothing else' },
            );
          }
          return line.replaceAll(':', '').toUpperCase().match(/../g)?.join(':') ?? '';
        }),
    ),
  ];
}

/** What a command learns of the certificate besides its PEM on standard input; what is not known is empty. */
function variables(action: string, certificate: RemovableCertificate): Record<string, string> {
  return {
    APIGW_CERT_ACTION: action,
    APIGW_CERT_ID: certificate.clientCertificateId ?? '',
    APIGW_CERT_FINGERPRINT_SHA256: certificate.fingerprintSha256,
    APIGW_CERT_SERIAL_NUMBER: certificate.serialNumber ?? '',
    APIGW_CERT_SUBJECT: certificate.subject ?? '',
    APIGW_CERT_NOT_BEFORE: certificate.notBefore?.toISOString() ?? '',
    APIGW_CERT_NOT_AFTER: certificate.notAfter?.toISOString() ?? '',
  };
}

/** @throws AppError `TrustStoreFailed` when a command has succeeded, and observe shows otherwise */
function assertObserved(
  action: 'add' | 'remove',
  seen: readonly string[] | undefined,
  { fingerprintSha256 }: RemovableCertificate,
): void {
  const wanted = action === 'add';
  if (seen === undefined || seen.includes(fingerprintSha256) === wanted) return;
  throw new AppError(
    'TrustStoreFailed',
    `the ${action} command succeeded, but observe ${wanted ? 'does not show' : 'still shows'} the certificate`,
    { hint: 'run both commands by hand and compare' },
  );
}

/** Tells commands apart that read alike in a message, since they are long or have blanks inside an argument. */
function abridged(command: Command): string | undefined {
  const words = typeof command === 'string' ? [command] : command;
  const isWhole =
    wordCommand(command) === words.join(' ') &&
    (typeof command === 'string' || words.every((word) => /^\S+$/.test(word)));
  return isWhole
    ? undefined
    : createHash('sha256').update(JSON.stringify(command)).digest('hex').slice(0, 12);
}

const ONLY_CERTIFICATES =
  'its commands are given a certificate to trust, and would trust the whole CA; change it by hand as docs/acm.md describes';

const objection = (entry: TrustEntry): string | undefined =>
  isAuthority(entry) ? ONLY_CERTIFICATES : undefined;

/** A trust store that the user's own commands change. */
function commandStore(config: z.infer<typeof schema>): DescribedTrustStore {
  const { timeout } = config;
  const formerName = `command:${wordCommand(config.add)}`;
  const name = storeName(formerName, { sha256: abridged(config.add) });

  const failed = (
    error: unknown,
    code: 'TrustStoreFailed' | 'TrustStoreUnsuitable' | 'TrustStoreNotLive' | 'TrustStoreUnreadable',
    outcome = '',
  ): AppError => {
    const known = error instanceof AppError ? error : undefined;
    return new AppError(code, `${name}: ${known?.message ?? String(error)}${outcome}`, {
      cause: error,
      ...(known?.hint === undefined ? {} : { hint: known.hint }),
      details: { trustStore: name, ...known?.details },
    });
  };

  const observe = async (): Promise<string[] | undefined> => {
    if (config.observe === undefined) return undefined;
    try {
      return observed(await runCommand(config.observe, { timeout, env: { APIGW_CERT_ACTION: 'observe' } }));
    } catch (error) {
      throw failed(error, 'TrustStoreUnreadable');
    }
  };
  const run = async (action: 'add' | 'remove', certificate: RemovableCertificate): Promise<void> => {
    const command: Command = config[action];
    const input = certificate.pem ?? '';
    await runCommand(command, { timeout, input, env: variables(action, certificate) });
  };
  const reload = async (certificate: RemovableCertificate): Promise<void> => {
    if (config.reload === undefined) return;
    await runCommand(config.reload, { timeout, env: variables('reload', certificate) });
  };

  const lastOne = (): AppError => failed(lastCertificate('add its successor first'), 'TrustStoreFailed');

  const undo = async (
    action: 'add' | 'remove',
    certificate: RemovableCertificate,
    error: unknown,
  ): Promise<void> => {
    try {
      if (action === 'add' && certificate.pem === undefined) {
        throw new Error('only its fingerprint is known, and the add command needs the certificate');
      }
      await run(action, certificate);
      await reload(certificate);
      assertObserved(action, await observe(), certificate);
    } catch (undoError) {
      throw new AppError(
        'TrustStoreNotRestored',
        `${failed(error, 'TrustStoreFailed').message}; undoing it failed as well: ${(undoError as Error).message}`,
        {
          cause: undoError,
          hint: 'look at it now, and put it right by hand',
          details: { trustStore: name },
        },
      );
    }
  };

  /** Does it, makes it live, looks; and takes it back if that fails and taking it back can do no harm. */
  const change = async (
    action: 'add' | 'remove',
    certificate: RemovableCertificate,
    beforeEffect: BeforeEffect,
  ): Promise<void> => {
    const before = await observe();
    const wanted = action === 'add';
    const trusted = before?.includes(certificate.fingerprintSha256);
    if (action === 'remove' && trusted && before?.length === 1) throw lastOne();
    const gate = gated(beforeEffect);
    let hasRun = false;
    try {
      if (trusted !== wanted) {
        await gate.pass();
        hasRun = true;
        await run(action, certificate);
      }
      // Even when nothing was to be done: an earlier run may have been killed before it came to this.
      if (config.reload !== undefined) {
        await gate.pass();
        await reload(certificate);
      }
      assertObserved(action, await observe(), certificate);
    } catch (error) {
      const isUnread = error instanceof AppError && error.code === 'TrustStoreUnreadable';
      if (gate.isRefused() && !hasRun) throw error;
      if (!hasRun) {
        throw isUnread ? error : failed(error, 'TrustStoreNotLive', '; neither add nor remove was run');
      }
      // Unobserved, an added certificate may have been trusted before: removing it could refuse a stage's calls.
      const isLeft = wanted && (trusted !== false || !(await gate.mayPass()));
      if (!isLeft) await undo(wanted ? 'remove' : 'add', certificate, error);
      if (error === gate.refusal()) throw error;
      const outcome = isLeft
        ? 'it was not undone, and may be trusted now'
        : config.observe === undefined
          ? `the ${wanted ? 'remove' : 'add'} command was run to undo it`
          : 'it was undone';
      throw failed(error, 'TrustStoreFailed', `; ${outcome}`);
    }
  };

  const certificateIn = <Certificate extends RemovableCertificate>(
    entry: Certificate | RemovableAuthority,
  ): Certificate => {
    if (!isAuthority(entry)) return entry;
    throw failed(
      new AppError('TrustStoreUnsuitable', `it cannot hold a root with a name: ${ONLY_CERTIFICATES}`, {
        hint: 'nothing was changed',
      }),
      'TrustStoreUnsuitable',
    );
  };

  return described({
    name,
    formerName,
    async describe() {
      const seen = await observe();
      return seen
        ? { state: 'known', fingerprints: seen }
        : { state: 'unknown', reason: 'it has no observe command, so its content is unknown' };
    },
    objection,
    async add(entry, { beforeEffect = UNGUARDED } = {}) {
      await change('add', certificateIn(entry), beforeEffect);
    },
    async remove(entry, { beforeEffect = UNGUARDED } = {}) {
      await change('remove', certificateIn(entry), beforeEffect);
    },
  });
}

export const command = defineKind({
  name: 'command',
  schema,
  options: { add: 'command', remove: 'command', observe: 'command', reload: 'command', timeout: 'name' },
  document: {
    written:
      'by your commands: PEM on standard input, `APIGW_CERT_ACTION`, `_ID`, `_FINGERPRINT_SHA256`, `_SERIAL_NUMBER`, `_SUBJECT`, `_NOT_BEFORE`, `_NOT_AFTER`',
    applied: 'none',
    proved: 'contract suite',
  },
  open: commandStore,
});
