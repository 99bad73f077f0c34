import type { Output } from './output.js';

/**
 * Writes a result to the file named, whole or not at all, or to stdout when none is named or it is `-`.
 * @throws AppError `FileNotWritable`
 */
export async function writeResult(out: Output, text: string, file: string | undefined): Promise<void> {
  const content = Buffer.from(text.endsWith('\n') ? text : `${text}\n`);
  if (file === undefined || file === '-') {
    out.content(content);
    return;
  }
  const { writeFileAtomically } = await import('../platform/write-file.js');
  await writeFileAtomically(file, content);
}
