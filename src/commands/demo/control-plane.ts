import { AppError } from '../../platform/errors.js';

/** Whose world of the emulator the demo lives in. */
export const DEMO_REGION = 'eu-central-1';
export const DEMO_ACCESS_KEY = 'AKIDDEMO';

const AUTHORIZATION =
  `AWS4-HMAC-SHA256 Credential=${DEMO_ACCESS_KEY}/20260101/${DEMO_REGION}/apigateway/aws4_request, ` +
  'SignedHeaders=host, Signature=0';

/** What the demo needs of the control plane beside this tool's own commands: what AWS's users do in a template. */
export interface DemoControlPlane {
  /** An API whose `GET /health` goes to the backend, deployed to a stage. */
  createApi(
    name: string,
    stageName: string,
    backendUrl: string,
  ): Promise<{ restApiId: string; resourceId: string }>;
  generateCertificate(description: string): Promise<{ id: string; pem: string }>;
  testInvoke(
    method: { restApiId: string; resourceId: string },
    clientCertificateId: string,
  ): Promise<{ status: number; log: string }>;
}

/** Speaks the protocol itself, since the control plane offers only what managing certificates takes. */
export function demoControlPlane(url: string): DemoControlPlane {
  async function send<T>(method: string, path: string, body: unknown): Promise<T> {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: AUTHORIZATION, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer: unknown = await response.json();
    if (response.ok) return answer as T;
    throw new AppError('Internal', `the emulator refused ${method} ${path}: ${JSON.stringify(answer)}`);
  }

  return {
    async createApi(name, stageName, backendUrl) {
      const api = await send<{ id: string; rootResourceId: string }>('POST', '/restapis', { name });
      const below = `/restapis/${api.id}`;
      const resource = await send<{ id: string }>('POST', `${below}/resources/${api.rootResourceId}`, {
        pathPart: 'health',
      });
      const method = `${below}/resources/${resource.id}/methods/GET`;
      await send('PUT', method, { authorizationType: 'NONE' });
      await send('PUT', `${method}/integration`, {
        type: 'HTTP_PROXY',
        httpMethod: 'GET',
        uri: `${backendUrl}/health`,
      });
      await send('POST', `${below}/deployments`, { stageName });
      return { restApiId: api.id, resourceId: resource.id };
    },
    async generateCertificate(description) {
      const made = await send<{ clientCertificateId: string; pemEncodedCertificate: string }>(
        'POST',
        '/clientcertificates',
        { description },
      );
      return { id: made.clientCertificateId, pem: made.pemEncodedCertificate };
    },
    testInvoke({ restApiId, resourceId }, clientCertificateId) {
      return send('POST', `/restapis/${restApiId}/resources/${resourceId}/methods/GET`, {
        pathWithQueryString: '/health',
        clientCertificateId,
      });
    },
  };
}
