/** What a file is, by words that only its kind has. Nothing is judged as something that it is not. */
import { basename, extname } from 'node:path';
import { readPemText } from '../certificates/pem.js';
import { textOf } from './files.js';

export const LINT_FORMATS = ['pem', 'nginx', 'haproxy', 'apache', 'caddy'] as const;

export type LintFormat = (typeof LINT_FORMATS)[number];

/** A kind that is judged, or the name of what the file seems to be. */
export type Recognised = { format: LintFormat } | { other: string };

const PROGRAMS: Readonly<Record<string, string>> = {
  '.py': 'a Python program',
  '.js': 'a JavaScript program',
  '.mjs': 'a JavaScript program',
  '.cjs': 'a JavaScript program',
  '.ts': 'a TypeScript program',
  '.go': 'a Go program',
  '.java': 'a Java program',
  '.kt': 'a Kotlin program',
  '.rb': 'a Ruby program',
  '.php': 'a PHP program',
  '.rs': 'a Rust program',
  '.cs': 'a C# program',
  '.lua': 'a Lua program',
  '.sh': 'a shell script',
  '.tf': 'a Terraform configuration',
};

/** In this order: the first that fits names the file. */
const OTHERS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^#!.*\b(?:sh|bash|zsh)\b/, 'a shell script'],
  [/^#!.*\bpython/, 'a Python program'],
  [/^#!.*\bnode\b/, 'a JavaScript program'],
  [/^\s*(?:import \w[\w.]*(?: as \w+)?|from [\w.]+ import .+)$/m, 'a Python program'],
  [/^package \w+\s*$/m, 'a Go program'],
  [/^\s*import (?:static )?(?:javax?|org|com)\.[\w.*]+;/m, 'a Java program'],
  [
    /^\s*(?:import .* from ['"]|(?:const|let|var) .*=\s*(?:await )?(?:require|import)\()/m,
    'a JavaScript program',
  ],
  [/^\s*using [\w.]+;/m, 'a C# program'],
  [/<\?php/, 'a PHP program'],
  [
    /nginx\.ingress\.kubernetes\.io|haproxy(?:-ingress)?\.(?:org|github\.io)\/|traefik\.ingress\.kubernetes\.io/,
    'Kubernetes ingress annotations',
  ],
  [/^\s*"?apiVersion"?\s*:/m, 'a Kubernetes manifest'],
  [
    /^\s*"?(?:static_resources|dynamic_resources)"?\s*:|envoy\.(?:filters|transport_sockets|extensions)/m,
    'an Envoy configuration',
  ],
  [
    /^\s*(?:entryPoints|certificatesResolvers)\s*:|^\s*\[(?:http\.routers|entryPoints|tls\.options)|^\s*(?:routers|clientAuth|caFiles)\s*:|traefik\.(?:http|enable)/m,
    'a Traefik configuration',
  ],
  [/^\s*(?:resource|provider|module|variable) "/m, 'a Terraform configuration'],
  [/^AWSTemplateFormatVersion|^\s*Resources:\s*$/m, 'a CloudFormation template'],
  [/^\s*(?:verifyChain|verifyPeer|CAfile|requireCert)\s*=/m, 'a stunnel configuration'],
  [/^\s*ssl\.(?:engine|verifyclient|pemfile|ca-file)/m, 'a lighttpd configuration'],
  [/^\s*(?:frontend|pem-file|client-verify|client-verify-ca)\s*=/m, 'a hitch configuration'],
  [/<system\.webServer>|<configuration>/, 'an IIS configuration'],
  [/<Connector\b|<Server port=/, 'a Tomcat configuration'],
  [/^FROM \S+/m, 'a Dockerfile'],
];

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

function isCaddyJson(text: string): boolean {
  return /^\s*\{/.test(text) && /"apps"\s*:|"tls_connection_policies"|"client_authentication"/.test(text);
}

/** How many lines speak for each server. */
function scores(text: string): Readonly<Record<Exclude<LintFormat, 'pem'>, number>> {
  const code = text.replace(/^[ \t]*#.*$/gm, '');
  return {
    haproxy:
      2 * count(code, /^[ \t]*(?:global|defaults|frontend|listen|backend)\b(?:[ \t]+[\w.:-]+)*[ \t]*$/gm) +
      count(
        code,
        /^[ \t]+(?:bind|mode|acl|http-request|tcp-request|use_backend|default_backend|timeout|balance|log|maxconn)[ \t]+[^;{]*$/gm,
      ),
    apache: count(
      code,
      /^[ \t]*(?:<\/?[A-Z]\w+[^>\n]*>|(?:SSL[A-Z]\w+|Require|LoadModule|Rewrite\w+|ProxyPass\w*|IncludeOptional|Include|ServerName|DocumentRoot|Listen|Define)[ \t][^;\n]*)$/gm,
    ),
    nginx:
      count(code, /^[^\n#]*\b(?:server|http|events|stream|map|geo|upstream|location|if)\b[^\n;]*\{/gm) +
      count(
        code,
        /(?:^|[{;])[ \t]*(?:ssl_\w+|listen|server_name|proxy_\w+|include|return|map_hash_bucket_size|root)[ \t][^\n;]*;/gm,
      ),
    caddy: isCaddyJson(text)
      ? 50
      : count(
          code,
          /^[ \t]*(?:tls|client_auth|reverse_proxy|respond|handle|handle_path|route|mode|trust_pool|trusted_(?:ca|leaf)_cert\w*|file_server|encode|abort|php_fastcgi|@\w+|redir|auto_https|admin)\b[^;\n]*$/gm,
        ) + count(code, /^(?:https?:\/\/)?[\w.*:-]*(?::\d+|\.\w+|localhost)[^;\n(]*\{[ \t]*$/gm),
  };
}

/** Tells what a file is. Empty is an empty list of certificates. */
export function recognise(file: string, bytes: Uint8Array): Recognised {
  if (bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80) return { format: 'pem' };
  const odd = new Set(readPemText(bytes).findings.map(({ code }) => code));
  if (odd.has('Utf16Text')) return { format: 'pem' };
  const text = textOf(bytes);
  const name = basename(file);
  const program = PROGRAMS[extname(name).toLowerCase()];
  if (program !== undefined) return { other: program };
  if (isCaddyJson(text)) return { format: 'caddy' };
  // Certificates, and nothing that a server reads as anything else.
  if (/^(?:[ \t]*(?:#.*)?\r?\n)*-----BEGIN /.test(text)) return { format: 'pem' };
  const other = OTHERS.find(([pattern]) => pattern.test(text))?.[1];
  if (other !== undefined) return { other };
  if (odd.has('JsonText')) return { format: 'pem' };
  const [best, second] = Object.entries(scores(text)).sort(([, a], [, b]) => b - a);
  if (best && best[1] > 0 && best[1] > (second?.[1] ?? 0)) return { format: best[0] as LintFormat };
  if (text.trim() === '' || text.includes('-----BEGIN ')) return { format: 'pem' };
  if (/^(?:[0-9a-f:]{40,95}\s*(?:#.*)?\r?\n?|#.*\n|\s*\n)+$/i.test(text))
    return { other: 'a list of fingerprints' };
  return { other: 'not a recognized configuration' };
}
