// Closes a run with one line that machines read, and turns a skipped test into a failure where nothing may be
// skipped: in CI every server is installed, so a skip there hides a broken set-up.
export default class SummaryReporter {
  #error;

  onRunComplete(_contexts, results) {
    const skipped = results.numPendingTests + results.numTodoTests;
    if (process.env.CI && skipped > 0) this.#error = new Error(`${skipped} tests were skipped in CI`);
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const line = `${results.numPassedTests} passed, ${failed} failed`;
    process.on('exit', () => {
      process.stdout.write(skipped > 0 ? `${line}, ${skipped} skipped\n` : `${line}\n`);
    });
  }

  getLastError() {
    return this.#error;
  }
}
