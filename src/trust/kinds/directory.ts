import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { AppError } from '../../platform/errors.js';
import { readRegularFile, UnsuitableFile } from '../../platform/read-regular-file.js';
import { byText } from '../../platform/order.js';
import { type BundleView, versionOf, viewDocument } from '../bundle-view.js';
import { changedMeanwhile } from '../failures.js';
import { documentTrustStore } from '../document-store.js';
import { fileDocument } from '../file-document.js';
import { hexOfFingerprint } from '../line-format.js';
import { pemFormat } from '../pem-format.js';
import { notWritable, replaceFile } from '../../platform/replace-file.js';
import { commandSchema, reloadCommand, timeoutSchema } from '../run-command.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({
    kind: z.literal('directory'),
    directory: z
      .string()
      .check(z.minLength(1), z.describe('a folder with one PEM file (*.pem) for each certificate')),
    reload: z.optional(commandSchema).check(z.describe('makes the program read the folder again')),
    timeout: z.optional(timeoutSchema),
  })
  .check(z.describe('one PEM file a certificate, for images and configuration management'));

interface PemFile {
  path: string;
  text: string;
}

async function pemFiles(directory: string): Promise<PemFile[]> {
  try {
    const names = (await readdir(directory)).filter((name) => name.endsWith('.pem') && !name.startsWith('.'));
    return await Promise.all(
      names.toSorted().map(async (name) => {
        const path = join(directory, name);
        return { path, text: (await readRegularFile(path)).toString('latin1') };
      }),
    );
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new AppError(
      'TrustStoreUnreadable',
      code === 'ENOENT' || code === 'ENOTDIR'
        ? `${directory} is no folder`
        : `${directory} cannot be read${cause instanceof UnsuitableFile ? `: of a file in it, ${cause.message}` : ''}`,
      { cause, hint: 'check the path, and that this user may read it', details: { directory } },
    );
  }
}

const joined = (files: readonly PemFile[]): string =>
  files.map(({ text }) => (text === '' || text.endsWith('\n') ? text : `${text}\n`)).join('');

/** A file of this name that holds another certificate, or none, is somebody's. @throws AppError `FileNotWritable` */
async function assertAbsent(path: string): Promise<void> {
  if (await stat(path).catch(() => undefined)) {
    throw new AppError('FileNotWritable', `${path} is there already and does not hold its certificate`, {
      hint: 'move it away, then run the same command again',
      details: { file: path },
    });
  }
}

function view(directory: string): BundleView {
  /** The files that were removed, by fingerprint, so that what is put back is what was there. */
  const formerly = new Map<string, PemFile>();
  const version = (files: readonly PemFile[]): string =>
    versionOf(JSON.stringify(files.map(({ path, text }) => [path, text])));
  return {
    async read() {
      const files = await pemFiles(directory);
      return { text: joined(files), version: version(files) };
    },
    /** Reading comes last before the first effect; from there on it is one effect, of some milliseconds. */
    async write(added, removed, expected, beforeEffect) {
      await beforeEffect();
      const files = await pemFiles(directory);
      if (version(files) !== expected) throw changedMeanwhile({ directory });
      const removing = files.filter(({ text }) => {
        const inside = pemFormat.parse(text).flatMap(({ fingerprint }) => fingerprint ?? []);
        const goes = inside.filter((fingerprint) =>
          removed.some((entry) => entry.fingerprint === fingerprint),
        );
        if (goes.length > 0 && goes.length < inside.length) {
          throw new AppError('TrustStoreFailed', 'the certificate shares its file with another', {
            hint: 'keep one certificate a file in this folder',
            details: { directory },
          });
        }
        return goes.length > 0;
      });
      const adding = added.map(
        ({ fingerprint, pem }): PemFile =>
          formerly.get(fingerprint) ?? {
            path: join(directory, `${hexOfFingerprint(fingerprint)}.pem`),
            text: pem,
          },
      );
      for (const { path, text } of adding) {
        await replaceFile(path, Buffer.from(text, 'latin1'), () => assertAbsent(path), 0o644);
      }
      for (const { path, text } of removing) {
        await rm(path).catch((cause: unknown) => {
          throw notWritable(path, cause);
        });
        for (const { fingerprint } of pemFormat.parse(text)) {
          if (fingerprint !== undefined) formerly.set(fingerprint, { path, text });
        }
      }
      const kept = files.filter((file) => !removing.includes(file));
      return version([...kept, ...adding].toSorted((a, b) => byText(a.path, b.path)));
    },
  };
}

/** A folder of certificates; each is written and removed as a whole file. */
export const directory = defineKind({
  name: 'directory',
  schema,
  options: { directory: 'path', reload: 'command', timeout: 'name' },
  flag: { option: 'directory' },
  document: { written: 'one `<sha256>.pem` per certificate', applied: 'none', proved: 'contract suite' },
  // The lock and the mark stand beside the folder, as they do beside a file.
  open: ({ directory: folder, reload, timeout }) =>
    documentTrustStore({
      name: `directory:${folder}`,
      document: viewDocument(view(folder), fileDocument(folder)),
      format: pemFormat,
      holdsNoAuthority:
        'programs that read a folder of certificates would accept every certificate of the CA; use pem-bundle with a program that compares the name',
      suits: async () => {
        const found = await stat(folder).catch(() => undefined);
        if (found?.isDirectory() !== true) {
          throw new AppError('TrustStoreUnreadable', `${folder} is no folder`, {
            hint: 'check the path; if it is to be new, make it first',
          });
        }
      },
      makeLive: reloadCommand(reload, timeout),
    }),
});
