// Preloaded into the process that is measured: what it used, written as JSON to the file that BENCH_MEASURE names.
process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  require('node:fs').writeFileSync(
    process.env.BENCH_MEASURE,
    JSON.stringify({ peakMiB: maxRSS / 1024, cpuMs: (userCPUTime + systemCPUTime) / 1000 }),
  );
});
