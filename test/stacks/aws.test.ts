/** A stack by the real SDK, at a double of DescribeStackEvents that answers page by page, newest first. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openStack } from '../../src/stacks/aws.js';

const BEGUN = Date.UTC(2026, 10, 24, 12);
const MINUTE = 60_000;

/** An event: whose it is, and when it was, in minutes since the token was made. */
type Event = readonly [token: string, minutes: number];

let server: Server;
let pages: readonly (readonly Event[])[] = [];
let asked = 0;

function pageOf(index: number): string {
  const events = (pages[index] ?? []).map(
    ([token, minutes]) =>
      `<member><EventId>${token} ${minutes}</EventId><ClientRequestToken>${token}</ClientRequestToken>` +
      `<Timestamp>${new Date(BEGUN + minutes * MINUTE).toISOString()}</Timestamp></member>`,
  );
  const next = index + 1 < pages.length ? `<NextToken>${index + 1}</NextToken>` : '';
  return `<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>${events.join('')}</StackEvents>${next}</DescribeStackEventsResult></DescribeStackEventsResponse>`;
}

beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDTEST';
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'secret';
  server = createServer((request, response) => {
    void (async () => {
      const body: Buffer[] = [];
      for await (const chunk of request) body.push(chunk as Buffer);
      asked += 1;
      const next = new URLSearchParams(Buffer.concat(body).toString()).get('NextToken');
      response.writeHead(200, { 'content-type': 'text/xml' }).end(pageOf(Number(next ?? 0)));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test.each<[string, Event[][], string[], number]>([
  [
    'behind a page of a later change',
    [
      [['later', 9]],
      [
        ['later', 8],
        ['own', 2],
      ],
      [
        ['own', 1],
        ['earlier', -60],
      ],
      [['earlier', -61]],
    ],
    ['own 1', 'own 2'],
    3,
  ],
  [
    'up to the first of an earlier change',
    [
      [
        ['own', 1],
        ['earlier', -1],
      ],
      [['earlier', -2]],
    ],
    ['own 1'],
    1,
  ],
  ['or none, with one page of a stack that has been quiet', [[['earlier', -5]], [['earlier', -6]]], [], 1],
  ['also behind an empty page', [[], [['own', 1]]], ['own 1'], 2],
])('the events of a request are found %s', async (_, all, ids, calls) => {
  [pages, asked] = [all, 0];
  const { port } = server.address() as AddressInfo;
  const endpointOfStages = () => Promise.resolve(`http://127.0.0.1:${port}`);
  const stack = openStack('orders', { region: 'eu-west-1', endpointOfStages });
  const events = await stack.events({ text: 'own', madeAt: new Date(BEGUN) });
  expect(events.map(({ id }) => id)).toEqual(ids);
  expect(asked).toBe(calls);
});
