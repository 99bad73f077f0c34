import type { BackendConfig } from './run.js';

/** Both files under headings, what to know of them first; or one of them as it is. */
export function backendConfigText(
  { server, configuration, trust, ca, reload, expired, proved }: BackendConfig,
  only: 'configuration' | 'trust-file' | 'ca-file' | undefined,
): string {
  if (only === 'configuration') return configuration;
  if (only === 'trust-file') return trust.content;
  if (only === 'ca-file') return ca?.content ?? '';
  return [
    `# reload:   ${reload}`,
    `# expired:  a listed certificate that has expired is ${expired}`,
    `# proved:   ${proved}`,
    `# keep it:  apigw-cert rotate --trust ${trust.trustStore}`,
    '',
    `# ==> ${server}: configuration <==`,
    configuration,
    `# ==> ${trust.file} <==`,
    trust.content === '' ? '# (no certificates)\n' : trust.content,
    ...(ca === undefined ? [] : [`# ==> ${ca.file} <==`, ca.content]),
  ].join('\n');
}
