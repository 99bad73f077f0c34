import ical, { ICalAlarmType, ICalCalendarMethod, ICalEventTransparency } from 'ical-generator';
import type { ExpiryReport } from '../check-expiry.js';
import { formatThreshold, type Threshold } from '../../platform/duration.js';
import { dueAt } from '../../certificates/expiry.js';
import { sourceName } from '../../settings/accounts.js';
import { printable } from '../../platform/printable.js';
import { stagesText } from '../../control-plane/stages-text.js';
import { timeText } from './time-text.js';

const SECONDS_PER_DAY = 86_400;

/** Alarms before the expiry, for whoever missed the window. Days. */
const LAST_ALARMS = [30, 7, 1];

const CRLF = '\r\n';
const END = 'END:VCALENDAR';

/** RFC 5545 section 3.1: a line has at most so many octets without its line end. */
const LINE_OCTETS = 75;

/** A content line, folded. The generator's own folding asks an encoder about every single character. */
function folded(line: string): string {
  if (line.length * 3 <= LINE_OCTETS || Buffer.byteLength(line) <= LINE_OCTETS) return line;
  let text = '';
  let octets = 0;
  // By code points: none is torn.
  for (const character of line) {
    const size = Buffer.byteLength(character);
    if (octets + size > LINE_OCTETS) {
      text += `${CRLF} `;
      octets = 1;
    }
    text += character;
    octets += size;
  }
  return text;
}

/**
 * Calendar entries (RFC 5545) for the certificates that are in use, or whose use is not known: a day for the opening
 * of the renewal window, and one for the expiry, each with alarms. Entries keep their identity from one report to the
 * next, so that importing again moves them instead of doubling them; they make nobody busy. Every line ends with CRLF.
 */
export function calendarText({ items, checkedAt }: ExpiryReport, renewBefore: Threshold): string {
  const calendar = ical({
    name: 'API Gateway client certificates',
    prodId: { company: 'apigw-cert', product: 'apigw-cert', language: 'EN' },
    method: ICalCalendarMethod.PUBLISH,
  });

  /** The calendar is emptied after each: all events at once fill the memory. */
  const events: string[] = [];

  function entry(
    what: string,
    day: Date,
    summary: string,
    description: string,
    alarms: readonly number[],
  ): void {
    const event = calendar.createEvent({
      id: `${what}@apigw-cert`,
      stamp: checkedAt,
      start: day,
      allDay: true,
      timezone: 'UTC',
      transparency: ICalEventTransparency.TRANSPARENT,
      summary,
      description,
    });
    for (const days of alarms) {
      event.createAlarm({
        type: ICalAlarmType.display,
        triggerBefore: days * SECONDS_PER_DAY,
        description: summary,
      });
    }
    events.push(event.toString().split(CRLF).map(folded).join(CRLF));
    calendar.clear();
  }

  for (const item of items) {
    const { clientCertificateId: id, description, usedBy, notAfter, fingerprintSha256 } = item;
    if (usedBy?.length === 0 || notAfter <= checkedAt) continue;
    const opens = dueAt(item, renewBefore);
    const kind = item.acm === undefined ? 'client certificate' : 'ACM certificate';
    const name = printable(`${kind} ${id}${description ? ` (${description})` : ''}`);
    const words = [
      `The certificate expires at ${timeText(notAfter)}.`,
      `Its renewal window opens at ${timeText(opens)}, ${formatThreshold(renewBefore)} before it expires.`,
      `Where: ${printable(sourceName(item))}`,
      ...(usedBy === undefined ? [] : [`Presented by: ${stagesText(usedBy)}`]),
    ].join('\n');
    const identity = fingerprintSha256.replaceAll(':', '').toLowerCase().slice(0, 32);
    // What ACM renews by itself is nobody's task before it fails to.
    const renews = item.acm === undefined || item.acm.origin === 'imported';
    if (renews && opens > checkedAt) entry(`${identity}-opens`, opens, `Rotate ${name}`, words, [7, 0]);
    entry(`${identity}-ends`, notAfter, `${name.replace(/^c/, 'C')} expires`, words, LAST_ALARMS);
  }
  return `${calendar.toString().slice(0, -END.length)}${events.join('')}${END}${CRLF}`;
}
