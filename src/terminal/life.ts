import type { ChalkInstance } from 'chalk';
import type { CertificateView } from '../control-plane/certificate-view.js';
import { bar } from './progress.js';
import { STATUS_COLOURS } from '../findings/formats/time-text.js';

const WIDTH = 8;

/** A small bar of the life that is left; it only repeats what the days say, for the eye. */
export function lifeBar(
  { notBefore, notAfter, status }: CertificateView,
  now: Date,
  style: ChalkInstance,
): string {
  const share = (notAfter.getTime() - now.getTime()) / (notAfter.getTime() - notBefore.getTime());
  return style[STATUS_COLOURS[status]](bar(share, WIDTH));
}
