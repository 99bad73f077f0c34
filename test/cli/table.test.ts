import { expect, test } from '@jest/globals';
import { Chalk } from 'chalk';
import { table } from '../../src/cli/table.js';

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
