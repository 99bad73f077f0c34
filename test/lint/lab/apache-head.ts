/** What the main configuration of an Apache needs before its virtual hosts, in a folder of its own. */
const MODULES = [
  'mpm_event',
  'authz_core',
  'authz_host',
  'access_compat',
  'auth_basic',
  'authn_core',
  'authn_file',
  'authz_user',
  'headers',
  'setenvif',
  'env',
  'alias',
  'rewrite',
  'socache_shmcb',
  'ssl',
  'proxy',
  'proxy_http',
];

/** @param more modules besides those that every configuration may use */
export function apacheHead(folder: string, more: readonly string[] = []): string {
  const lines = [
    `ServerRoot ${folder}`,
    ...[...MODULES, ...more].map(
      (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
    ),
    `PidFile ${folder}/pid`,
    `ErrorLog ${folder}/error.log`,
    `DefaultRuntimeDir ${folder}`,
    'User www-data',
    'Group www-data',
    'ServerName localhost',
  ];
  return lines.map((line) => `${line}\n`).join('');
}
