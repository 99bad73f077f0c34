import { stripVTControlCharacters } from 'node:util';
import type { Output } from './output.js';

/**
 * Writes a result to the specified file, whole or not at all, or to stdout when none is specified or it is `-`. A file has no
 * colours, whatever stdout is.
 * @throws AppError `FileNotWritable`
 */
export async function writeResult(out: Output, text: string, file: string | undefined): Promise<void> {
  const whole = text.endsWith('\n') ? text : `${text}\n`;
  if (file === undefined || file === '-') {
    out.content(Buffer.from(whole));
    return;
  }
  const { writeFileAtomically } = await import('../platform/write-file.js');
  await writeFileAtomically(file, Buffer.from(stripVTControlCharacters(whole)));
}
