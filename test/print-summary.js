// Prints the closing line that CI reads, from jest's JSON report.
const { readFileSync } = require('node:fs');

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
if (report.numPendingTests > 0) process.stdout.write(`skipped: ${report.numPendingTests} (each prints its reason)\n`);
process.stdout.write(`tests: ${report.numPassedTests} passed, ${failed} failed\n`);
