const swc = {
  '^.+\\.ts$': [
    '@swc/jest',
    { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
  ],
};
// One project per level, so that `make test-services` and friends select a level by name.
const project = (name, folders) => ({
  displayName: name,
  rootDir: __dirname,
  testEnvironment: '<rootDir>/test/jest-environment.js',
  transform: swc,
  testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
});
module.exports = {
  projects: [
    project('unit', ['lib', 'bin']),
    project('services', ['services']),
    project('contract', ['contract']),
    project('integration', ['integration']),
    project('simulation', ['simulation']),
  ],
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
