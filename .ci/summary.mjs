// Adds up the JSON reports of the test runs; the closing line is what the machine reads.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const say = (line) => process.stdout.write(`${line}\n`);
const folder = process.argv[2] ?? '.ci/reports';
const wanted = ['test', 'test-all'];
const counts = { passed: 0, failed: 0 };
const skipped = [];
const files = readdirSync(folder);

for (const name of wanted) {
  const file = `${name}.json`;
  if (!files.includes(file)) {
    say(`no report of ${name}: it ended before its tests did; counted as one failure`);
    counts.failed += 1;
    continue;
  }
  const report = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  for (const suite of report.testResults) {
    if (suite.status === 'failed' && suite.assertionResults.length === 0) counts.failed += 1;
    for (const test of suite.assertionResults) {
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed') counts.failed += 1;
      else skipped.push(test.fullName);
    }
  }
}
if (files.includes('check.failed')) {
  say('npm run check:static failed; counted as one failure');
  counts.failed += 1;
}
for (const name of skipped) say(`skipped: ${name} (its reason stands above)`);
say(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
