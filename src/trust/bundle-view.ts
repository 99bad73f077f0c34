import { createHash } from 'node:crypto';
import type { Revision, TextDocument } from './document.js';
import { pemFormat } from './pem-format.js';
import type { BeforeEffect } from './trust-store.js';

/** A certificate that appears in or disappears from a view: its fingerprint and its PEM. */
export interface ViewEntry {
  fingerprint: string;
  pem: string;
}

/** What several files or a binary one hold, seen as one PEM text. */
export interface BundleView {
  read(): Promise<{ text: string; version: string }>;
  /** Applies a difference; `expected` is the version that was read. Returns the version that it made. */
  write(
    added: readonly ViewEntry[],
    removed: readonly ViewEntry[],
    expected: string,
    beforeEffect: BeforeEffect,
  ): Promise<string>;
}

/** A name for a content, to notice that it has changed. */
export function versionOf(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

function entries(text: string): Map<string, string> {
  return new Map(
    pemFormat
      .parse(text)
      .flatMap((segment) =>
        segment.fingerprint === undefined ? [] : [[segment.fingerprint, segment.text] as const],
      ),
  );
}

/**
 * Makes what only knows how to add and remove certificates a document whose text is replaced.
 * @param beside the document whose lock and mark are used
 */
export function viewDocument(view: BundleView, beside: TextDocument): TextDocument {
  return {
    ...beside,
    read: () => view.read(),
    async write(text: string, expected: Revision, beforeEffect: BeforeEffect) {
      const [before, after] = [entries(expected.text), entries(text)];
      const missingIn = (other: Map<string, string>, from: Map<string, string>): ViewEntry[] =>
        [...from].flatMap(([fingerprint, pem]) => (other.has(fingerprint) ? [] : [{ fingerprint, pem }]));
      const added = missingIn(before, after);
      const removed = missingIn(after, before);
      return { text, version: await view.write(added, removed, expected.version ?? '', beforeEffect) };
    },
  };
}
