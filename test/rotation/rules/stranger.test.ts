import { expect, test } from '@jest/globals';
import type { ClientCertificate } from '../../../src/control-plane/api-gateway.js';
import { strangerOf } from '../../../src/rotation/rules/stranger.js';
import { after, certificate, DAY, NOW, stage } from './fixture.js';

const marked = (id: string, replaces: string): ClientCertificate => ({
  ...certificate(id),
  tags: { 'apigw-cert:rotation': 'r', 'apigw-cert:replaces': replaces },
});

const pick = (...others: ClientCertificate[]) =>
  strangerOf(
    [marked('aaaaaa', 'bbbbbb'), ...others],
    [stage('prod', 'aaaaaa'), stage('dev', 'cccccc'), stage('none')],
    { excluded: new Set(['aaaaaa', 'gggggg']), now: NOW },
  )?.clientCertificateId;

test.each<[string, ClientCertificate, string | undefined]>([
  ['unused', certificate('dddddd'), 'dddddd'],
  ['in use elsewhere', certificate('cccccc'), undefined],
  ['the predecessor, which may be trusted still', certificate('bbbbbb'), undefined],
  ['the successor, which may be trusted already', marked('eeeeee', 'aaaaaa'), undefined],
  ['made in the place of one that is gone', marked('eeeeee', 'zzzzzz'), 'eeeeee'],
  ['excluded', certificate('gggggg'), undefined],
  ['expired, refused whatever the list', certificate('ffffff', { notAfter: NOW }), undefined],
])('%s', (_, other, picked) => {
  expect(pick(other)).toBe(picked);
});

test('of several it is always the same', () => {
  const two = [certificate('dddddd'), certificate('dddddc', { notAfter: after(DAY) })];
  expect([pick(...two), pick(...two.reverse())]).toEqual(['dddddc', 'dddddc']);
});
