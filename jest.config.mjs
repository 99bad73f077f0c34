export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(process.env.APIGW_CERT_FULL ? [] : ['\\.full\\.test\\.ts$']),
  ],
  extensionsToTreatAsEsm: ['.ts'],
  // What the build puts in.
  globals: { __VERSION__: '0.0.0-test' },
  moduleNameMapper: {
    '^fast-check$': '<rootDir>/test/support/fast-check.mjs',
    // Real keys, but made once: nothing depends on which they are.
    '^\\./rsa-key\\.js$': '<rootDir>/test/support/rsa-key.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^(\\.{1,2}/.*)\\?text$': '$1',
  },
  transform: {
    '/src/trust/templates/': '<rootDir>/test/support/text-transform.cjs',
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  // Against a test that hangs, and long enough for a machine that is busy with other things; nothing waits for it.
  testTimeout: 600_000,
  // More than cores: much of a test is waiting, for the pace of requests and for soaks.
  maxWorkers: 3,
  globalSetup: '<rootDir>/test/support/scratch.mjs',
  testSequencer: '<rootDir>/test/support/sequencer.mjs',
  reporters: ['default', '<rootDir>/test/support/summary-reporter.mjs'],
};
