// CI goes through the same inputs at each commit; `npm test` elsewhere through others each time, and with
// APIGW_CERT_RUNS=20 through twenty times as many.
import fc from '../../node_modules/fast-check/lib/fast-check.js';

if (process.env.CI !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 9 });

const times = Number(process.env.APIGW_CERT_RUNS ?? 1);

export const assert = (property, { numRuns = 100, ...parameters } = {}) =>
  fc.assert(property, { ...parameters, numRuns: numRuns * times });

export * from '../../node_modules/fast-check/lib/fast-check.js';
export default { ...fc, assert };
