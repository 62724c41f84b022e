// Prints one plain line from vitest's JSON report: `N passed, N failed, N skipped`.
import { readFile } from 'node:fs/promises'

const [file] = process.argv.slice(2)
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
  await readFile(file, 'utf8'),
)
// A file that does not load has no tests to count, and must not pass for none.
const broken = testResults.filter(
  (each) => each.status === 'failed' && each.assertionResults.length === 0,
).length
console.log(
  `${numPassedTests} passed, ${numFailedTests + broken} failed, ${numPendingTests + numTodoTests} skipped`,
)
