import { connect } from 'node:net';
import { AppError } from '../platform/errors.js';
import type { BeforeEffect } from './trust-store.js';
import { withoutControls } from './run-command.js';

const TIMEOUT_MS = 10_000;

function failed(socket: string, what: string, cause?: unknown): AppError {
  return new AppError('TrustStoreFailed', `the runtime API at ${socket} ${what}`, {
    cause,
    hint: 'haproxy.cfg needs "stats socket PATH level admin", and this user the right to write to PATH',
    details: { socket },
  });
}

/** Sends one command to HAProxy's runtime API (management guide, section 9.3) and returns its answer. */
function send(socket: string, command: string): Promise<string> {
  const tcp = /^([^/]*):(\d+)$/.exec(socket);
  return new Promise((resolve, reject) => {
    const connection = tcp ? connect(Number(tcp[2]), tcp[1]) : connect(socket);
    let answer = '';
    connection.setEncoding('utf8').setTimeout(TIMEOUT_MS);
    connection.on('connect', () => connection.end(`${command}\n`));
    connection.on('data', (text: string) => (answer += text));
    connection.on('timeout', () => connection.destroy(new Error('no answer within 10 s')));
    connection.on('error', (cause) => {
      reject(failed(socket, `cannot be used: ${cause.message}`, cause));
    });
    connection.on('close', () => {
      resolve(answer);
    });
  });
}

/** The values in the list now, in lower case. */
async function values(socket: string, acl: string): Promise<string[]> {
  const answer = await send(socket, `show acl ${acl}`);
  const lines = answer.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const value = /^0x[0-9a-f]+ (\S+)$/.exec(line.trim())?.[1];
    if (value === undefined)
      throw failed(socket, `does not know the list ${acl}: ${withoutControls(answer).trim()}`);
    return value;
  });
}

/**
 * Makes the list in the running HAProxy hold exactly `wanted` of the values that are SHA-256, and looks whether it does;
 * new ones are added before old ones go, so that nobody is refused in between.
 * @param socket a path, or host:port
 * @param acl the list's name, which is the path after `-f` in haproxy.cfg
 * @param wanted lower-case hex
 * @param beforeEffect called before each command that changes the list
 * @throws AppError `TrustStoreFailed`
 */
export async function syncAcl(
  socket: string,
  acl: string,
  wanted: readonly string[],
  beforeEffect: BeforeEffect,
): Promise<void> {
  const compare = async (): Promise<{ missing: string[]; extra: string[] }> => {
    const now = await values(socket, acl);
    return {
      missing: wanted.filter((value) => !now.includes(value)),
      extra: now.filter((value) => /^[0-9a-f]{64}$/.test(value) && !wanted.includes(value)),
    };
  };
  const { missing, extra } = await compare();
  const commands = [
    ...missing.map((value) => `add acl ${acl} ${value}`),
    ...extra.map((value) => `del acl ${acl} ${value}`),
  ];
  for (const command of commands) {
    await beforeEffect();
    const answer = (await send(socket, command)).trim();
    if (answer !== '') throw failed(socket, `refused "${command}": ${withoutControls(answer)}`);
  }
  if (commands.length === 0) return;
  const left = await compare();
  if (left.missing.length > 0 || left.extra.length > 0) {
    throw failed(socket, `took the commands, but the list ${acl} is not what it was to be`);
  }
}
