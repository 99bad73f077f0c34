import { listText } from '../../platform/list-text.js';
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { refuse } from '../../settings/read.js';
import { validateText } from '../../configuration/validate.js';
import { doctor, type DoctorReport } from '../doctor/run.js';
import { draftText, targetName } from './draft.js';
import { lookAtStore, type StoreSight } from './look-at-store.js';
import { stageChoices, surveyStage, type StageChoice, type Survey } from './survey.js';
import type { StageAddress } from '../../control-plane/resolve-stage.js';
import type { TrustDescription } from '../../rotation/engine/jobs.js';
import { writeFileAtomically } from '../../platform/write-file.js';
import { takesReload } from '../../trust/flag.js';
import { AppError } from '../../platform/errors.js';
import { namedStage } from '../../control-plane/named-stage.js';
import { printable } from '../../platform/printable.js';
import { parseProbe, type ProbeRequest } from '../../rotation/rules/probe.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { askText, askYes } from '../../terminal/ask.js';
import { resolveAccount } from '../../settings/resolve.js';
import { accountFlags, sayWhere } from '../../terminal/account.js';
import { environmentProfile, controlPlaneFor } from '../../terminal/compose.js';
import type { Context } from '../../terminal/context.js';
import { doctorText } from '../doctor/text.js';
import { stageText } from '../../terminal/stage-options.js';
import { timeText } from '../../findings/formats/time-text.js';
import { table } from '../../terminal/table.js';
import { trustDescriptions } from '../../terminal/trust-options.js';

/** The options of `init`, under commander's names. */
export interface InitOptions {
  stage?: string;
  api?: string;
  trust?: string[];
  reload?: string;
  probe?: string;
  outFile: string;
  yes?: boolean;
  force?: boolean;
}

type InitContext = Context<InitOptions>;

/** Whether there is somebody to ask. */
const asks = ({ options }: InitContext): boolean => process.stdin.isTTY && options.yes !== true;

const day = (date: Date): string => timeText(date).slice(0, 10);

/** Looks, asks, tries, and writes a configuration. */
export async function runInit(context: InitContext): Promise<void> {
  const { options, out, now } = context;
  const file = resolve(options.outFile);
  const given = await givenAnswers(context);
  const isReplacing = await mayReplace(context, file);
  const controlPlane = await openControlPlane(context);
  const address = await chosenStage(context, controlPlane);
  const survey = await surveyStage(controlPlane, address);
  const { stage } = survey;
  out.note(surveyText(survey));
  const probe = given.probe ?? (await chosenProbe(context, survey));
  const report = await doctor(
    controlPlane,
    {
      address: { api: stage.restApiId, stage: stage.stageName },
      // Without a call of its own, each backend is proved by a safe one.
      probeRequest: probe,
    },
    now,
  );
  out.note(`\n${doctorText(report, out.noteStyle)}\n`);
  const certificate = await controlPlane.getClientCertificate(stage.clientCertificateId).catch(absent);
  const { trust, sights } = await chosenTrust(
    given.trust,
    options.reload,
    certificate?.pemEncodedCertificate,
  );
  for (const sight of sights) sayOf(context, sight, stage.clientCertificateId);

  const profile = options.profile ?? environmentProfile();
  const target = targetName(stage.apiName, stage.restApiId);
  const text = draftText({
    date: day(now()),
    region: controlPlane.region,
    ...(profile === undefined ? {} : { profile }),
    target,
    api: survey.api,
    apiId: stage.restApiId,
    stages: survey.stageNames,
    certificate: {
      id: stage.clientCertificateId,
      ...(certificate ? { expires: day(certificate.expirationDate) } : {}),
    },
    elsewhere: survey.elsewhere.map(stageText),
    backends: survey.backends,
    ...(probe === undefined ? {} : { probe }),
    seen: seenText(report, day(now())),
    trust,
  });
  const problems = validateText(text, dirname(file));
  if (problems.length > 0) refuse(file, problems);
  if (!isReplacing && (await isFile(file))) throw exists(file);
  await writeFileAtomically(file, text);
  warnOf(context, report);
  const apiNames = new Map([[stage.restApiId, stage.apiName]]);
  out.result(
    {
      file,
      target,
      stages: survey.stageNames.map((stageName) => namedStage({ ...stage, stageName }, apiNames)),
      clientCertificateId: stage.clientCertificateId,
      backends: survey.backends,
      ...(probe === undefined ? {} : { probe }),
      calls: report.calls,
      probes: report.probes,
      findings: report.findings,
      trust: sights,
      configuration: text,
    },
    () => nextText(file),
  );
}

/** A file that is there may be the one to be replaced, and be wrong: flags, the environment and the profile say where. */
async function openControlPlane({ options, out }: InitContext): Promise<ControlPlane> {
  const account = resolveAccount(accountFlags(options));
  const controlPlane = await controlPlaneFor(options, account);
  await sayWhere(controlPlane, account, out);
  return controlPlane;
}

