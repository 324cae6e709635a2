// Prints the closing line that CI reads, from jest's JSON report, and fails when tests that must not be missing did not
// run: without servers the suites on Kafka and Redis would be skipped, and a green run would say nothing about them.
const { existsSync, readFileSync } = require('node:fs');
const { basename, dirname } = require('node:path');

const nothing = {
  testResults: [],
  numPassedTests: 0,
  numFailedTests: 0,
  numRuntimeErrorTestSuites: 0,
  numPendingTests: 0,
};
// jest writes no report when it fails before the first test, as when the servers do not start.
const report = existsSync(process.argv[2]) ? JSON.parse(readFileSync(process.argv[2], 'utf8')) : nothing;
const missing = ['kafka', 'redis'].filter((server) => !ranWhole(contractSuites(server)));

/** The contract suites of a server: test/contract/SERVER*.test.ts. */
function contractSuites(server) {
  return report.testResults.filter(
    ({ name }) => basename(dirname(name)) === 'contract' && basename(name).startsWith(server),
  );
}

function ranWhole(suites) {
  const tests = suites.flatMap((suite) => suite.assertionResults);
  const ran = tests.filter(({ status }) => status === 'passed' || status === 'failed');
  return ran.length > 0 && ran.length === tests.length;
}

const failed = report.numFailedTests + report.numRuntimeErrorTestSuites + missing.length;
if (report.numPendingTests > 0) process.stdout.write(`skipped: ${report.numPendingTests} (each prints its reason)\n`);
for (const server of missing) {
  process.stdout.write(`the contract tests on ${server} did not all run (test/contract/${server}*.test.ts)\n`);
}
process.stdout.write(`tests: ${report.numPassedTests} passed, ${failed} failed\n`);
process.exitCode = missing.length > 0 ? 1 : 0;
