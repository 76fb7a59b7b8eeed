import { availableParallelism } from 'node:os';

export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist'],
  // For a machine that has other things to do: only a test that fails takes as long.
  testTimeout: 600_000,
  filter: '<rootDir>/test/needs/filter.cjs',
  globalTeardown: '<rootDir>/test/needs/remove-groups.cjs',
  reporters: ['default', '<rootDir>/test/needs/reporter.cjs'],
  testSequencer: '<rootDir>/test/needs/slowest-first.cjs',
  // Many tests mostly wait: four more workers than processors keep the processors busy.
  maxWorkers: availableParallelism() + 4,
};