/** An account may have lost the certificate that a stage still names, and permissions may hide it. */
function absent(error: unknown): undefined {
  if (error instanceof AppError && ['CertificateNotFound', 'AccessDenied'].includes(error.code)) return;
  throw error;
}

/** A link counts as what it leads to; a pipe or a device is written to. */
const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

function exists(file: string): AppError {
  return new AppError('FileNotWritable', `${file} exists already`, {
    hint: 'specify another file with --out-file, or add --force to replace it',
    details: { file },
  });
}

/**
 * Before anything else is asked, so that no answer is lost. `--yes` does not answer this one.
 * @throws AppError `FileNotWritable`
 */
async function mayReplace(context: InitContext, file: string): Promise<boolean> {
  if (context.options.force === true) return true;
  if (!(await isFile(file))) return false;
  if (asks(context) && (await askYes(`${file} exists already. Replace it?`))) return true;
  throw exists(file);
}

async function chosenStage(context: InitContext, controlPlane: ControlPlane): Promise<StageAddress> {
  const { api, stage } = context.options;
  if (stage !== undefined) return api === undefined ? { stage } : { api, stage };
  const all = await stageChoices(controlPlane, context.now());
  const choices =
    api === undefined ? all : all.filter((each) => [each.restApiId, each.apiName].includes(api));
  const addressOf = ({ restApiId, stageName }: StageChoice): StageAddress => ({
    api: restApiId,
    stage: stageName,
  });
  const [only] = choices;
  if (only === undefined) {
    throw new AppError(
      'StageWithoutCertificate',
      `no stage in ${controlPlane.region} presents an API Gateway client certificate`,
      {
        hint: 'generate one and attach it: apigw-cert generate, then apigw-cert attach ID --stage API/STAGE',
      },
    );
  }
  if (!asks(context)) {
    if (choices.length === 1) return addressOf(only);
    const names = choices.slice(0, 10).map((each) => `${each.restApiId}/${each.stageName} (${each.apiName})`);
    throw new AppError('Usage', `${choices.length} stages present a client certificate`, {
      hint: `specify one with --stage: ${names.join(', ')}${choices.length > 10 ? ' and others' : ''}`,
    });
  }
  process.stderr.write(`${choicesText(choices)}\n`);
  return addressOf(await pick('Which stage?', choices));
}

function choicesText(choices: readonly StageChoice[]): string {
  return table(
    ['NO', 'STAGE', 'CERTIFICATE', 'EXPIRES', 'DAYS'],
    choices.map((choice, index) => [
      String(index + 1),
      stageText(choice),
      printable(choice.clientCertificateId),
      choice.expires === undefined ? 'unknown' : day(choice.expires),
      choice.daysLeft === undefined ? '' : String(choice.daysLeft),
    ]),
  );
}

/** Has one of several chosen by its number; Enter takes the first. */
async function pick<T>(question: string, choices: readonly T[]): Promise<T> {
  for (;;) {
    const answer = await askText(`${question} [1]`);
    const chosen = choices[Number(answer === '' ? '1' : /^\d+$/.test(answer) ? answer : NaN) - 1];
    if (chosen !== undefined) return chosen;
    process.stderr.write(`a number from 1 to ${choices.length}\n`);
  }
}

function surveyText({ stage, stageNames, elsewhere, backends }: Survey): string {
  const with_ = [
    ...stageNames
      .filter((name) => name !== stage.stageName)
      .map((stageName) => stageText({ ...stage, stageName })),
    ...elsewhere.map(stageText),
  ];
  return [
    `${stageText(stage)} presents ${printable(stage.clientCertificateId)}`,
    ...(with_.length === 0
      ? []
      : [`  as ${with_.length === 1 ? 'does' : 'do'} ${listText(with_)}: a rotation switches them together`]),
    `  backends: ${listText(backends.map(printable)) || 'none with a valid https address'}`,
  ].join('\n');
}

/** One call for all backends, where one reaches them all; otherwise each has a safe one of its own, or none. */
async function chosenProbe(context: InitContext, survey: Survey): Promise<ProbeRequest | undefined> {
  const { backends, safeCalls } = survey;
  const reachingAll = safeCalls.filter((call) => call.backends.length === backends.length);
  const [first] = reachingAll;
  if (!asks(context)) return first && { method: first.method, path: first.path };
  if (first === undefined) {
    if (safeCalls.length > 0 || survey.stage.protocolType !== undefined) return undefined;
    return askProbe();
  }
  const shown = reachingAll.slice(0, 9);
  process.stderr.write(
    `Calls that cannot write:\n${shown.map(({ method, path }, i) => `  ${i + 1}  ${method} ${printable(path)}`).join('\n')}\n`,
  );
  const { method, path } = await pick('Which one is the test call? It is made now.', shown);
  return { method, path };
}

