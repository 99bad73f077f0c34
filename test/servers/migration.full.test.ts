/** Each server through a move of its stage to a certificate of ACM and back, under traffic. */
import { test } from '@jest/globals';
import { MOVED } from '../lab/migration.js';
import { isInstalled } from '../support/real-server.js';
import { expectMoved } from './moved.js';

for (const name of MOVED) {
  // In CI all are installed, and a skip fails the run.
  (name === 'node' || isInstalled(name) ? test : test.skip)(name, () => expectMoved(name));
}
