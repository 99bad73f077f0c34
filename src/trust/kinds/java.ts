import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { AppError } from '../../platform/errors.js';
import { readRegularFile } from '../../platform/read-regular-file.js';
import { type BundleView, versionOf, viewDocument } from '../bundle-view.js';
import { changedMeanwhile } from '../failures.js';
import { documentTrustStore } from '../document-store.js';
import { fileDocument } from '../file-document.js';
import { hexOfFingerprint } from '../line-format.js';
import { pemFormat } from '../pem-format.js';
import { replaceFile } from '../../platform/replace-file.js';
import { commandSchema, reloadCommand, runCommand, timeoutSchema } from '../run-command.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({
    kind: z.literal('java'),
    file: z.string().check(z.minLength(1), z.describe('a truststore that keytool can read: PKCS12 or JKS')),
    passwordFile: z
      .optional(z.string().check(z.minLength(1)))
      .check(z.describe('a file with the truststore’s password')),
    passwordVariable: z
      .optional(z.string().check(z.minLength(1)))
      .check(z.describe('an environment variable with the truststore’s password')),
    reload: z.optional(commandSchema).check(z.describe('makes the program read the truststore again')),
    timeout: z.optional(timeoutSchema),
  })
  .check(
    z.refine(
      ({ passwordFile, passwordVariable }) =>
        (passwordFile === undefined) !== (passwordVariable === undefined),
      {
        message: 'give passwordFile or passwordVariable',
      },
    ),
    z.describe('a Java truststore, changed by keytool'),
  );

/** An entry of `-list -rfc` in English. */
const ENTRY =
  /^Alias name: ([^\n]+)\n(?:(?!Alias name: |-----BEGIN)[^\n]*\n)*(-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----)/gm;

type JavaConfig = z.infer<typeof schema>;

function keytool(config: JavaConfig, store: string, args: readonly string[]): Promise<string> {
  // Never on the command line, where every user of the machine could read it.
  const password =
    config.passwordFile === undefined
      ? ['-storepass:env', config.passwordVariable ?? '']
      : ['-storepass:file', config.passwordFile];
  return runCommand(['keytool', '-J-Duser.language=en', ...args, '-keystore', store, ...password], {
    timeout: config.timeout,
  });
}

async function list(config: JavaConfig, store: string): Promise<{ alias: string; pem: string }[]> {
  let output: string;
  try {
    output = await keytool(config, store, ['-list', '-rfc']);
  } catch (error) {
    throw new AppError('TrustStoreUnreadable', error instanceof Error ? error.message : String(error), {
      cause: error,
      hint: 'check the path and the password, and that keytool (a JRE) is installed',
    });
  }
  const text = output.replaceAll('\r', '');
  const entries = [...text.matchAll(ENTRY)].map(([, alias = '', pem = '']) => ({ alias, pem: `${pem}\n` }));
  const types = [...text.matchAll(/^Entry type: (\w+)/gm)].map(([, type]) => type);
  const [, count] = /\bcontains (\d+) entr/.exec(text) ?? [];
  // What cannot be told apart must not be taken for an empty list.
  if (
    Number(count) !== types.length ||
    entries.length !== types.filter((type) => type !== 'SecretKeyEntry').length
  ) {
    throw new AppError('TrustStoreUnreadable', 'what keytool printed could not be understood', {
      hint: 'see what `keytool -list -rfc` prints; is it the keytool of a JDK?',
    });
  }
  return entries;
}

function view(config: JavaConfig): BundleView {
  const { file } = config;
  const content = async (): Promise<Buffer> => {
    try {
      return await readRegularFile(file);
    } catch (cause) {
      throw new AppError('TrustStoreUnreadable', `${file} cannot be read`, {
        cause,
        hint: 'check the path; keytool -importcert makes a new truststore',
        details: { file },
      });
    }
  };
  return {
    async read() {
      const version = versionOf(await content());
      return { text: (await list(config, file)).map(({ pem }) => pem).join(''), version };
    },
    /** keytool works on a copy, which then takes the truststore's place in one step. */
    async write(added, removed, expected, beforeEffect) {
      const folder = await mkdtemp(join(tmpdir(), 'apigw-cert-java-'));
      try {
        const copy = join(folder, 'truststore');
        await copyFile(file, copy);
        for (const { fingerprint, pem } of added) {
          const source = join(folder, 'certificate.pem');
          await writeFile(source, pem);
          const alias = `apigw-${hexOfFingerprint(fingerprint)}`;
          await keytool(config, copy, ['-importcert', '-noprompt', '-alias', alias, '-file', source]);
        }
        for (const { alias, pem } of removed.length > 0 ? await list(config, copy) : []) {
          const [segment] = pemFormat.parse(pem);
          if (!removed.some(({ fingerprint }) => fingerprint === segment?.fingerprint)) continue;
          await keytool(config, copy, ['-delete', '-alias', alias]);
        }
        const changed = await readFile(copy);
        await replaceFile(file, changed, async () => {
          await beforeEffect();
          if (versionOf(await content()) !== expected) throw changedMeanwhile({ file });
        });
        return versionOf(changed);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** A Java truststore. Java accepts every certificate in it, also those that have expired. */
export const java = defineKind({
  name: 'java',
  schema,
  options: {
    file: 'path',
    passwordFile: 'path',
    passwordVariable: 'name',
    reload: 'command',
    timeout: 'name',
  },
  document: {
    written: 'PKCS12 or JKS, by keytool on a copy',
    applied: 'none',
    proved:
      'contract suite with OpenJDK 17; Java accepts an expired certificate in it unless the trust manager checks dates',
  },
  open: (config) =>
    documentTrustStore({
      name: `java:${config.file}`,
      document: viewDocument(view(config), fileDocument(config.file)),
      format: pemFormat,
      holdsNoAuthority:
        'a truststore has no place for the name, and Java would accept every certificate of the CA; use pem-bundle with the program that `apigw-cert backend config java` prints',
      makeLive: reloadCommand(config.reload, config.timeout),
    }),
});
