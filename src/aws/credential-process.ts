import { spawn } from 'node:child_process';
import type { AwsCredentialIdentity } from '@smithy/types';
import { AppError } from '../platform/errors.js';
import { printable } from '../platform/printable.js';
import { splitWords } from './words.js';

/** Nobody waits longer: it may ask a person who sleeps. Milliseconds. */
const PATIENCE_MS = 60_000;
/** Credentials take two thousand octets. */
const MOST_OCTETS = 256 * 1024;
const LONGEST_COMPLAINT = 400;

/** What it complained of, fit for a terminal and a log: long runs of base64 may be keys or tokens. */
function complaint(stderr: string): string {
  const text = stderr.trim().replace(/[A-Za-z0-9+/_=-]{32,}/g, '…');
  return printable(text.replace(/\s*[\r\n]+\s*/g, ' / ')).slice(-LONGEST_COMPLAINT);
}

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  late: boolean;
}

function run([program = '', ...args]: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['inherit', 'pipe', 'pipe'], windowsHide: true });
    const parts = { stdout: '', stderr: '' };
    let late = false;
    const end = (): void => {
      child.kill('SIGKILL');
      // What it started may hold its output open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => {
      late = true;
      end();
    }, PATIENCE_MS);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        parts[name] += chunk;
        if (parts[name].length > MOST_OCTETS) end();
      });
    }
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ...parts, late });
    });
  });
}

/**
 * Runs the `credential_process` of a profile, without a shell, and reads what it prints.
 * @throws AppError `CredentialsMissing`, `CredentialsExpired`; what it wrote to stderr is part of the sentence
 */
export async function processCredentials(line: string, profile: string): Promise<AwsCredentialIdentity> {
  const who = `the credential_process of the profile "${profile}"`;
  const failure = (what: string, hint: string, cause?: unknown): AppError =>
    new AppError('CredentialsMissing', `${who} ${what}`, { hint, cause, details: { profile } });
  const byHand = `run it manually to see more: ${printable(line).slice(0, 200)}`;

  const words = splitWords(line);
  if (words === undefined || words.length === 0) {
    throw failure('is not a valid command: unclosed quote', 'correct it in the AWS configuration file');
  }
  let ended: Ended;
  try {
    ended = await run(words);
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw failure(
      code === 'ENOENT'
        ? `cannot be run: program not found: ${printable(words[0] ?? '')}`
        : `cannot be run (${code})`,
      'specify the full path of the program: cron and systemd use a minimal PATH, and no shell is used',
      cause,
    );
  }
  const said = complaint(ended.stderr);
  const why = said === '' ? '; it wrote nothing to stderr' : `: ${said}`;
  if (ended.late) throw failure(`returned nothing within ${PATIENCE_MS / 1000} s${why}`, byHand);
  if (ended.code !== 0) {
    const how =
      ended.code === null
        ? `was terminated by ${ended.signal ?? 'a signal'}`
        : `failed with exit code ${ended.code}`;
    throw failure(`${how}${why}`, byHand);
  }
  return readAnswer(ended.stdout, profile, failure);
}

function readAnswer(
  stdout: string,
  profile: string,
  failure: (what: string, hint: string) => AppError,
): AwsCredentialIdentity {
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch {
    throw failure(
      'printed something that is not JSON',
      'it must print credentials in the format documented for the AWS CLI',
    );
  }
  const fields = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  const text = (name: string): string | undefined => {
    const value = fields[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  if (fields['Version'] !== 1) {
    throw failure('printed a Version other than 1', 'it must print {"Version": 1, "AccessKeyId": …}');
  }
  const [accessKeyId, secretAccessKey] = [text('AccessKeyId'), text('SecretAccessKey')];
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw failure('did not print both AccessKeyId and SecretAccessKey', 'it must print both');
  }
  const [sessionToken, expiry, accountId] = [text('SessionToken'), text('Expiration'), text('AccountId')];
  const expiration = expiry === undefined ? undefined : new Date(expiry);
  if (expiration !== undefined && Number.isNaN(expiration.getTime())) {
    throw failure('printed an Expiration that is not a valid time', 'use the format 2027-01-31T12:00:00Z');
  }
  if (expiration !== undefined && expiration.getTime() <= Date.now()) {
    throw new AppError(
      'CredentialsExpired',
      `the credential_process of the profile "${profile}" returned credentials that expired at ${expiration.toISOString()}`,
      {
        hint: 'check why it returns expired credentials: it may cache them, or the clock of this machine is wrong',
        details: { profile },
      },
    );
  }
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...(expiration === undefined ? {} : { expiration }),
    ...(accountId === undefined ? {} : { accountId }),
  };
}
