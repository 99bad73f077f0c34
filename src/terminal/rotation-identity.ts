/** The files of `rotate` that have a certificate and its key; read when they are given. */
import { CERT_AND_KEY, clientIdentity, type IdentityFiles } from '../certificates/client-identity.js';
import { AppError } from '../platform/errors.js';
import { importedIdentity, presentedIdentity } from '../rotation/engine/identity.js';
import type { JobFlags } from '../rotation/engine/jobs.js';
import type { HeldIdentity, InPlace } from '../rotation/engine/ports.js';
import { identityFiles, readNamed } from './identity-files.js';
import { optionName } from './option-name.js';

/** The options that name them, under commander's names. */
export interface FileOptions {
  cert?: string;
  key?: string;
  import?: string;
  chain?: string;
  inPlace?: boolean;
  previousCert?: string;
  previousKey?: string;
  previousChain?: string;
}

/** The certificate of `--cert` or `--import`, with its key. @throws AppError */
export async function identityOf(
  options: FileOptions,
): Promise<Pick<JobFlags['values'], 'identity' | 'importing' | 'inPlace'>> {
  const { cert, key, chain } = options;
  const isImport = options.import !== undefined;
  const inPlace = await inPlaceOf(options);
  if (chain !== undefined && !isImport) {
    throw new AppError('Usage', '--chain needs --import', { hint: 'add the certificate: --import FILE' });
  }
  if (isImport && key === undefined) {
    throw new AppError('Usage', '--import needs --key', { hint: 'add its private key: --key FILE' });
  }
  const own = options.import ?? cert;
  const files = await identityFiles({
    ...(own === undefined ? {} : { cert: own }),
    ...(key === undefined ? {} : { key }),
  });
  if (files === undefined) return { inPlace };
  const names = isImport ? { certificate: '--import', privateKey: '--key' } : CERT_AND_KEY;
  const { identity, importing } = await held(files, chain, names);
  return { identity, ...(isImport ? { importing } : {}), inPlace };
}

/** What `--in-place` says. @throws AppError */
async function inPlaceOf(options: FileOptions): Promise<InPlace | undefined> {
  const { inPlace, previousCert, previousKey, previousChain } = options;
  const given = (['previousCert', 'previousKey', 'previousChain'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (given === undefined) return inPlace === true ? {} : undefined;
  if (inPlace !== true) {
    throw new AppError('Usage', `${optionName(given)} needs --in-place`, { hint: 'add --in-place' });
  }
  if (previousCert === undefined || previousKey === undefined) {
    throw new AppError('Usage', '--previous-cert and --previous-key must be specified together', {
      hint: 'specify both: --previous-cert old.pem --previous-key old.key',
    });
  }
  const files = { certificate: await readNamed(previousCert), privateKey: await readNamed(previousKey) };
  const names = { certificate: '--previous-cert', privateKey: '--previous-key' };
  return { previous: await held(files, previousChain, names) };
}

/** @param chain a file whose certificates follow those of the certificate's file */
async function held(
  { certificate, privateKey }: IdentityFiles,
  chain: string | undefined,
  names: typeof CERT_AND_KEY,
): Promise<HeldIdentity> {
  const above = chain === undefined ? [] : [Buffer.from('\n'), await readNamed(chain)];
  const identity = clientIdentity({ certificate: Buffer.concat([certificate, ...above]), privateKey }, names);
  return { identity: presentedIdentity(identity), importing: importedIdentity(identity, new Date()) };
}
