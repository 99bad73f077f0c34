/** What exit codes mean, in words: `--help` and docs/exit-codes.md are made from this and from ERROR_CODES. */
import { CHECK_EXIT } from '../core/check-level.js';
import { ERROR_CODES, EXIT } from '../core/errors.js';
import { byText } from '../core/order.js';

const MEANING = {
  ok: 'done, or nothing to do',
  failed: 'failed',
  usage: 'wrong usage',
  unfinished: 'not finished: run the same command again',
  interrupted: 'interrupted',
} as const satisfies Record<keyof typeof EXIT, string>;

const outcomes = Object.keys(EXIT) as (keyof typeof EXIT)[];

/** For `--help`; a command that answers a monitor has codes of its own. */
export function exitCodesText(answersMonitor: boolean): string {
  const codes = answersMonitor
    ? Object.entries(CHECK_EXIT).map(([level, code]) => [code, level] as const)
    : outcomes.map((outcome) => [EXIT[outcome], MEANING[outcome]] as const);
  return ['Exit codes:', ...codes.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`)].join(
    '\n',
  );
}

/** docs/exit-codes.md. */
export function exitCodesMarkdown(): string {
  const errors = Object.entries(ERROR_CODES).sort(([a], [b]) => byText(a, b));
  const sections = outcomes.map((outcome) => {
    const list = errors
      .filter(([, { exit }]) => exit === EXIT[outcome])
      .map(([code, { meaning }]) => `- \`${code}\`: ${meaning}`);
    return [`## ${EXIT[outcome]}: ${MEANING[outcome]}`, ...(list.length > 0 ? [list.join('\n')] : [])].join(
      '\n\n',
    );
  });
  const levels = Object.entries(CHECK_EXIT).map(([level, code]) => `- ${code}: ${level}`);
  return `# Exit codes and error codes

An error is one sentence on stderr with its remedy. With \`--output json\`, stdout holds it as
\`{ "error": { "code", "message", "hint", "details" } }\`; scripts should branch on the code, whose name does not change.
\`rotate\` may work on several certificates: once it knows which, it answers \`{ "rotations": [ … ] }\`, where each that failed
has its \`error\`, its \`target\` and its \`stages\`.
This page is made by \`npm run docs\`.

${sections.join('\n\n')}

## check-expiry

It answers monitors, and has the exit codes of the Monitoring Plugins guidelines:

${levels.join('\n')}

Whatever keeps it from an answer is unknown (3): no credentials, no network, wrong usage. An error is printed on stdout
too, since that is the line that monitors show.
`;
}
