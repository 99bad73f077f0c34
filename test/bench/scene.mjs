// An account with one stage, 60 certificates and a backend that obeys a PEM file, in a process of their own, so that
// their work is not counted as the tool's. argv: a folder. Prints the ids and the environment for the tool as JSON once
// all is ready.
import { startAccount } from './account.mjs';

const CERTIFICATES = 60;

// Room for the one that a rotation makes.
const account = await startAccount(process.argv[2], { certificateQuota: CERTIFICATES + 1 });
const made = await account.makeCertificates(CERTIFICATES);
account.trust(made.slice(0, 1));
await account.makeStage(await account.makeApi({ name: 'orders' }), 'prod', made[0]);
account.ready({
  certificates: CERTIFICATES,
  // Not the one that rotations replace.
  unusedId: made[1].clientCertificateId,
});
