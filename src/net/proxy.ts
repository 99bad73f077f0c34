import { AppError } from '../platform/errors.js';

/** A proxy, and the variable that names it. */
export interface Proxy {
  url: URL;
  variable: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A variable in the spelling that is set; the lower one wins, and switches off when it is empty, as in Python and curl. */
function variable(name: string, env: Environment): { name: string; value: string } | undefined {
  const lower = name.toLowerCase();
  const spelling = env[lower] === undefined ? name.toUpperCase() : lower;
  const value = env[spelling];
  return value === undefined || value.trim() === '' ? undefined : { name: spelling, value: value.trim() };
}

/** Whether any variable names a proxy: without one, nothing of proxies is loaded. */
export function namesProxy(env: Environment = process.env): boolean {
  return ['http_proxy', 'https_proxy'].some((name) => variable(name, env) !== undefined);
}

/** The proxies that are set, as messages show them: `HTTPS_PROXY=proxy.example.com:3128`, without user and password. */
export function namedProxies(env: Environment = process.env): string[] {
  return ['https_proxy', 'http_proxy'].flatMap((name) => {
    const named = variable(name, env);
    if (named === undefined) return [];
    const text = named.value.includes('://') ? named.value : `http://${named.value}`;
    return [`${named.name}=${URL.canParse(text) ? new URL(text).host : '?'}`];
  });
}

/** Host names end in what NO_PROXY lists, with or without a dot in front; a port in it has to fit; `*` is all. */
function isExcepted({ hostname, port, protocol }: URL, noProxy: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const hostAndPort = `${host}:${port || (protocol === 'http:' ? '80' : '443')}`;
  return noProxy
    .split(',')
    .map((entry) =>
      entry
        .trim()
        .toLowerCase()
        .replace(/^\*?\./, ''),
    )
    .some(
      (entry) =>
        entry === '*' ||
        (entry !== '' && [host, hostAndPort].some((name) => name === entry || name.endsWith(`.${entry}`))),
    );
}

/**
 * The proxy to reach a URL by: that of HTTPS_PROXY or HTTP_PROXY, unless NO_PROXY excepts the host. In both spellings,
 * as the AWS CLI reads them.
 * @throws AppError `Usage` for a variable that names no http or https proxy
 */
export function proxyFor(target: URL, env: Environment = process.env): Proxy | undefined {
  const named = variable(target.protocol === 'http:' ? 'http_proxy' : 'https_proxy', env);
  if (named === undefined || isExcepted(target, variable('no_proxy', env)?.value ?? '')) return undefined;
  const text = named.value.includes('://') ? named.value : `http://${named.value}`;
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (/^https?:$/.test(url.protocol) && url.hostname !== '') return { url, variable: named.name };
  }
  throw new AppError('Usage', `${named.name} is not the URL of an http or https proxy`, {
    hint: `set it to a URL, such as ${named.name}=http://proxy.example.com:3128; other kinds, such as SOCKS, are not supported`,
  });
}

/** A proxy as messages name it: without its user and password. */
export function proxyName({ url }: Proxy): string {
  return url.host;
}
