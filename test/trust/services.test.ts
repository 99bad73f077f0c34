/** Trust stores in AWS services and Kubernetes, by the real SDK and the real kubectl, against HTTP doubles. */
import { spawnSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createTrustStore } from '../../src/trust/index.js';
import { appError, noContext, trustStoreContract } from '../contract/trust-store.contract.js';
import { type AwsDouble, startAwsDouble } from '../support/aws-double.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';
import { type KubernetesDouble, startKubernetesDouble } from '../support/kubernetes-double.js';

jest.setTimeout(60_000);

let aws: AwsDouble;
let kubernetes: KubernetesDouble;
let old: TestIdentity;
let next: TestIdentity;

beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  process.env['AWS_MAX_ATTEMPTS'] = '1';
  [old, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
});
beforeEach(async () => {
  [aws, kubernetes] = await Promise.all([startAwsDouble(), startKubernetesDouble()]);
});
afterEach(() => {
  aws.close();
  kubernetes.close();
});
afterAll(() => {
  delete process.env['AWS_MAX_ATTEMPTS'];
});

const SERVICES = {
  s3: ['/bucket/trust/apigw.pem', { kind: 's3', bucket: 'bucket', key: 'trust/apigw.pem' }],
  secretsmanager: ['apigw', { kind: 'secretsmanager', secret: 'apigw' }],
  ssm: ['/apigw/trusted', { kind: 'ssm', parameter: '/apigw/trusted' }],
} as const;

for (const [kind, [name, config]] of Object.entries(SERVICES)) {
  const open = () => createTrustStore({ ...config, region: 'eu-west-1', endpointUrl: aws.url }, noContext);

  trustStoreContract(
    kind,
    () => {
      aws.versions.set(name, ['']);
      return Promise.resolve({
        store: open(),
        content: () => Promise.resolve([...(aws.versions.get(name) ?? [])]),
        breakIt: () => {
          aws.readOnly = true;
          return Promise.resolve();
        },
      });
    },
    3,
  );

  describe(kind, () => {
    test('somebody else’s change at the same moment is kept and reported', async () => {
      aws.versions.set(name, [old.certificate.pem]);
      const theirs = `# theirs\n${old.certificate.pem}`;
      aws.beforeWrite = () => aws.versions.get(name)?.push(theirs);
      const error = await appError(open().add(next.certificate));
      expect(error.code).toBe('TrustStoreFailed');
      expect(error.message).toContain('somebody else changed it');
      expect(aws.versions.get(name)?.at(-1)).toBe(theirs);
    });

    test('what does not exist is a clear error', async () => {
      const error = await appError(open().observe());
      expect(error.code).toBe('TrustStoreUnreadable');
      expect(error.message).toMatch(/NoSuchKey|ResourceNotFoundException|ParameterNotFound/);
    });
  });
}

// A machine without kubectl has nothing to test; CI installs it, and a skip fails the run.
const withKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

for (const resource of ['secret', 'configmap'] as const) {
  const path = `${resource}s/apigw`;
  const open = () =>
    createTrustStore(
      {
        kind: 'kubernetes',
        resource,
        name: 'apigw',
        key: 'ca.pem',
        kubectl: ['kubectl', `--server=${kubernetes.url}`, '--cache-dir=/tmp/apigw-cert-kubectl'],
      },
      noContext,
    );
  const decode = (value = ''): string =>
    resource === 'secret' ? Buffer.from(value, 'base64').toString() : value;

  if (withKubectl) {
    trustStoreContract(
      `kubernetes ${resource}`,
      () => {
        kubernetes.objects.set(path, { data: { 'ca.pem': '', other: 'c2VjcmV0' }, resourceVersion: 7 });
        return Promise.resolve({
          store: open(),
          content: () => Promise.resolve(structuredClone(kubernetes.objects.get(path))),
          breakIt: () => {
            kubernetes.readOnly = true;
            return Promise.resolve();
          },
        });
      },
      3,
    );
  }

  // A machine without kubectl has nothing to test; in CI it is installed, and a skip fails the run.
  (withKubectl ? describe : describe.skip)(`kubernetes ${resource}`, () => {
    test('our key alone is changed, and somebody else’s change at the same moment is kept', async () => {
      kubernetes.objects.set(path, { data: { 'ca.pem': '', other: 'c2VjcmV0' }, resourceVersion: 7 });
      await open().add(old.certificate);
      expect(kubernetes.objects.get(path)?.data['other']).toBe('c2VjcmV0');
      const before = kubernetes.objects.get(path)?.data['ca.pem'];
      expect(decode(before)).toContain(old.certificate.pem);
      kubernetes.beforePatch = () => {
        const object = kubernetes.objects.get(path);
        if (object) object.resourceVersion = 99;
      };
      const error = await appError(open().add(next.certificate));
      expect(error.message).toContain('somebody else changed it');
      expect(kubernetes.objects.get(path)?.data['ca.pem']).toBe(before);
    });

    test('what does not exist is a clear error', async () => {
      const error = await appError(open().observe());
      expect(error.code).toBe('TrustStoreUnreadable');
      expect(error.message).toContain('NotFound');
    });
  });
}
