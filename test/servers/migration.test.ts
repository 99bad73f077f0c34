/** A sample of test/servers/migration.full.test.ts. */
import { test } from '@jest/globals';
import { isInstalled } from '../support/real-server.js';
import { expectMoved } from './moved.js';

// A machine without the server has nothing to test; in CI it is installed, and a skip fails the run.
(isInstalled('nginx') ? test : test.skip)(
  'a stage in front of nginx moves to a certificate of ACM and back, as the document says, without a failed request',
  () => expectMoved('nginx'),
);
