import Sequencer from '@jest/test-sequencer';

/** They take longest, though their files are small, which is what jest goes by where nothing was measured. */
const FIRST = ['crash/matrix', 'lint/lab', 'commands/demo', 'node/versions', 'emulator/aws-cli'];

const rank = ({ path }) => {
  const index = FIRST.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
  return index < 0 ? FIRST.length : index;
};

/** The longest first, so that none of them is left to run alone at the end. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((one, other) => rank(one) - rank(other));
  }
}
