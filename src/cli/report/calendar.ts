import ical, { ICalAlarmType, ICalCalendarMethod, ICalEventTransparency } from 'ical-generator';
import type { ExpiryReport } from '../../app/check-expiry.js';
import { formatThreshold, type Threshold } from '../../core/duration.js';
import { dueAt } from '../../core/expiry.js';
import { sourceName } from '../../core/fleet.js';
import { printable } from '../../core/printable.js';
import { timeText } from '../status.js';

const SECONDS_PER_DAY = 86_400;

/** Alarms before the end, for whoever missed the window. Days. */
const LAST_ALARMS = [30, 7, 1];

/**
 * Calendar entries (RFC 5545) for the certificates that are in use, or whose use is not known: a day for the opening
 * of the renewal window, and one for the end, each with alarms. Entries keep their identity from one report to the
 * next, so that importing again moves them instead of doubling them; they make nobody busy.
 */
export function calendarText({ items, checkedAt }: ExpiryReport, renewBefore: Threshold): string {
  const calendar = ical({
    name: 'API Gateway client certificates',
    prodId: { company: 'apigw-cert', product: 'apigw-cert', language: 'EN' },
    method: ICalCalendarMethod.PUBLISH,
  });

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
  }

  for (const item of items) {
    const { clientCertificateId: id, description, usedBy, notAfter, fingerprintSha256 } = item;
    if (usedBy?.length === 0 || notAfter <= checkedAt) continue;
    const users = usedBy?.map(({ apiName, stageName }) => `${apiName}/${stageName}`).join(', ');
    const opens = dueAt(item, renewBefore);
    const name = printable(`client certificate ${id}${description ? ` (${description})` : ''}`);
    const words = [
      `The certificate ends at ${timeText(notAfter)}.`,
      `Its renewal window opens at ${timeText(opens)}, ${formatThreshold(renewBefore)} before the end.`,
      `Where: ${printable(sourceName(item))}`,
      ...(users === undefined ? [] : [`Presented by: ${printable(users)}`]),
    ].join('\n');
    const identity = fingerprintSha256.replaceAll(':', '').toLowerCase().slice(0, 32);
    if (opens > checkedAt) entry(`${identity}-opens`, opens, `Rotate ${name}`, words, [7, 0]);
    entry(`${identity}-ends`, notAfter, `The end of ${name}`, words, LAST_ALARMS);
  }
  return calendar.toString();
}
