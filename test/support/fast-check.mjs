// CI goes through the same inputs at each commit; `npm test` elsewhere through others each time.
import fc from '../../node_modules/fast-check/lib/fast-check.js';

if (process.env.CI !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 9 });

export * from '../../node_modules/fast-check/lib/fast-check.js';
export default fc;
