/**
 * What people paste when they mean a certificate or a stage: ARNs (Service Authorization Reference, "Amazon API
 * Gateway Management"; "execute-api"), pages of the console, and the URL that a stage is invoked by.
 */
import { AppError } from '../platform/errors.js';
import { isAcmArn } from './inventory.js';

/** A certificate, and the Region that the text names with it. */
export interface CertificateReference {
  id: string;
  region?: string;
}

/** A stage, and the Region that the text names with it. */
export interface StageReference {
  api: string;
  stage: string;
  region?: string;
}

const REGION = String.raw`[a-z]{2,4}(?:-[a-z]+)+-\d+`;
const CERTIFICATE_ARN = new RegExp(
  String.raw`^arn:[\w-]+:apigateway:(${REGION})::/clientcertificates/([A-Za-z0-9]+)$`,
);
const STAGE_ARN = new RegExp(
  String.raw`^arn:[\w-]+:apigateway:(${REGION})::/(?:restapis|apis)/([A-Za-z0-9]+)/stages/([\w-]+)$`,
);
const EXECUTE_ARN = new RegExp(
  String.raw`^arn:[\w-]+:execute-api:(${REGION}):\d{12}:([A-Za-z0-9]+)/([\w-]+)(?:/.*)?$`,
);
const INVOKE_HOST = new RegExp(
  String.raw`^([a-z0-9]+)(?:-vpce-[a-z0-9-]+)?\.execute-api\.(${REGION})\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$`,
  'i',
);

const isWebAddress = (text: string): boolean => /^https?:\/\//i.test(text) && URL.canParse(text);

/** The Region that a page of the console is about. */
function consoleRegion(url: URL): { region?: string } {
  const named =
    url.searchParams.get('region') ?? new RegExp(String.raw`^(${REGION})\.console\.`).exec(url.hostname)?.[1];
  return named !== undefined && new RegExp(`^${REGION}$`).test(named) ? { region: named } : {};
}

const isConsole = ({ hostname }: URL): boolean =>
  /(^|\.)console\.(aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com|aws\.eu)$/.test(hostname);

function notUnderstood(text: string, what: string, hint: string): AppError {
  return new AppError('Usage', `"${text}" does not say which ${what}`, { hint });
}

/**
 * Reads a certificate's id, its ARN, or the address of its page in the console. Anything else is taken for an id, and
 * so is the ARN of a ACM certificate, which a stage presents by it.
 * @throws AppError `Usage` for an ARN or an address of something else
 */
export function certificateReference(text: string): CertificateReference {
  const hint =
    'give its id as `apigw-cert list` shows it, its ARN, or the address of its page in the console';
  if (isAcmArn(text)) {
    const [, , , region] = text.split(':');
    return { id: text, ...(region ? { region } : {}) };
  }
  if (text.startsWith('arn:')) {
    const [, region, id] = CERTIFICATE_ARN.exec(text) ?? [];
    if (region === undefined || id === undefined) throw notUnderstood(text, 'client certificate', hint);
    return { id, region };
  }
  if (!isWebAddress(text)) return { id: text };
  const url = new URL(text);
  const id = /client-?certificates?\/([A-Za-z0-9]+)/i.exec(`${url.pathname}${url.hash}`)?.[1];
  if (!isConsole(url) || id === undefined) throw notUnderstood(text, 'client certificate', hint);
  return { id, ...consoleRegion(url) };
}

/**
 * Reads a stage's ARN, its invoke URL, the ARN of a method or the address of its page in the console.
 * @returns `undefined` for anything else, such as `prod` and `orders/prod`
 * @throws AppError `Usage` for an ARN or an address of something else
 */
export function stageReference(text: string): StageReference | undefined {
  const hint =
    'give it as orders/prod, its ARN (…::/restapis/ID/stages/NAME) or its invoke URL with the stage in it';
  if (text.startsWith('arn:')) {
    const [, region, api, stage] = STAGE_ARN.exec(text) ?? EXECUTE_ARN.exec(text) ?? [];
    if (region === undefined || api === undefined || stage === undefined) {
      throw notUnderstood(text, 'stage', hint);
    }
    return { api, stage, region };
  }
  // As the console shows it, without https://.
  const address = isWebAddress(text) ? text : `https://${text}`;
  if (address !== text && !/^[a-z0-9-]+\.execute-api\./i.test(text)) return undefined;
  if (!URL.canParse(address)) throw notUnderstood(text, 'stage', hint);
  const url = new URL(address);
  const [, api, region] = INVOKE_HOST.exec(url.hostname) ?? [];
  const [, first = ''] = url.pathname.split('/');
  if (api !== undefined && region !== undefined) {
    if (!/^[\w-]+$/.test(first)) throw notUnderstood(text, 'stage', hint);
    return { api, stage: first, region };
  }
  const path = `${url.pathname}${url.hash}`;
  const [, apiOnPath, stageOnPath] =
    // Emulators have the API in the path.
    (isConsole(url)
      ? /\/apis\/([a-z0-9]+)\/stages\/([\w-]+)/.exec(path)
      : /^\/restapis\/([a-z0-9]+)\/([\w-]+)\/_user_request_/.exec(url.pathname)) ?? [];
  if (apiOnPath === undefined || stageOnPath === undefined) throw notUnderstood(text, 'stage', hint);
  return { api: apiOnPath, stage: stageOnPath, ...(isConsole(url) ? consoleRegion(url) : {}) };
}
