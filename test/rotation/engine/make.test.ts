import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { adoptNext, assertAdoptable, makeNext } from '../../../src/rotation/engine/make.js';
import { eraseMark, writeMark } from '../../../src/rotation/engine/mark.js';
import { certificateOf } from '../../../src/control-plane/read-certificate.js';
import { AppError } from '../../../src/platform/errors.js';
import { markedDescription, readMark, type Mark } from '../../../src/control-plane/marks.js';
import type { RotationRecord } from '../../../src/rotation/rules/record.js';
import { begun, successor, type Begun } from './model/begun.js';
import { SETTINGS } from './model/command.js';
import type { Fate, Mishap } from './model/mishap.js';
import { picture, prepare, scene, type Scene } from './model/scene.js';

/* How the new certificate is made or taken, and marked, whatever becomes of the answers. */

beforeAll(prepare);

let the: Scene;
beforeEach(() => {
  the = scene();
});

const inTime = <T>(work: Promise<T>): Promise<T> => the.world.time.until(work);
const on = (call: string, mishap: Mishap, after = 0): Fate => ({ on: call, after, mishap });
const known = (id: string) => certificateOf(the.world.certificate(id));
const make = ({ run }: Begun): Promise<void> => inTime(makeNext(run));
const writes = ({ calls }: Begun): string[] =>
  calls.flatMap((call) => {
    const [name = ''] = call.split(' ');
    return /^(generate|update|tag|untag|delete|set)/.test(name) ? [name] : [];
  });
/** The certificates that were not there at the beginning. */
const made = (): string[] =>
  picture(the).certificates.filter((id) => ![the.oldId, the.foreignId, the.spareId].includes(id));
const failure = async (work: Promise<unknown>): Promise<AppError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};
const owned = (description: string, tags: Record<string, string>): void => {
  the.world.change('user', the.oldId, (old) => ({ ...old, description, tags }));
};
const MARK = (): Mark => ({
  rotationId: 'r1',
  replaces: the.oldId,
  replacesSha256: the.world.fingerprint(the.oldId),
});

