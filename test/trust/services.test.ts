/** Trust stores in AWS services, by the real SDK against an HTTP double. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTrustStore } from '../../src/trust/kinds/index.js';
import { acceptList, sealed } from '../../src/trust/published-list.js';
import { appError, noContext, refusingCall, trustStoreContract } from '../contract/trust-store.contract.js';
import { type AwsDouble, startAwsDouble } from '../support/aws-double.js';
import { mintIdentity, type TestIdentity } from '../support/certificates.js';

let aws: AwsDouble;
let old: TestIdentity;
let next: TestIdentity;

beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  process.env['AWS_MAX_ATTEMPTS'] = '1';
  [old, next] = await Promise.all([mintIdentity('a1b2c3'), mintIdentity('d4e5f6')]);
});
beforeEach(async () => {
  aws = await startAwsDouble();
});
afterEach(() => {
  aws.close();
});
afterAll(() => {
  delete process.env['AWS_MAX_ATTEMPTS'];
});

const SERVICES = {
  s3: ['/bucket/trust/apigw.pem', { kind: 's3', bucket: 'bucket', key: 'trust/apigw.pem' }],
  secretsmanager: ['apigw', { kind: 'secretsmanager', secret: 'apigw' }],
  ssm: ['/apigw/trusted', { kind: 'ssm', parameter: '/apigw/trusted' }],
} as const;

for (const [name, config] of Object.values(SERVICES)) {
  const { kind } = config;
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

  trustStoreContract(
    `${kind} with a reload`,
    () => {
      aws.versions.set(name, ['']);
      return Promise.resolve({
        store: createTrustStore(
          { ...config, region: 'eu-west-1', endpointUrl: aws.url, reload: 'true' },
          noContext,
        ),
        content: () => Promise.resolve([...(aws.versions.get(name) ?? [])]),
        breakIt: () => {
          aws.readOnly = true;
          return Promise.resolve();
        },
        additionsStayFrom: kind === 'secretsmanager' ? 3 : 2,
      });
    },
    1,
  );

  describe(kind, () => {
    const current = (): string | undefined => aws.versions.get(name)?.at(-1);
    const reloading = (reload: string) =>
      createTrustStore({ ...config, region: 'eu-west-1', endpointUrl: aws.url, reload }, noContext);

    test.each(['before', 'after', 'error500'] as const)(
      'a write whose first try ends by "%s" is tried again, and counts once',
      async (mishap) => {
        process.env['AWS_MAX_ATTEMPTS'] = '3';
        aws.versions.set(name, [old.certificate.pem]);
        aws.mishaps = [mishap];
        await open().add(next.certificate);
        process.env['AWS_MAX_ATTEMPTS'] = '1';
        await expect(open().observe()).resolves.toEqual([
          old.certificate.fingerprintSha256,
          next.certificate.fingerprintSha256,
        ]);
      },
    );

    test('a write whose answer is lost is settled by reading', async () => {
      aws.versions.set(name, [old.certificate.pem]);
      // The one that counts is the last of a kind's calls.
      aws.mishaps = kind === 'secretsmanager' ? [undefined, 'after'] : ['after'];
      await open().add(next.certificate);
      expect(current()).toContain(next.certificate.pem);
    });

    test.each(['before', 'error500'] as const)(
      'a write that ends by "%s" is neither done nor failed',
      async (mishap) => {
        aws.versions.set(name, [old.certificate.pem]);
        aws.mishaps = [mishap];
        const error = await appError(open().add(next.certificate));
        expect(error.code).toBe('ServiceUnreachable');
        expect(error.message).toMatch(/: whether the (object|secret|parameter) was written is not known: /);
        expect(current()).toBe(old.certificate.pem);
      },
    );

    test('what is there already is reloaded again, since a killed run may not have come to it', async () => {
      aws.versions.set(name, [old.certificate.pem + next.certificate.pem]);
      const folder = await mkdtemp(join(tmpdir(), 'apigw-cert-services-'));
      const store = reloading(`echo reloaded >> ${folder}/log`);
      await store.add(next.certificate);
      await store.remove({ fingerprintSha256: 'AA' });
      expect(await readFile(join(folder, 'log'), 'utf8')).toBe('reloaded\nreloaded\n');
      expect(aws.versions.get(name)).toHaveLength(1);
      await rm(folder, { recursive: true });
    });

    test('what is there already and cannot be reloaded is reported as that', async () => {
      aws.versions.set(name, [old.certificate.pem]);
      const error = await appError(reloading('exit 3').add(old.certificate));
      expect(error.code).toBe('TrustStoreNotLive');
      expect(aws.versions.get(name)).toEqual([old.certificate.pem]);
    });

    test('a removal whose reload fails is put back; an addition too, where nobody forbids it', async () => {
      const both = old.certificate.pem + next.certificate.pem;
      aws.versions.set(name, [both]);
      expect((await appError(reloading('exit 3').remove(old.certificate))).code).toBe('TrustStoreFailed');
      expect(current()).toBe(sealed(both, `# apigw-cert list version 1\n`, 'utf8'));
      aws.versions.set(name, [old.certificate.pem]);
      expect((await appError(reloading('exit 3').add(next.certificate))).code).toBe('TrustStoreFailed');
      expect(current()).toBe(sealed(old.certificate.pem, `# apigw-cert list version 1\n`, 'utf8'));
    });

    test('each change is published with the next version, and one without a change with none', async () => {
      aws.versions.set(name, [old.certificate.pem]);
      await open().add(next.certificate);
      await open().add(next.certificate);
      await open().remove(old.certificate);
      const lists = (aws.versions.get(name) ?? [])
        .slice(1)
        .map((text) => acceptList(Buffer.from(text), undefined, false));
      expect(lists.map(({ version, entries }) => [version, entries.length])).toEqual([
        [1, 2],
        [2, 1],
      ]);
    });

    test('an addition whose reload fails stays where it may not be taken back any more', async () => {
      aws.versions.set(name, [old.certificate.pem]);
      const { beforeEffect } = refusingCall(kind === 'secretsmanager' ? 4 : 3);
      const error = await appError(reloading('exit 3').add(next.certificate, { beforeEffect }));
      expect(error.code).toBe('TrustStoreNotRestored');
      expect(error.message).toContain('was left there');
      expect(current()).toContain(next.certificate.pem);
    });

    test('what somebody else wrote after us is not overwritten by what was before', async () => {
      aws.versions.set(name, [old.certificate.pem + next.certificate.pem]);
      const theirs = `# theirs\n${next.certificate.pem}`;
      let calls = 0;
      const beforeEffect = (): Promise<void> => {
        if (++calls === (kind === 'secretsmanager' ? 3 : 2)) aws.versions.get(name)?.push(theirs);
        return Promise.resolve();
      };
      const error = await appError(reloading('exit 3').remove(old.certificate, { beforeEffect }));
      expect(error.code).toBe('TrustStoreNotRestored');
      expect(error.message).toContain('someone else changed it');
      expect(current()).toBe(theirs);
    });

    test('somebody else’s change at the same moment is kept and reported', async () => {
      aws.versions.set(name, [old.certificate.pem]);
      const theirs = `# theirs\n${old.certificate.pem}`;
      aws.beforeWrite = () => aws.versions.get(name)?.push(theirs);
      const error = await appError(open().add(next.certificate));
      expect(error.code).toBe('TrustStoreFailed');
      expect(error.message).toContain('someone else changed it');
      expect(aws.versions.get(name)?.at(-1)).toBe(theirs);
    });

    test('what may not be read is unknown, and is not written', async () => {
      aws.versions.set(name, [old.certificate.pem]);
      aws.denied = true;
      // One after the other: a second one that fails before it is awaited would end the test.
      for (const work of [() => open().observe(), () => open().add(next.certificate)]) {
        expect(await appError(work())).toMatchObject({
          code: 'TrustStoreUnreadable',
          message: expect.stringMatching(
            /^\S+ .*: the (object|secret|parameter) cannot be read: AccessDenied/,
          ),
          hint: expect.stringContaining('permissions'),
        });
      }
      expect(aws.versions.get(name)).toHaveLength(1);
    });

    test('what does not exist is a clear error', async () => {
      const error = await appError(open().observe());
      expect(error.code).toBe('TrustStoreUnreadable');
      expect(error.message).toMatch(/NoSuchKey|ResourceNotFoundException|ParameterNotFound/);
    });
  });
}

test('s3: octets of others come through unchanged, in whatever encoding', async () => {
  const { config, name } = { config: SERVICES.s3[1], name: SERVICES.s3[0] };
  const foreign = `# Gr\xfc\xdfe \xe2\x82\n`;
  aws.versions.set(name, [foreign]);
  const store = createTrustStore({ ...config, region: 'eu-west-1', endpointUrl: aws.url }, noContext);
  await store.add(old.certificate);
  expect(aws.versions.get(name)?.at(-1)).toMatch(
    new RegExp(`^# apigw-cert list version 1 .*\n${foreign}# .*\n-----BEGIN`),
  );
});

test('ssm: two writers at the same moment publish no two lists of one version', async () => {
  const [name, config] = SERVICES.ssm;
  const first = sealed(old.certificate.pem, '', 'utf8');
  aws.versions.set(name, [first]);
  const theirs = sealed(`# theirs\n${old.certificate.pem}`, first, 'utf8');
  aws.beforeWrite = () => aws.versions.get(name)?.push(theirs);
  const store = createTrustStore({ ...config, region: 'eu-west-1', endpointUrl: aws.url }, noContext);
  expect((await appError(store.add(next.certificate))).message).toContain('someone else changed it');
  const versions = (aws.versions.get(name) ?? []).map((text) => /version (\d+)/.exec(text)?.[1]);
  expect(versions).toEqual(['1', '2', '2', '3']);
  expect(aws.versions.get(name)?.at(-1)).toBe(sealed(theirs, `${theirs}x`, 'utf8'));
});

test('secretsmanager: a binary secret is no empty list', async () => {
  const [name, config] = SERVICES.secretsmanager;
  aws.versions.set(name, ['']);
  aws.binary = true;
  const store = createTrustStore({ ...config, region: 'eu-west-1', endpointUrl: aws.url }, noContext);
  const error = await appError(store.add(old.certificate));
  expect(error.code).toBe('TrustStoreUnreadable');
  expect(error.message).toContain('binary');
  expect(aws.versions.get(name)).toEqual(['']);
});
