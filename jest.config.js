const swc = {
  '^.+\\.ts$': [
    '@swc/jest',
    { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
  ],
};
// One project per level, so that `make test-services` and friends select a level by name.
const project = (name, folders, options = {}) => ({
  ...options,
  displayName: name,
  rootDir: __dirname,
  testEnvironment: '<rootDir>/test/jest-environment.js',
  runtime: '<rootDir>/test/runtime.js',
  setupFilesAfterEnv: ['<rootDir>/test/set-up.ts'],
  transform: swc,
  // Other commits, built to be measured against, have a package of the same name.
  modulePathIgnorePatterns: ['<rootDir>/.cache/'],
  testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
});
// Only the projects that name them pay for a Kafka and a Redis; jest starts them once for all of these.
const withServers = {
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
};
module.exports = {
  projects: [
    project('unit', ['lib', 'bin', 'lab', 'checks', 'bench', 'infra', 'lint', 'dashboard']),
    project('services', ['services']),
    project('contract', ['contract'], withServers),
    project('integration', ['integration'], withServers),
    project('simulation', ['simulation']),
  ],
  testSequencer: '<rootDir>/test/sequencer.js',
  coverageProvider: 'v8',
  collectCoverageFrom: [
    'lib/**/*.ts',
    'services/**/*.ts',
    'bin/**/*.ts',
    '!**/generated/**',
    '!**/main.ts',
    '!**/*.d.ts',
  ],
  coverageThreshold: { global: { lines: 90 } },
};
