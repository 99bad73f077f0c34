// Runs the chosen tests of a file until one fails, and says of each how long it took and where it passed through.
import { TestEnvironment } from 'jest-environment-node';

const nameOf = (test) => (test.parent ? `${nameOf(test.parent)} ${test.name}` : '');

export default class MutationEnvironment extends TestEnvironment {
  #failed = false;
  #current;
  #file;

  constructor(config, context) {
    super(config, context);
    this.#file = { path: context.testPath, places: new Set(), tests: [] };
    globalThis.mutation.files.push(this.#file);
    this.global.__reach = (place) => (this.#current ?? this.#file).places.add(place);
  }

  handleTestEvent(event) {
    if (event.name === 'test_start') {
      const name = nameOf(event.test);
      const { chosen } = globalThis.mutation;
      if (this.#failed || (chosen && !chosen.has(name))) event.test.mode = 'skip';
      else this.#current = { name, places: new Set(), began: performance.now() };
    } else if (event.name === 'test_fn_failure' || event.name === 'hook_failure') {
      this.#failed = true;
    } else if (event.name === 'test_done' && this.#current) {
      const { name, places, began } = this.#current;
      this.#file.tests.push({ name, places, took: performance.now() - began });
      this.#current = undefined;
    }
  }
}
