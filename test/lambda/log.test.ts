import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asAppError, certificateRound, jobRound, roundOfError } from '../../src/lambda/answer.js';
import { executionName } from '../../src/lambda/execution-name.js';
import { logEvent, METRICS, openLog, secretsOf, shownWithout, type Metric } from '../../src/lambda/log.js';
import type { CertificateRound } from '../../src/lambda/messages.js';
import { AppError, ERROR_CODES, type ErrorCode } from '../../src/platform/errors.js';
import type { RotationEvent } from '../../src/rotation/rules/event.js';

const NOW = new Date('2026-11-29T10:00:00.000Z');
const SECRET = 'FwoGZXIvYXdzEJr//////////wEaDHJlYWxseSBzZWNyZXQ=';
const about = { requestId: 'r-1', target: 'orders' };

function written(
  work: (log: ReturnType<typeof openLog>) => void,
  secrets: readonly string[] = [SECRET],
): string[] {
  const lines: string[] = [];
  work(openLog(about, { write: (line) => lines.push(line), now: () => NOW, shown: shownWithout(secrets) }));
  return lines;
}

describe('a line of the log', () => {
  test('has its level, its time and what the request is about', () => {
    expect(
      written((log) => {
        log.line('INFO', 'step done', { step: 'trust', milliseconds: 4 });
      }),
    ).toEqual([
      '{"level":"INFO","timestamp":"2026-11-29T10:00:00.000Z","requestId":"r-1","target":"orders","message":"step done","step":"trust","milliseconds":4}',
    ]);
  });

  test('metrics have the embedded format', () => {
    const [line = ''] = written((log) => {
      log.metrics({ Rounds: 1, Duration: 25 }, { status: 'done' });
    });
    expect(JSON.parse(line)).toEqual({
      _aws: {
        Timestamp: NOW.getTime(),
        CloudWatchMetrics: [
          {
            Namespace: 'apigw-cert',
            Dimensions: [['Service']],
            Metrics: [
              { Name: 'Rounds', Unit: 'Count' },
              { Name: 'Duration', Unit: 'Milliseconds' },
            ],
          },
        ],
      },
      Service: 'apigw-cert',
      requestId: 'r-1',
      target: 'orders',
      status: 'done',
      Rounds: 1,
      Duration: 25,
    });
  });

  test('no text has a secret, a query, a control character or an end too far away', () => {
    const hostile = fc
      .array(
        fc.oneof(
          fc.string({ maxLength: 40 }),
          fc.string({ unit: 'binary', maxLength: 40 }),
          fc.constantFrom(
            SECRET,
            'https://user:pa55word@backend.example/x?k=qu3ry-s3cret',
            'GET /health?k=qu3ry-s3cret answered 500',
            '\n{"level":"INFO","message":"forged"}',
            '\u001b[2J',
            '\u202e',
          ),
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join(' '));
    fc.assert(
      fc.property(hostile, hostile, (one, other) => {
        const events: RotationEvent[] = [
          { at: '', rotationId: one, type: 'warning', code: 'HookFailed', message: other },
          {
            at: '',
            rotationId: one,
            type: 'stepFailed',
            step: 'trust',
            code: one,
            message: other,
            subject: one,
          },
          { at: '', rotationId: one, type: 'stepDone', step: 'trust', subject: other, ms: 1, evidence: {} },
          { at: '', rotationId: one, type: 'rollingBack', reason: other },
          { at: '', rotationId: one, type: 'ended', outcome: other },
        ];
        const lines = written((log) => {
          for (const event of events) logEvent(log, event);
          log.metrics({ Rounds: 1 }, { reason: one, code: other });
        });
        expect(lines).toHaveLength(events.length + 1);
        for (const line of lines) {
          const values = Object.values(JSON.parse(line) as Record<string, unknown>);
          const texts = values.filter((value) => typeof value === 'string');
          expect(line).not.toMatch(/FwoGZXIv|pa55word|qu3ry-s3cret/);
          for (const text of texts) {
            expect(text).not.toMatch(/[\p{Cc}\u202e]/u);
            expect(text.length).toBeLessThanOrEqual(2_001);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test('calls of backends, which may have keys in their paths, are not in it', () => {
    const calls = [{ method: 'GET', path: '/health?key=x' }] as unknown as Extract<
      RotationEvent,
      { type: 'calls' }
    >['calls'];
    expect(
      written((log) => {
        logEvent(log, { at: '', rotationId: 'r', type: 'calls', calls });
      }),
    ).toEqual([]);
  });

  test('secrets are those of the environment and the external ids that are long enough to be told apart', () => {
    expect(
      secretsOf({ AWS_SECRET_ACCESS_KEY: 'abcd', AWS_SESSION_TOKEN: undefined }, ['external', 'a']),
    ).toEqual(['abcd', 'external']);
  });

  test('each metric has a unit of CloudWatch', () => {
    for (const name of Object.keys(METRICS) as Metric[])
      expect(['Count', 'Milliseconds']).toContain(METRICS[name]);
  });
});

describe('an answer', () => {
  const shown = shownWithout([]);
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];

  test('of an error says waiting where nobody has to do anything, and attention otherwise', () => {
    const waiting = codes.filter(
      (code) => roundOfError(new AppError(code, 'x'), NOW, shown).status === 'waiting',
    );
    expect(waiting.sort()).toEqual([
      'Interrupted',
      'LockLost',
      'Locked',
      'LookOutdated',
      'RotationOvertaken',
      'RotationWaiting',
      'TrustStoreLocked',
    ]);
  });

  test.each([
    [
      new AppError('RotationWaiting', 'x', { details: { until: '2026-12-01T00:00:00.000Z' } }),
      '2026-12-01T00:00:00.000Z',
    ],
    [new AppError('RotationWaiting', 'x', { details: { until: 'tomorrow' } }), '2026-11-29T10:00:45.000Z'],
    [new AppError('RotationWaiting', 'x'), '2026-11-29T10:00:45.000Z'],
    [new AppError('Interrupted', 'x'), NOW.toISOString()],
    [new AppError('Locked', 'x'), '2026-11-29T10:00:45.000Z'],
  ])('says when to ask again: %#', (error, until) => {
    expect(roundOfError(error, NOW, shown, () => 0.25)).toMatchObject({ status: 'waiting', until });
  });

  test('of what was not thrown on purpose shows none of its text', () => {
    const round = certificateRound(
      { apis: [], error: new TypeError(`"${SECRET}" is not valid JSON`) },
      NOW,
      shown,
    );
    expect(round).toEqual({
      status: 'attention',
      code: 'Internal',
      reason: 'internal error: TypeError',
      remedy: expect.any(String),
      isTemporary: false,
    });
    expect(asAppError('text').message).toBe('internal error: string');
  });

  test('of several certificates is the worst, then the first wait to end', () => {
    const certificate = fc.oneof(
      fc.constant<CertificateRound>({ status: 'done', outcome: 'notDue' }),
      fc.constant<CertificateRound>({ status: 'done', outcome: 'completed' }),
      fc.integer({ min: 0, max: 9 }).map((day): CertificateRound => ({
        status: 'waiting',
        until: `2026-12-0${day}T00:00:00.000Z`,
        code: 'RotationWaiting',
        reason: 'x',
      })),
      fc.boolean().map((isTemporary): CertificateRound => ({
        status: 'attention',
        code: isTemporary ? 'Throttled' : 'Usage',
        reason: 'x',
        isTemporary,
      })),
    );
    fc.assert(
      fc.property(fc.array(certificate, { minLength: 1, maxLength: 6 }), (rounds) => {
        const round = jobRound(rounds);
        const order = ['attention', 'waiting', 'done'];
        expect(round.status).toBe(order.find((status) => rounds.some((one) => one.status === status)));
        if (round.status === 'waiting')
          for (const one of rounds) if (one.status === 'waiting') expect(round.until <= one.until).toBe(true);
        if (round.status === 'attention')
          expect(round.isTemporary).toBe(
            !rounds.some((one) => one.status === 'attention' && !one.isTemporary),
          );
        if (round.status === 'done')
          expect(round.outcome).toBe(
            rounds.some((one) => one.status === 'done' && one.outcome === 'completed')
              ? 'completed'
              : 'notDue',
          );
      }),
    );
  });
});

test('the name of an execution is short, of plain characters, and another for another certificate, account or Region', () => {
  expect(executionName('account 123456789012, eu-west-1', 'a1b2c3')).toBe(
    'account-123456789012-eu-west-1-a1b2c3',
  );
  const key = fc.string({ maxLength: 120 });
  fc.assert(
    fc.property(
      key,
      fc.stringMatching(/^[a-z0-9]{6}$/),
      fc.stringMatching(/^[a-z0-9]{6}$/),
      (lease, one, other) => {
        const name = executionName(lease, one);
        expect(name).toMatch(/^[A-Za-z0-9-]{1,64}$/);
        expect(executionName(lease, other) === name).toBe(one === other);
      },
    ),
  );
});
