/** What the cells of certificates of ACM begin with, and what they come to. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Identity } from '../../src/certificates/issue.js';
import { certificateFacts, trustedCertificate } from '../../src/certificates/parse.js';
import { entryKey } from '../../src/certificates/trust-entry.js';
import { isAcmArn } from '../../src/control-plane/inventory.js';
import { createTrustStore } from '../../src/trust/kinds/index.js';
import { acmClientOf, importCertificate } from '../support/acm.js';
import { mintAuthority, type TestAuthority } from '../support/authority.js';
import { REGION, type RotationLab } from '../support/rotation.js';
import type { FaultKind } from './cells.js';
import type { AcmMode, AcmWorld, World } from './world.js';

const SUBJECT = 'CN=orders-gateway,O=Example';

/** Certificates of one CA, in ACM and not yet. */
export interface AcmAccount {
  authority: TestAuthority;
  /** The one that stages move to. */
  arn: string;
  identity: Identity;
  /** How many were issued: each expires on another day. */
  issued: number;
}

async function issue(account: Pick<AcmAccount, 'authority' | 'issued'>): Promise<Identity> {
  account.issued += 1;
  const { chainPem: pem, privateKeyPem } = await account.authority.issue(SUBJECT, {
    days: 395 - account.issued,
  });
  return { pem, privateKeyPem };
}

/** A CA, and one certificate of it in ACM. */
export async function openAcm({ emulator }: RotationLab): Promise<AcmAccount> {
  const authority = await mintAuthority();
  const account = { authority, arn: '', identity: { pem: '', privateKeyPem: '' }, issued: 0 };
  account.identity = await issue(account);
  const client = acmClientOf(emulator, { region: REGION });
  try {
    const [leaf = ''] = account.identity.pem.split(/(?<=-----END CERTIFICATE-----\n)/);
    const { privateKeyPem } = account.identity;
    account.arn = await importCertificate(
      client,
      { pem: leaf, privateKeyPem },
      { chain: `${authority.issuing.pem}${authority.root.pem}` },
    );
  } finally {
    client.destroy();
  }
  return account;
}

/**
 * Brings the stage to where a rotation of that mode begins.
 * @param move has a rotation run to its end
 * @returns what a user has for the rotation of the cell
 */
export async function beginAcm(
  lab: RotationLab,
  account: AcmAccount,
  mode: AcmMode,
  move: (mode: AcmMode, acm: AcmWorld) => Promise<void>,
): Promise<AcmWorld> {
  const { directory, controlPlane, api } = lab;
  const filesOf = async (name: string, { pem, privateKeyPem }: Identity): Promise<AcmWorld> => {
    const [certificate, privateKey] = [join(directory, `${name}.pem`), join(directory, `${name}.key`)];
    await Promise.all([writeFile(certificate, pem), writeFile(privateKey, privateKeyPem)]);
    return { arn: account.arn, certificate, privateKey, probeUrl: `${api.invokeUrl}/health` };
  };
  const { clientCertificateId = '' } = await controlPlane.getStage(api);
  const own = await filesOf('gateway', account.identity);
  if (mode === 'toAcm' && isAcmArn(clientCertificateId)) await move('toGenerated', own);
  if (mode !== 'toAcm' && !isAcmArn(clientCertificateId)) await move('toAcm', own);
  if (mode !== 'import') return own;
  const root = account.authority.root.pem;
  const next = await issue(account);
  return filesOf('next', { ...next, pem: `${next.pem}${root}` });
}

/** What is not as it must be. @param isSure whether the stage must have come to where the rotation goes */
export async function wrongWithAcm(
  { controlPlane, api }: RotationLab,
  account: AcmAccount,
  {
    world,
    mode,
    startId,
    isSure,
    fault,
  }: { world: World & { acm: AcmWorld }; mode: AcmMode; startId: string; isSure: boolean; fault: FaultKind },
): Promise<string[]> {
  const wrong: string[] = [];
  const { clientCertificateId: id = 'none' } = await controlPlane.getStage(api);
  const generated = await controlPlane.getClientCertificates();
  const ids = generated.map(({ clientCertificateId }) => clientCertificateId);
  const isOfAcm = isAcmArn(id);
  if (ids.join() !== (isOfAcm ? '' : id)) wrong.push(`the stage presents ${id}, there are ${ids.join(', ')}`);
  const hasMoved =
    mode === 'toAcm' ? id === account.arn : mode === 'import' ? isOfAcm && id !== startId : !isOfAcm;
  if (isSure && !hasMoved) wrong.push(`the stage presents ${id}, the first was ${startId}`);
  const wanted = isOfAcm
    ? [entryKey(account.authority.entry({ subject: SUBJECT }))]
    : generated.map(({ pemEncodedCertificate }) => certificateFacts(pemEncodedCertificate).fingerprintSha256);
  const store = createTrustStore(
    { kind: 'pem-bundle', file: world.trustFile },
    { announce: () => undefined },
  );
  const trusted = await store.observe();
  if (trusted?.join() !== wanted.join()) wrong.push(`trusted: ${trusted?.join(', ') ?? 'unknown'}`);
  // Never deleted, whatever becomes of the rotation.
  for (const arn of new Set([account.arn, startId]))
    if (isAcmArn(arn)) await controlPlane.getAcmCertificate(arn);
  if (mode === 'import') {
    const times = await followImport({ controlPlane }, account, world.acm, id);
    // ACM cannot tell a call that is repeated from another one.
    if (times !== 1 && fault !== 'proxyRepeats') wrong.push(`imported ${times} times`);
  }
  return wrong;
}

/** An import that came through is the certificate of the next cell. @returns how often it was imported */
async function followImport(
  { controlPlane }: Pick<RotationLab, 'controlPlane'>,
  account: AcmAccount,
  acm: AcmWorld,
  presented: string,
): Promise<number> {
  const [pem, privateKeyPem] = await Promise.all([
    readFile(acm.certificate, 'utf8'),
    readFile(acm.privateKey, 'utf8'),
  ]);
  const next = trustedCertificate(pem);
  const arns = await controlPlane.importedAcmCertificates(next.notAfter);
  const found = await Promise.all(arns.map((arn) => controlPlane.getAcmCertificate(arn)));
  const its = found.filter(({ trusted }) => trusted.fingerprintSha256 === next.fingerprintSha256);
  if (its.some(({ arn }) => arn === presented)) {
    account.arn = presented;
    account.identity = { pem, privateKeyPem };
  }
  return its.length;
}
