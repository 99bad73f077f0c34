import { networkHint } from '../../../aws/network-error.js';
import { fetchOctets } from '../../../net/request.js';
import { AppError } from '../../../platform/errors.js';
import { printable } from '../../../platform/printable.js';
import { readRegularFile, unsuitability } from '../../../platform/read-regular-file.js';
import { TRUST_KINDS } from '../../../trust/kinds/index.js';
import type { PublishedAccess, PublishedDocument } from '../../../trust/kinds/kind.js';
import { MAX_LIST_OCTETS } from '../../../trust/published-list.js';

/** A published list. */
export interface Source {
  /** As messages and reports may show it. */
  readonly name: string;
  /** Its octets, whatever they are; not many more than a list may have. @throws AppError */
  read(): Promise<Uint8Array>;
}

/** Milliseconds. */
const TIMEOUT = 20_000;

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Opens the list that `--from` names. Nothing is read yet.
 * @param access how the account of a service of AWS is reached
 * @throws AppError `Usage`
 */
export function openSource(text: string, access: PublishedAccess): Source {
  for (const { published } of TRUST_KINDS) {
    const document = published?.open(text, access);
    if (document) return ofService(text, document);
  }
  const [, file] = /^file:(\P{Cc}+)$/u.exec(text) ?? [];
  if (file !== undefined) return ofFile(file);
  const url = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'https:' || LOOPBACK.test(url.hostname))) return ofUrl(url);
  throw new AppError(
    'Usage',
    url
      ? '--from is an http URL of another host, whose answer anyone on the way could replace'
      : `--from ${JSON.stringify(printable(text.slice(0, 80)))} is not the place of a list`,
    { hint: `specify ${[...FORMS, 'https://URL'].join(', ')} or file:PATH` },
  );
}

const FORMS = TRUST_KINDS.flatMap(({ published }) => published?.form ?? []);

const unreadable = (name: string, what: string, hint: string, cause?: unknown): AppError =>
  new AppError('TrustStoreUnreadable', `${name}: ${what}`, { hint, cause, details: { from: name } });

function ofService(name: string, document: PublishedDocument): Source {
  return {
    name,
    async read() {
      try {
        return Buffer.from((await document.read()).text, document.encoding);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        throw new AppError(error.code, `${name}: ${error.message}`, {
          cause: error,
          ...(error.hint === undefined ? {} : { hint: error.hint }),
          details: { from: name, ...error.details },
        });
      }
    },
  };
}

function ofUrl(url: URL): Source {
  // Its query may be a signature.
  const name = `${url.origin}${url.pathname}`;
  return {
    name,
    async read() {
      let answer: { status: number; octets: Uint8Array };
      try {
        const headers = { 'user-agent': 'apigw-cert', 'cache-control': 'no-cache' };
        answer = await fetchOctets(url, { headers, timeoutMs: TIMEOUT, maxOctets: MAX_LIST_OCTETS });
      } catch (cause) {
        const why =
          cause instanceof Error && cause.message !== '' ? cause.message : 'it could not be reached';
        throw unreadable(name, why, networkHint('check the URL and the network'), cause);
      }
      if (answer.status === 200) return answer.octets;
      throw unreadable(name, `HTTP ${answer.status}`, 'check the URL; redirects are not followed');
    },
  };
}

function ofFile(file: string): Source {
  const name = `file:${file}`;
  return {
    name,
    async read() {
      try {
        return await readRegularFile(file);
      } catch (cause) {
        const { code = '' } = cause as NodeJS.ErrnoException;
        throw unreadable(
          name,
          `it cannot be read${unsuitability(cause) || ` (${code})`}`,
          'check the path, and that this user may read it',
          cause,
        );
      }
    },
  };
}
