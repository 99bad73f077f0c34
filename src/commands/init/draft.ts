/** The text of a first `apigw-cert.yaml`, with comments. Pure. */
import { printable } from '../../platform/printable.js';
import type { ProbeRequest } from '../../rotation/rules/probe.js';
import type { TrustDescription } from '../../rotation/engine/jobs.js';

/** What a first configuration is made of. Names and paths may hold anything. */
export interface Draft {
  /** `2026-11-28` */
  date: string;
  region: string;
  /** Where one was chosen. */
  profile?: string;
  /** The target's name, see {@link targetName}. */
  target: string;
  /** The API's name, or its id where the name does not tell it from others. */
  api: string;
  apiId: string;
  stages: readonly string[];
  /** What the stages present. */
  certificate: { id: string; expires?: string };
  /** Stages of other APIs that present the same certificate, as people call them. */
  elsewhere: readonly string[];
  /** `host[:port]` of each backend. */
  backends: readonly string[];
  probe?: ProbeRequest;
  /** What was seen of the backends, in sentences. */
  seen: readonly string[];
  trust: readonly TrustDescription[];
}

/** A name for a target, made of an API's. */
export function targetName(apiName: string, apiId: string): string {
  const name = apiName.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+|-+$/g, '');
  return name === '' ? apiId : name.slice(0, 64);
}

/** Words that YAML takes for something other than text. */
const NOT_TEXT = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** A value as YAML: plain where that is safe everywhere, else in the quotes of JSON, which YAML reads too. */
function scalar(value: string): string {
  return /^[A-Za-z/][\w./-]*$/.test(value) && !NOT_TEXT.test(value)
    ? value
    : // JSON has separators of lines and marks that turn the direction of text as they are; YAML's escapes are longer.
      JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
        const code = character.codePointAt(0) ?? 0;
        return code > 0xffff
          ? `\\U${code.toString(16).padStart(8, '0')}`
          : `\\u${code.toString(16).padStart(4, '0')}`;
      });
}

function value(given: unknown): string {
  if (Array.isArray(given)) return `[${given.map((each) => value(each)).join(', ')}]`;
  return typeof given === 'string' ? scalar(given) : JSON.stringify(given);
}

const LINE = 100;

/** A comment of sentences, broken between words. */
function comment(text: string, indent = ''): string[] {
  const lines: string[] = [];
  for (const word of printable(text).split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length >= LINE) lines.push(`${indent}# ${word}`);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

function storeLines({ kind, ...options }: TrustDescription): string[] {
  return [
    `      - kind: ${scalar(kind)}`,
    ...Object.entries(options)
      .filter(([, given]) => given !== undefined)
      .map(([key, given]) => `        ${key}: ${value(given)}`),
  ];
}

/** The file's text. */
export function draftText(draft: Draft): string {
  const { certificate, probe, trust, backends } = draft;
  const expires = certificate.expires === undefined ? '' : `, which expires on ${certificate.expires}`;
  const lines = [
    ...comment(`Written by \`apigw-cert init\` on ${draft.date}. docs/configuration.md describes every key.`),
    '#   apigw-cert config validate     finds mistakes',
    '#   apigw-cert rotate --dry-run    shows what a rotation would do; changes nothing',
    `region: ${scalar(draft.region)}`,
    draft.profile === undefined
      ? '# profile: production         # a profile of the AWS configuration (default: the current credentials)'
      : `profile: ${scalar(draft.profile)}`,
    '# Renew a certificate when this much of its lifetime is left.',
    'renewBefore: 33%',
    'targets:',
    `  ${scalar(draft.target)}:`,
    ...comment(`The API ${draft.apiId}.`, '    '),
    `    api: ${scalar(draft.api)}`,
    ...comment(
      `These stages present the client certificate ${certificate.id}${expires}. They are rotated together.`,
      '    ',
    ),
    `    stages: [${draft.stages.map(scalar).join(', ')}]`,
    ...draft.elsewhere.flatMap((stage) =>
      comment(
        `${stage} presents the same certificate and is rotated with it. If its backend has another trust store, add a target for it.`,
        '    ',
      ),
    ),
    ...draft.seen.flatMap((sentence) => comment(sentence, '    ')),
    ...probeLines(probe, backends),
    ...comment(
      `All trust stores of ${backends.join(', ') || 'the backend'}, in the order in which they are changed.`,
      '    ',
    ),
    '    trust:',
    ...trust.flatMap(storeLines),
    ...comment(
      'How long to wait for every host to pick up a trust store change, and how long to watch the new certificate before the old one is removed:',
      '    ',
    ),
    '    # settle: 30s',
    '    # soak: 5m',
    ...comment('How long to keep the old certificate, and trust in it, after the switch:', '    '),
    '    # keepOld: 7d',
    '# Whom check-expiry notifies when the state of a certificate changes:',
    '# notify:',
    '#   - { kind: sns, topicArn: "arn:aws:sns:eu-west-1:123456789012:certificates" }',
  ];
  return `${lines.join('\n')}\n`;
}

function probeLines(probe: ProbeRequest | undefined, backends: readonly string[]): string[] {
  if (probe) {
    return [
      ...comment('The test call, made through API Gateway:', '    '),
      `    probe: { method: ${scalar(probe.method)}, path: ${scalar(probe.path)} }`,
    ];
  }
  return [
    ...comment(
      backends.length > 1
        ? 'Each backend is tested with its own safe GET request. To use another call for all of them:'
        : 'The test call, made through API Gateway (default: a safe GET request):',
      '    ',
    ),
    '    # probe: { method: GET, path: /health }',
  ];
}
