import { expect, test } from '@jest/globals';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import { table } from '../../src/terminal/table.js';

test('columns stay straight under colours, wide characters and combining marks', () => {
  const { red } = new Chalk({ level: 1 });
  const text = table(
    ['ID', 'NAME', 'END'],
    [
      ['a', red('bad'), '1'],
      ['bb', '注文', '2'],
      ['c', 'Zu\u0308rich', '3'],
      ['d', '', ''],
    ],
  );
  expect(text.split('\n')).toEqual([
    'ID  NAME    END',
    `a   ${red('bad')}     1`,
    'bb  注文    2',
    'c   Zu\u0308rich  3',
    'd',
  ]);
});

test('a table fits into a width where its words allow', () => {
  const rows = [
    ['03q4xp', 'orders/prod (oixl4m25bo), orders/beta (oixl4m25bo)', 'the backend of the order service'],
    ['b8b1nr', 'unused', 'x'.repeat(20)],
  ];
  expect(table(['ID', 'PRESENTED BY', 'DESCRIPTION'], rows, 58).split('\n')).toEqual([
    'ID      PRESENTED BY              DESCRIPTION',
    '03q4xp  orders/prod               the backend of the order',
    '        (oixl4m25bo),             service',
    '        orders/beta (oixl4m25bo)',
    'b8b1nr  unused                    xxxxxxxxxxxxxxxxxxxx',
  ]);
});

test('no word is lost or broken, and no line is longer than it has to be', () => {
  const cell = fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { maxLength: 12 }).map((list) => list.join(' '));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(cell, cell), { minLength: 1 }),
      fc.integer({ min: 20, max: 90 }),
      (rows, width) => {
        const text = table(['ONE', 'TWO'], rows, width);
        const count = (all: string): Record<string, number> => {
          const counts: Record<string, number> = {};
          for (const word of all.split(/\s+/)) counts[word] = (counts[word] ?? 0) + 1;
          return counts;
        };
        expect(count(`${text} `)).toEqual(
          count(
            `ONE TWO ${rows
              .flat()
              .filter((each) => each !== '')
              .join(' ')} `,
          ),
        );
        for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
      },
    ),
  );
});
