/** Where hosts report: the port, in a folder and in a store that machines share. */
import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../platform/errors.js';
import { openedOnce } from '../platform/opened-once.js';
import { readRegularFile } from '../platform/read-regular-file.js';
import { writeFileAtomically } from '../platform/write-file.js';
import type { ReportPlace } from '../settings/report-place.js';
import type { StateAccess } from '../state/connect.js';
import type { DocumentStore } from '../state/documents.js';
import { openStore } from '../state/open.js';
import { readReport, writeReport, type HostReport } from './host-report.js';

/** The reports of the hosts of one list. */
export interface HostReports {
  /** As messages name it. */
  readonly name: string;
  /** The reports of all hosts, also of those that are gone. @throws AppError */
  list(): Promise<(HostReport | { unreadable: string })[]>;
  /** Replaces the report of the host about its trust store. @throws AppError */
  put(report: HostReport): Promise<void>;
  /** Deletes reports that expired before that time. @throws AppError */
  prune(before: Date): Promise<void>;
}

const SUFFIX = '.json';
/** A report has some 100 octets for each certificate. */
const MAX_OCTETS = 1024 * 1024;

/** A name for a file or a key, another for each trust store of a host. */
function nameOf({ host, trustStore }: Pick<HostReport, 'host' | 'trustStore'>): string {
  const plain = host.replaceAll(/[^A-Za-z0-9_-]+/g, '-').slice(0, 60);
  const hash = createHash('sha256')
    .update(JSON.stringify([host, trustStore]))
    .digest('hex');
  return `${plain}.${hash.slice(0, 12)}`;
}

const isExpired = (report: HostReport | { unreadable: string }, before: Date): boolean =>
  'expiresAt' in report && report.expiresAt < before;

function folderReports(directory: string): HostReports {
  const unusable = (cause: unknown): AppError => {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    return new AppError('StateUnavailable', `the folder ${directory} cannot be used for reports (${code})`, {
      cause,
      hint: 'create it, and let this user read and write it',
      details: { directory },
    });
  };
  const files = async (): Promise<string[]> => {
    try {
      return (await readdir(directory))
        .filter((name) => name.endsWith(SUFFIX) && !name.startsWith('.'))
        .sort();
    } catch (cause) {
      throw unusable(cause);
    }
  };
  const read = async (file: string): Promise<(HostReport | { unreadable: string })[]> => {
    try {
      return [
        readReport(
          file.slice(0, -SUFFIX.length),
          (await readRegularFile(join(directory, file), MAX_OCTETS)).toString('utf8'),
        ),
      ];
    } catch (cause) {
      // A host may have left since the folder was listed.
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
      return [{ unreadable: file }];
    }
  };
  return {
    name: directory,
    list: async () => (await Promise.all((await files()).map(read))).flat(),
    put: (report) => writeFileAtomically(join(directory, `${nameOf(report)}${SUFFIX}`), writeReport(report)),
    async prune(before) {
      for (const file of await files()) {
        const [report] = await read(file);
        if (report && isExpired(report, before))
          await rm(join(directory, file), { force: true }).catch((cause: unknown) => {
            throw unusable(cause);
          });
      }
    },
  };
}

function documentReports(store: DocumentStore, group: string): Omit<HostReports, 'name'> {
  return {
    list: async () => (await store.list(group)).map(({ name, text }) => readReport(name, text)),
    async put(report) {
      const key = { group, name: nameOf(report) };
      const text = writeReport(report);
      const before = await store.read(key);
      if ((await store.write(key, text, before?.version)) !== undefined) return;
      throw new AppError('Locked', `another process reports for the host ${report.host} in ${store.name}`, {
        hint: 'give each host a name of its own (--host), and run one follower for each trust store',
      });
    },
    async prune(before) {
      for (const { name, text } of await store.list(group)) {
        if (isExpired(readReport(name, text), before)) await store.remove({ group, name });
      }
    },
  };
}

/** Opens a place. Nothing is asked yet. @param access how the account of a store of AWS is reached */
export function openReports(place: ReportPlace, access: StateAccess = {}): HostReports {
  if (place.kind === 'folder') return folderReports(place.directory);
  const group = place.kind === 'dynamodb' ? `hosts/${place.group}` : 'hosts';
  const open = openedOnce(() => openStore(place, access));
  const opened = async (): Promise<Omit<HostReports, 'name'>> => documentReports(await open(), group);
  return {
    name:
      place.kind === 's3' ? `s3://${place.bucket}/${place.prefix}` : `dynamodb:${place.table}/${place.group}`,
    list: async () => (await opened()).list(),
    put: async (report) => (await opened()).put(report),
    prune: async (before) => (await opened()).prune(before),
  };
}