describe('a new certificate', () => {
  test('is made with the mark, and what the user wrote on the old one', async () => {
    owned('orders', { team: 'a', 'aws:x': 'y', 'apigw-cert:rotation': 'r0', 'apigw-cert:replaces': 'c0' });
    const its = begun(the, { settings: { keepOld: 90_500 } });
    await make(its);
    const [id = ''] = made();
    const { description, tags } = the.world.certificate(id);
    expect([description, tags['team'], tags['aws:x']]).toEqual(['orders', 'a', undefined]);
    expect(readMark({ tags })).toEqual({ ...MARK(), keepOld: '91s' });
    const { run } = its;
    expect([run.generatedId, run.made]).toEqual([
      id,
      { certificate: known(id), at: run.deps.now(), isSeen: false },
    ]);
    expect(run.certificates.at(-1)).toEqual(known(id));
    expect([run.certificates.length, run.wroteAt, its.slept]).toEqual([4, run.deps.now(), []]);
    expect(run.records.at(-1)).toMatchObject({
      step: 'generate',
      evidence: {
        clientCertificateId: id,
        fingerprintSha256: the.world.fingerprint(id),
        notAfter: the.world.identity(id).notAfter.toISOString(),
      },
    });
  });

  test.each([
    [{ onlyTarget: true }, { onlyStage: 'api/prod' }],
    [{ settings: { keepOld: 0 } }, {}],
    [{}, {}],
  ])('says in its mark what later runs have to know: %j', async (options, more) => {
    const its = begun(the, options);
    await make(its);
    const { tags, description } = the.world.certificate(made()[0] ?? '');
    expect([readMark({ tags }), description]).toEqual([{ ...MARK(), ...more }, undefined]);
  });

  test('of an old one that is deleted has no fingerprint of it', async () => {
    const its = begun(the);
    its.run.certificates = its.run.certificates.slice(1);
    await make(its);
    expect(readMark(the.world.certificate(made()[0] ?? ''))).toEqual({
      rotationId: 'r1',
      replaces: the.oldId,
    });
  });

  test('is not made where this rotation has made one, which is taken', async () => {
    const adopted = successor(the, { adopted: true });
    const other = successor(the, { rotationId: 'r2' });
    const id = successor(the);
    const its = begun(the);
    await make(its);
    expect([writes(its), its.run.generatedId]).toEqual([[], undefined]);
    expect(its.run.made?.certificate.clientCertificateId).toBe(id);
    expect(made()).toEqual([adopted, other, id]);
    expect(its.run.certificates).toHaveLength(6);
  });

  test.each([
    ['one that --to named', { adopted: true }],
    ['one of another rotation', { rotationId: 'r2' }],
  ])('is made beside %s', async (_, mark) => {
    successor(the, mark);
    const its = begun(the);
    await make(its);
    expect(writes(its)).toEqual(['generateClientCertificate']);
  });

  test('whose call got no answer is looked for, ever more rarely, until it may be in flight no more; then made once more', async () => {
    const its = begun(the, {
      fates: [on('Generate', { kind: 'lostBefore' })],
      settings: { inFlight: 12_000 },
    });
    await make(its);
    expect(its.slept).toEqual([1_000, 2_000, 4_000, 4_000, 1_000]);
    expect(writes(its)).toEqual(['generateClientCertificate', 'generateClientCertificate']);
    expect(its.run.generatedId).toBe(made()[0]);
  });

  test('that is made twice without an answer is given up', async () => {
    const lost = on('Generate', { kind: 'lostBefore' });
    const its = begun(the, { fates: [lost, lost, lost], settings: { inFlight: 2_000 } });
    expect((await failure(make(its))).code).toBe('ServiceUnreachable');
    expect(its.slept).toEqual([1_000, 1_000, 1_000, 1_000]);
    expect([writes(its).length, its.run.generatedId, its.run.made]).toEqual([2, undefined, undefined]);
  });

  test('that AWS finished late is found, and none is made again', async () => {
    const its = begun(the, { fates: [on('Generate', { kind: 'late', by: 2_500 })] });
    await make(its);
    expect([its.slept, writes(its)]).toEqual([[1_000, 2_000], ['generateClientCertificate']]);
    expect(its.run.generatedId).toBe(made()[0]);
  });

  test('that AWS refuses is not asked for again', async () => {
    const its = begun(the, { fates: [on('Generate', { kind: 'throttled' })] });
    expect((await failure(make(its))).code).toBe('Throttled');
    expect([writes(its).length, its.slept]).toEqual([1, []]);
  });

  test('has the mark in its description where tags are denied', async () => {
    owned('orders', { team: 'a' });
    const its = begun(the, { fates: [on('Generate', { kind: 'denied' })] });
    await make(its);
    const { description, tags } = the.world.certificate(made()[0] ?? '');
    expect([description, tags]).toEqual([markedDescription('orders', MARK()), {}]);
  });

  test.each([
    [47, 1, 'Usage'],
    [48, 2, undefined],
  ])('has it there too where %d tags of the user leave no room', async (count, calls, code) => {
    const own = Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, 'x']));
    owned('orders', own);
    let nth = 0;
    const its = begun(the, {
      controlPlane: {
        generateClientCertificate: ({ tags = {}, description }) => {
          nth += 1;
          return nth === 1
            ? Promise.reject(new AppError('Usage', 'too many tags'))
            : Promise.resolve(the.world.make('a', tags, description));
        },
      },
    });
    if (code !== undefined) expect((await failure(make(its))).code).toBe(code);
    else {
      await make(its);
      const { description, tags } = the.world.certificate(made()[0] ?? '');
      expect([description, tags]).toEqual([markedDescription('orders', MARK()), own]);
    }
    expect(nth).toBe(calls);
  });

  test('is nothing that another fault could be taken for', async () => {
    const fault = new Error('a fault');
    const its = begun(the, { controlPlane: { generateClientCertificate: () => Promise.reject(fault) } });
    await expect(make(its)).rejects.toBe(fault);
    expect(writes(its)).toHaveLength(1);
  });

  describe('after runs that were stopped while they made one', () => {
    const intent = (ago: number): RotationRecord => ({
      type: 'intent',
      at: new Date(the.world.time.now - ago).toISOString(),
      step: 'generate',
    });
    const refused = (ago: number): RotationRecord => ({
      type: 'failed',
      at: new Date(the.world.time.now - ago).toISOString(),
      step: 'generate',
      code: 'AccessDenied',
      message: 'no',
    });
    const { inFlight } = SETTINGS;

    test.each<[string, () => RotationRecord[], number]>([
      [
        'waits for theirs where both of two may still come',
        () => [intent(9_000), intent(5_000)],
        inFlight - 5_000,
      ],
      [
        'waits from its own start where their clock was ahead',
        () => [intent(9_000), intent(-99_000)],
        inFlight,
      ],
      ['does not wait for one', () => [intent(5_000)], 0],
      ['does not wait where the last was answered', () => [intent(9_000), intent(8_000), refused(7_000)], 0],
      [
        'does not wait where the last was answered',
        () => [intent(9_000), refused(8_500), intent(8_000), refused(7_000)],
        0,
      ],
      ['does not wait for what is over', () => [intent(inFlight + 2), intent(inFlight + 1)], 0],
    ])('%s', async (_, records, waits) => {
      const its = begun(the, { records: records() });
      await make(its);
      expect(its.slept.reduce((a, b) => a + b, 0)).toBe(waits);
      expect(writes(its)).toHaveLength(1);
    });

    test('takes the one that comes', async () => {
      const its = begun(the, { records: [intent(9_000), intent(5_000)] });
      the.world.time.after(4_000, () => successor(the));
      await make(its);
      expect([writes(its), its.slept]).toEqual([[], [1_000, 2_000, 4_000]]);
    });
  });
});

