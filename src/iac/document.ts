/**
 * Reading documents that other programs wrote. Nothing in them is trusted: only own members are looked at, and every
 * value may have any type.
 */

/** An object of a document. */
export type Part = Readonly<Record<string, unknown>>;

export const isPart = (value: unknown): value is Part =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member of an object; `undefined` for what it only inherits, and for what is no object. */
export const member = (value: unknown, key: string): unknown =>
  isPart(value) && Object.hasOwn(value, key) ? value[key] : undefined;

/** A member that is a string with something in it. */
export function textMember(value: unknown, key: string): string | undefined {
  const found = member(value, key);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/** How long a name from a document may be in a sentence. */
const LONGEST_NAME = 300;

/** A name from a document, short enough for a sentence. */
export const nameOf = (text: string): string =>
  text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME)}…` : text;

/** What a document is written in: PowerShell writes UTF-16, and others a byte order mark. */
function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
}

/** The document, or why it is none. */
export type ParsedDocument = { document: Part } | { reason: string };

/** A binary plan of Terraform is a ZIP archive. */
const isArchive = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b;

/** Reads one JSON object. */
export function parseDocument(bytes: Uint8Array): ParsedDocument {
  if (isArchive(bytes)) {
    return { reason: 'this is a plan file in its binary form; write it as JSON: terraform show -json PLAN' };
  }
  const text = new TextDecoder(encodingOf(bytes)).decode(bytes);
  if (text.trim() === '') return { reason: 'there is nothing in it' };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { reason: 'this is not one whole JSON document' };
  }
  return isPart(document) ? { document } : { reason: 'this JSON is not an object' };
}