/** Nothing safe was found: what a person writes is taken at their word. */
async function askProbe(): Promise<ProbeRequest | undefined> {
  for (;;) {
    const answer = await askText(
      'No safe GET request reaches the backend. Which call may be made, such as "GET /health"? It is made now (Enter: none)',
    );
    if (answer === '') return undefined;
    const probe = await understood(() => parseProbe(answer));
    if (probe) return probe;
  }
}

/** What is made of an answer; nothing, once it was said what is wrong with it. The question itself is not in here. */
async function understood<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    process.stderr.write(`${printable([error.message, error.hint].filter(Boolean).join(': '))}\n`);
    return undefined;
  }
}

/** What flags say, read before anything is looked at. @throws AppError `Usage`, `TrustStoreMissing` */
async function givenAnswers(
  context: InitContext,
): Promise<{ probe?: ProbeRequest; trust?: TrustDescription[] }> {
  const { trust, reload, probe } = context.options;
  if (trust === undefined && !asks(context)) {
    throw new AppError('TrustStoreMissing', 'no trust store is specified', {
      hint: 'add --trust KIND:FILE, such as --trust nginx:/etc/nginx/apigw.pem, or --trust manual; docs/trust-stores.md lists all kinds',
    });
  }
  return {
    ...(probe === undefined ? {} : { probe: parseProbe(probe) }),
    ...(trust === undefined ? {} : { trust: await trustDescriptions(trust, reload) }),
  };
}

async function chosenTrust(
  given: TrustDescription[] | undefined,
  reload: string | undefined,
  pem: string | undefined,
): Promise<{ trust: TrustDescription[]; sights: StoreSight[] }> {
  const looked = async (trust: TrustDescription[]) => ({
    trust,
    sights: await Promise.all(trust.map((description) => lookAtStore(description, pem))),
  });
  if (given !== undefined) return looked(given);
  for (;;) {
    const word = await askText(
      'Where does the backend keep the certificates that it accepts? pem-bundle:FILE, nginx:FILE, haproxy:FILE, apache:FILE, …, or manual:',
    );
    // Looked at before the reload is asked for.
    const found = await understood(async () => looked(await trustDescriptions([word], undefined)));
    if (found === undefined) continue;
    const isReloaded = found.trust.some(({ kind }) => takesReload(kind));
    const line =
      reload ?? (isReloaded ? await askText('Command that reloads the server (Enter: none):') : '');
    return line === '' ? found : { ...found, trust: await trustDescriptions([word], line) };
  }
}

function sayOf({ out }: InitContext, { name, holds, reason = '' }: StoreSight, id: string): void {
  if (holds === 'current') {
    out.note(
      `${out.noteStyle.green('✓')} ${printable(name)} holds the certificate in use (${printable(id)})`,
    );
  } else if (holds === 'not current') {
    out.warn(`${printable(name)} does not hold the certificate in use (${printable(id)})`);
  } else {
    out.note(`not checked: ${printable(`${name}: ${reason}`)}`);
  }
}

/** What the calls showed, for the file's comments: of each backend, and nothing that was not tried. */
function seenText({ probes }: DoctorReport, date: string): string[] {
  const kinds = [
    ['current', 'with the certificate in use'],
    ['without', 'without a certificate'],
    ['other', 'with another certificate of the account'],
  ] as const;
  const words = {
    accepted: 'accepted',
    refused: 'refused',
    unknown: 'failed for an unknown reason',
  };
  const backends = [
    ...new Set(kinds.flatMap(([kind]) => (probes[kind] ?? []).map(({ backend }) => backend))),
  ];
  return backends.map((backend) => {
    const seen = kinds.flatMap(([kind, call]) =>
      (probes[kind] ?? [])
        .filter((probe) => probe.backend === backend)
        .map(({ outcome }) => `a call ${call} was ${words[outcome]}`),
    );
    return `Tried on ${date}: at ${backend}, ${seen.join('; ')}.`;
  });
}

function warnOf({ out }: InitContext, { findings, calls }: DoctorReport): void {
  const errors = findings.filter(({ severity }) => severity === 'critical').length;
  if (errors > 0) {
    out.warn(
      'the file was written, but a rotation will stop at the critical findings above: apigw-cert doctor shows them',
    );
  }
  if (calls.length === 0) {
    out.warn(
      'no backend was called, so nothing was tested: a rotation requires a probe, or allowUnproved: true',
    );
  }
}

function nextText(file: string): string {
  const name = /^[\w@%+=:,./-]+$/.test(file) ? file : `'${file.replaceAll("'", String.raw`'\''`)}'`;
  const config =
    basename(file) === 'apigw-cert.yaml' && dirname(file) === process.cwd() ? '' : ` --config ${name}`;
  return [
    `wrote ${printable(file)}`,
    'next:',
    `  apigw-cert rotate${config} --dry-run    shows what a rotation would do`,
    `  apigw-cert rotate${config}              rotates the certificate when it is due; for cron or a systemd timer`,
  ].join('\n');
}