describe('a certificate that --to names', () => {
  const adopt = (its: Begun): Promise<void> => inTime(adoptNext(its.run, known(the.spareId)));

  test.each([
    ['was not', false],
    ['was', true],
  ])('is marked with whether it %s trusted before', async (_, isTrusted) => {
    if (isTrusted) the.world.furnish('file', the.world.fingerprint(the.spareId));
    const its = begun(the, { settings: { keepOld: 1_000 } });
    await adopt(its);
    const mark = { ...MARK(), adopted: true, keepOld: '1s', ...(isTrusted ? { trustedBefore: true } : {}) };
    expect(readMark(the.world.certificate(the.spareId))).toEqual(mark);
    expect(its.run.made).toMatchObject({
      certificate: { clientCertificateId: the.spareId, mark },
      isSeen: false,
    });
    expect(its.run.generatedId).toBeUndefined();
    expect(its.run.certificates).toHaveLength(3);
    expect(its.run.records.at(-1)).toMatchObject({ step: 'adopt', subject: the.spareId });
  });

  test.each<[string, Partial<Mark>, boolean, boolean]>([
    ['was not trusted is believed', { adopted: true }, true, false],
    ['was trusted is believed', { adopted: true, trustedBefore: true }, false, true],
    [
      'was trusted, in place of another certificate, says nothing',
      { adopted: true, trustedBefore: true, replaces: 'c9' },
      false,
      false,
    ],
    [
      'was not trusted, in place of another certificate, says nothing',
      { adopted: true, replaces: 'c9' },
      true,
      true,
    ],
    ['was made by a rotation says nothing', {}, true, true],
  ])('a mark by which it %s', async (_, mark, isTrusted, trustedBefore) => {
    if (isTrusted) the.world.furnish('file', the.world.fingerprint(the.spareId));
    const written = { rotationId: 'r2', replaces: the.oldId, ...mark };
    await inTime(writeMark(begun(the).run, known(the.spareId), written));
    const its = begun(the);
    await adopt(its);
    expect(readMark(the.world.certificate(the.spareId))?.trustedBefore === true).toBe(trustedBefore);
  });

  test('has to exist, to be another one, not expired, and on no stage', async () => {
    const { run } = begun(the);
    const refused = (id: string): Promise<AppError> =>
      failure(Promise.resolve().then(() => assertAdoptable(run, id)));
    expect(await refused('c99999')).toMatchObject({
      code: 'CertificateNotFound',
      message: 'there is no client certificate c99999 in this account and Region',
      hint: 'run `apigw-cert list` to see the available certificates',
    });
    expect(await refused(the.oldId)).toMatchObject({
      code: 'Usage',
      message: `the stage already presents ${the.oldId}`,
      hint: 'specify another certificate with --to',
    });
    run.stages = [
      the.world.stage('api/prod'),
      { ...the.world.stage('api/beta'), clientCertificateId: the.spareId },
    ];
    expect(await refused(the.spareId)).toMatchObject({
      code: 'CertificateInUse',
      message: `api/beta already presents ${the.spareId}, so an abort could not determine which stages were switched`,
      hint: `to share it, add it to the backend's trust store and use \`apigw-cert attach ${the.spareId}\``,
    });
    run.stages = [];
    expect(assertAdoptable(run, the.spareId)).toEqual(known(the.spareId));
    const { notAfter } = the.world.identity(the.spareId);
    const at = (ms: number): void => {
      Object.assign(run.deps, { now: () => new Date(notAfter.getTime() + ms) });
    };
    at(-1);
    expect(assertAdoptable(run, the.spareId)).toEqual(known(the.spareId));
    at(0);
    expect(await refused(the.spareId)).toMatchObject({
      code: 'Usage',
      message: `the certificate ${the.spareId} has expired`,
      hint: 'omit --to to rotate to a new one',
    });
  });
});

