// One process that runs jest again and again: a process for each change would spend its time on starting.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCLI } from 'jest';

const root = process.cwd();
const { default: config } = await import(pathToFileURL(join(root, 'jest.config.mjs')));
const { globalSetup: _, ...kept } = config;

process.on('message', async ({ paths, related, roots, tests, chosen }) => {
  globalThis.mutation = { files: [], chosen: chosen && new Set(chosen) };
  const { results } = await runCLI(
    {
      _: paths,
      $0: 'jest',
      config: JSON.stringify({
        ...kept,
        rootDir: root,
        testMatch: [tests],
        roots: ['src', ...roots].map((folder) => join(root, folder)),
        cacheDirectory: join(root, '.jest'),
        testEnvironment: join(import.meta.dirname, 'environment.mjs'),
        reporters: [],
      }),
      findRelatedTests: related,
      runInBand: true,
      silent: true,
      watchman: false,
    },
    [root],
  );
  process.send({
    passed: results.numPassedTests,
    failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
    why: results.testResults.flatMap(({ failureMessage }) => failureMessage ?? []).join('\n'),
    files: globalThis.mutation.files.map(({ path, places, tests }) => ({
      path,
      places: [...places],
      tests: tests.map((test) => ({ ...test, places: [...test.places] })),
    })),
    memory: process.memoryUsage().rss,
  });
});
process.send('ready');
