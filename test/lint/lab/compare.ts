/** Holds what the interpreter says of generated configurations against what a real server did. */
import type { Outcome } from '../../../src/lint/outcome.js';
import type { Cast, LabCaller } from './callers.js';
import { type App, type Asked, callAs, pooled, type Target } from './calls.js';

/** A configuration that was generated, as one listener of a batch. */
export interface LabSite {
  target: Target;
  asked: readonly Asked[];
  predict(caller: LabCaller, asked: Asked): Outcome;
  /** For the report of a disagreement. */
  text: string;
}

export interface Comparison {
  configurations: number;
  answers: number;
  admitted: number;
  unknown: number;
  /** Answers that differ; `disagreements` has the first of each configuration. */
  wrong: number;
  disagreements: string[];
}

export const emptyComparison = (): Comparison => ({
  configurations: 0,
  answers: 0,
  admitted: 0,
  unknown: 0,
  wrong: 0,
  disagreements: [],
});

export function add(total: Comparison, more: Comparison): void {
  total.configurations += more.configurations;
  total.answers += more.answers;
  total.admitted += more.admitted;
  total.unknown += more.unknown;
  total.wrong += more.wrong;
  total.disagreements.push(...more.disagreements);
}

/** A refusal of HAProxy that the caller never hears of. */
const isSilence = (real: boolean | string | undefined, { result, steps }: Outcome): boolean =>
  result === 'refused' && steps.at(-1)?.text.includes('silent-drop') === true && real === ' timeout';

export async function compare(sites: readonly LabSite[], cast: Cast, app: App): Promise<Comparison> {
  const total = emptyComparison();
  total.configurations = sites.length;
  const told = new Set<string>();
  const tasks = sites.flatMap((site) =>
    cast.callers.map((caller) => async (): Promise<void> => {
      const seen = await callAs(site.target, caller, site.asked, app);
      site.asked.forEach((asked, at) => {
        const real = seen[at];
        const said = site.predict(caller, asked);
        total.answers++;
        if (real === true) total.admitted++;
        // Whether a file is there is not part of the configuration.
        const isFile =
          said.steps.at(-1)?.text.endsWith('files are served') === true && said.result === 'admitted';
        if (said.result === 'unknown' || isFile) total.unknown++;
        else if (isSilence(real, said)) return;
        else if (typeof real !== 'boolean' || real !== (said.result === 'admitted')) {
          total.wrong++;
          if (told.has(site.text)) return;
          told.add(site.text);
          const { sni = '(none)', name } = site.target;
          total.disagreements.push(
            `${caller.id} ${asked.method} ${asked.path} (SNI ${sni}, Host ${name}): said ${said.result}, was ${typeof real === 'boolean' ? (real ? 'admitted' : 'refused') : String(real)}\n${site.text}\n${said.steps.map(({ line, text }) => `    ${line}: ${text}`).join('\n')}`,
          );
        }
      });
    }),
  );
  await pooled(tasks, 12);
  return total;
}
