/** What the function works with: the configuration of its package, and the state that all its runs share. */
import { resolve } from 'node:path';
import { loadConfiguration, type LoadedConfiguration } from '../configuration/load.js';
import { AppError } from '../platform/errors.js';
import { openState, type State } from '../rotation/journal/state.js';
import { parseStatePlace } from '../settings/state-place.js';

/** A configuration and its state. */
export interface Opened {
  configuration: LoadedConfiguration['configuration'];
  state: State;
  /** How the account of the state, and of the reports of hosts, is reached. */
  access: { profile?: string; region?: string };
}

/**
 * Reads the configuration and opens the state that it names. Nothing is asked of AWS yet.
 * @param file relative to the function's own folder
 * @throws AppError `ConfigurationInvalid` for a configuration that is missing, is wrong or has no shared state
 */
export async function open(file: string): Promise<Opened> {
  const loaded = await loadConfiguration({ file: resolve(process.env['LAMBDA_TASK_ROOT'] ?? '.', file) });
  if (loaded === undefined) throw new Error('a configuration that is named is read or refused');
  const { configuration } = loaded;
  const { state, profile, region } = configuration;
  const place = state === undefined ? undefined : parseStatePlace(state);
  if (place === undefined || place.kind === 'folder') {
    throw new AppError(
      'ConfigurationInvalid',
      place === undefined
        ? `${file} has no "state"`
        : `the state "${place.directory}" in ${file} is a folder, which a function loses`,
      { hint: 'set state: dynamodb:TABLE or state: s3://BUCKET/PREFIX (docs/state.md)' },
    );
  }
  const access = {
    ...(profile === undefined ? {} : { profile }),
    ...(region === undefined ? {} : { region }),
  };
  return { configuration, state: await openState(place, access), access };
}