describe('a mark', () => {
  const write = (its: Begun, id: string, mark: Mark) => inTime(writeMark(its.run, known(id), mark));

  test('takes the place of another, with as few calls as it needs', async () => {
    const id = successor(the, { withdrawn: 'then' });
    the.world.change('user', id, (one) => ({ ...one, tags: { ...one.tags, team: 'a' } }));
    const its = begun(the);
    const mark = { rotationId: 'r1', replaces: the.oldId, keepOld: '1s' };
    const fresh = await write(its, id, mark);
    expect(fresh).toEqual({ ...known(id), mark });
    expect(the.world.certificate(id).tags).toEqual({
      team: 'a',
      'apigw-cert:rotation': 'r1',
      'apigw-cert:replaces': the.oldId,
      'apigw-cert:keep-old': '1s',
    });
    expect(its.calls).toEqual([
      `tagClientCertificate "${id}" {"apigw-cert:keep-old":"1s"}`,
      `untagClientCertificate "${id}" ["apigw-cert:withdrawn"]`,
    ]);
    its.calls.length = 0;
    expect(await write(its, id, mark)).toEqual(fresh);
    expect(its.calls).toEqual([]);
  });

  test('is written into the description where tags are denied', async () => {
    const id = successor(the);
    the.world.change('user', id, (one) => ({ ...one, description: 'orders', tags: { team: 'a' } }));
    const its = begun(the, { fates: [on('TagResource', { kind: 'denied' })] });
    const mark = { rotationId: 'r1', replaces: the.oldId };
    const fresh = await write(its, id, mark);
    expect(the.world.certificate(id).description).toBe(markedDescription('orders', mark));
    expect(fresh).toEqual({ ...known(id), mark });
    expect(fresh.tags).toEqual({ team: 'a' });
    await write(its, the.spareId, mark);
    const denied = begun(the, { fates: [on('TagResource', { kind: 'denied' })] });
    // One without a description.
    await write(denied, the.foreignId, mark);
    expect(the.world.certificate(the.foreignId).description).toBe(markedDescription('', mark));
  });

  test('is read as it was written last, whichever calls are denied meanwhile', async () => {
    const mark = fc.record(
      {
        rotationId: fc.constantFrom('r1', 'r2'),
        replaces: fc.constantFrom('c1', 'c2'),
        withdrawn: fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'),
        rolledBack: fc.constant('2026-01-03T00:00:00.000Z'),
        adopted: fc.constant(true),
      },
      { requiredKeys: ['rotationId', 'replaces'] },
    );
    const denied = fc.subarray(['TagResource', 'UntagResource']);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(mark, denied), { minLength: 1, maxLength: 4 }), async (written) => {
        const world = scene();
        const id = world.spareId;
        for (const [one, refused] of written) {
          const { run } = begun(world, { fates: refused.map((call) => on(call, { kind: 'denied' })) });
          const before = certificateOf(world.world.certificate(id));
          const after = await world.world.time.until(writeMark(run, before, one));
          expect(after).toEqual(certificateOf(world.world.certificate(id)));
          expect(after.mark).toEqual(one);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('is not written elsewhere where the call fails otherwise', async () => {
    const id = successor(the);
    for (const refusal of [new AppError('Throttled', 'too fast'), new Error('a fault')]) {
      const its = begun(the, { controlPlane: { tagClientCertificate: () => Promise.reject(refusal) } });
      await expect(write(its, id, { rotationId: 'r3', replaces: 'c9' })).rejects.toBe(refusal);
      expect(writes(its)).toEqual(['tagClientCertificate']);
    }
  });

  test.each<[string, Partial<{ tags: Record<string, string>; description: string }>, string[]]>([
    [
      'tags',
      { tags: { team: 'a', 'apigw-cert:rotation': 'r1', 'apigw-cert:replaces': 'c1' } },
      ['untagClientCertificate'],
    ],
    [
      'a description',
      { description: 'orders [apigw-cert rotation=r1 replaces=c1]' },
      ['updateClientCertificate'],
    ],
    ['nothing', { description: 'orders' }, []],
    ['nothing, without a description', {}, []],
  ])('is erased from %s', async (_, written, calls) => {
    the.world.change('user', the.spareId, (one) => ({ ...one, ...written }));
    const its = begun(the);
    await inTime(eraseMark(its.run, known(the.spareId)));
    expect(its.calls.map((call) => call.split(' ')[0])).toEqual(calls);
    const { tags, description } = the.world.certificate(the.spareId);
    expect([tags, description]).toEqual([
      written.tags ? { team: 'a' } : {},
      written.description === undefined ? undefined : 'orders',
    ]);
    if (calls[0] === 'untagClientCertificate')
      expect(its.calls[0]).toContain('["apigw-cert:rotation","apigw-cert:replaces"]');
  });
});
