import { expect, test } from '@jest/globals';
import { judgeBackend } from '../../../../src/commands/backend/verify/rules.js';
import type { Admission } from '../../../../src/net/tls-probe.js';

const status = (code: number): Admission => ({ kind: 'answered', status: code });
const alert: Admission = { kind: 'refused', reason: 'TLS alert: unknown ca' };
const odd: Admission = { kind: 'unclear', reason: 'no HTTP' };

test.each([
  [true, alert, alert, 'enforced', 'refusesBoth'],
  [true, status(400), status(403), 'enforced', 'refusesBoth'],
  [true, status(403), alert, 'enforced', 'refusesBoth'],
  [false, status(200), status(200), 'notEnforced', 'neverAsks'],
  [true, status(302), alert, 'notEnforced', 'admitsWithout'],
  [undefined, status(200), alert, 'notEnforced', 'admitsWithout'],
  [true, alert, status(204), 'notEnforced', 'admitsImpostor'],
  [true, status(404), status(200), 'notEnforced', 'admitsImpostor'],
  [false, status(403), status(403), 'unclear', 'refusesWithoutAsking'],
  [undefined, status(401), alert, 'unclear', 'refusesWithoutAsking'],
  [true, status(404), status(404), 'unclear', 'answersOtherwise'],
  [true, alert, status(502), 'unclear', 'answersOtherwise'],
  [true, odd, alert, 'unclear', 'answersOtherwise'],
] as const)(
  'asks %s, without %j, impostor %j: %s',
  (asks, withoutCertificate, withImpostor, verdict, reason) => {
    expect(judgeBackend({ asks, withoutCertificate, withImpostor })).toEqual({ verdict, reason });
  },
);

test('one that asks once it has seen the path was not seen with a certificate', () => {
  expect(
    judgeBackend({ asks: false, asksLate: true, withoutCertificate: status(403), withImpostor: status(403) }),
  ).toEqual({ verdict: 'unclear', reason: 'asksLate' });
});
