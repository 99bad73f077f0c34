import { AppError } from '../../platform/errors.js';
import { readRegularFile, unsuitability } from '../../platform/read-regular-file.js';
import { writeFileAtomically } from '../../platform/write-file.js';
import type { PublicationSettings } from '../../settings/publication.js';
import { named } from '../failure.js';
import { LONGEST_VALUE, readPublished, type Publication, type Published } from '../publication.js';

/** A file that holds the id and a line end. */
export function filePublication({ file }: Extract<PublicationSettings, { kind: 'file' }>): Publication {
  const name = `file:${file}`;
  const read = async (): Promise<Published> => {
    let octets: Buffer;
    try {
      octets = await readRegularFile(file, LONGEST_VALUE * 1_024);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { state: 'empty' };
      throw new AppError('FileNotReadable', `it cannot be read${unsuitability(cause)}`, {
        cause,
        hint: 'check the path and its permissions',
      });
    }
    return readPublished(octets.toString('utf8'));
  };
  return {
    name,
    observe: () => named(name, read),
    publish: (clientCertificateId, beforeEffect) =>
      named(name, async () => {
        const before = await read();
        if (before.state === 'holds' && before.clientCertificateId === clientCertificateId) return;
        await beforeEffect();
        await writeFileAtomically(file, `${clientCertificateId}\n`);
      }),
  };
}
