import * as z from 'zod/mini';
import { certificateFacts } from '../../certificates/parse.js';
import { mintClientCertificate } from '../../certificates/mint.js';
import { limitExceeded, notFound, ServiceError } from '../errors.js';
import { newId } from '../ids.js';
import type { CertificateHolder, StoredCertificate, World } from '../model.js';
import { operation, seconds } from '../operation.js';
import { page } from '../pagination.js';
import { addTags, tagsBody } from '../tags.js';
import { checkPatch, patchBody } from './patch.js';

const PATH = '/clientcertificates/{clientCertificateId}';

function output(certificate: StoredCertificate): object {
  return {
    clientCertificateId: certificate.id,
    description: certificate.description,
    pemEncodedCertificate: certificate.pem,
    createdDate: seconds(certificate.createdDate),
    expirationDate: seconds(certificate.expirationDate),
    tags: Object.fromEntries(certificate.tags),
  };
}

function find(world: World, id: string): StoredCertificate {
  const certificate = world.certificates.get(id);
  if (certificate === undefined) throw notFound('Invalid Client Certificate identifier specified');
  return certificate;
}

function checkQuota(world: World, quota: number): void {
  if (world.certificates.size < quota) return;
  throw limitExceeded(
    'Maximum number of client certificates for this account has been reached. ' +
      'Please contact AWS if you need additional client certificates.',
  );
}

/** Stages of REST and WebSocket APIs: they present the same certificates. */
function stagesThatUse(world: World, id: string): string[] {
  const apis: { id: string; stages: ReadonlyMap<string, CertificateHolder> }[] = [
    ...world.apis.values(),
    ...world.v2Apis.values(),
  ];
  return apis.flatMap((api) =>
    [...api.stages.values()]
      .filter((stage) => stage.clientCertificateId === id)
      .map((stage) => `${api.id}/${stage.name}`),
  );
}

export const clientCertificateOperations = [
  operation({
    name: 'GenerateClientCertificate',
    method: 'POST',
    path: '/clientcertificates',
    success: 201,
    body: z.object({ description: z.nullish(z.string()), tags: z.nullish(tagsBody) }),
    async handle({ world, body, clock, settings }) {
      checkQuota(world, settings.certificateQuota);
      const tags = new Map<string, string>();
      addTags(tags, body.tags ?? new Map());
      const createdDate = clock.now();
      const { pem, privateKeyPem } = await mintClientCertificate({ notBefore: createdDate });
      // Others may have come first while the key was made.
      checkQuota(world, settings.certificateQuota);
      const certificate: StoredCertificate = {
        id: newId(6, (id) => world.certificates.has(id)),
        description: body.description ?? undefined,
        createdDate: createdDate.getTime(),
        expirationDate: certificateFacts(pem).notAfter.getTime(),
        pem,
        privateKeyPem,
        tags,
      };
      world.certificates.set(certificate.id, certificate);
      return output(certificate);
    },
  }),
  operation({
    name: 'GetClientCertificates',
    method: 'GET',
    path: '/clientcertificates',
    success: 200,
    handle: ({ world, query }) => page('clientcertificates', world.certificates, query, output),
  }),
  operation({
    name: 'GetClientCertificate',
    method: 'GET',
    path: PATH,
    success: 200,
    handle: ({ world, param }) => output(find(world, param('clientCertificateId'))),
  }),
  operation({
    name: 'UpdateClientCertificate',
    method: 'PATCH',
    path: PATH,
    success: 200,
    body: patchBody,
    handle({ world, param, body }) {
      const certificate = find(world, param('clientCertificateId'));
      checkPatch(body.patchOperations, { replace: ['/description'] });
      for (const { value } of body.patchOperations) certificate.description = value ?? undefined;
      return output(certificate);
    },
  }),
  operation({
    name: 'DeleteClientCertificate',
    method: 'DELETE',
    path: PATH,
    success: 202,
    handle({ world, param, settings }) {
      const { id } = find(world, param('clientCertificateId'));
      const stages = stagesThatUse(world, id);
      if (stages.length > 0) {
        throw new ServiceError(
          settings.deleteInUseStatus,
          settings.deleteInUseStatus === 409 ? 'ConflictException' : 'BadRequestException',
          `Client certificate ${id} is used by stages: ${stages.join(', ')}`,
        );
      }
      world.certificates.delete(id);
    },
  }),
];
