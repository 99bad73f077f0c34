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
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  // Generous, since real servers and spawned commands share the cores of a busy machine; nothing waits for it.
  testTimeout: 120_000,
  maxWorkers: 2,
  globalSetup: '<rootDir>/test/support/scratch.mjs',
  reporters: ['default', '<rootDir>/test/support/summary-reporter.mjs'],
};
