/** Where the state of a command is: a flag, the file, or the folder of the user. */
import { dirname } from 'node:path';
import type { LoadedConfiguration } from '../configuration/load.js';
import { folderState, openState, type State } from '../rotation/journal/state.js';
import { resolvePath } from '../settings/find.js';
import { resolve, type Layer } from '../settings/resolve.js';
import { parseStatePlace, type StatePlace } from '../settings/state-place.js';
import type { CommonOptions } from './context.js';

/** The option `--state`, under commander's name. */
export interface StateOptions {
  state?: string;
}

/** A place, and what named it. */
export interface ResolvedPlace {
  place: StatePlace;
  layer: Layer;
}

/**
 * The place that the flag or the file names; nothing where the folder of the user counts.
 * @param options of a command, with `--state` or without
 * @throws AppError `Usage`
 */
export function statePlace(
  options: object,
  loaded: Pick<LoadedConfiguration, 'configuration' | 'file'> | undefined,
): ResolvedPlace | undefined {
  const { state }: StateOptions = options;
  const named = resolve<string>({ flag: state, file: loaded?.configuration.state });
  if (named === undefined) return undefined;
  const { value, layer } = named;
  const place = parseStatePlace(value);
  if (place.kind !== 'folder') return { place, layer };
  const start = layer === 'file' && loaded !== undefined ? dirname(loaded.file) : process.cwd();
  return { place: { kind: 'folder', directory: resolvePath(place.directory, start) }, layer };
}

/**
 * How the account of a place is reached. A command's Region says where its certificates are, so that it is not that of the
 * state: two runs in different Regions must find the same state.
 */
export function stateAccess(
  { profile }: Pick<CommonOptions, 'profile'>,
  loaded: Pick<LoadedConfiguration, 'configuration'> | undefined,
): { profile?: string; region?: string } {
  // Several profiles name accounts to look into; none of them is the one that has the state.
  const single = profile === undefined || profile.includes(',') ? undefined : profile;
  const { profile: ofFile, region } = loaded?.configuration ?? {};
  const named = resolve<string>({ flag: single, file: ofFile });
  return {
    ...(named === undefined ? {} : { profile: named.value }),
    ...(region === undefined ? {} : { region }),
  };
}

/** The state of a command. Nothing is asked of AWS yet. @throws AppError `Usage` */
export async function stateOf(
  options: StateOptions & CommonOptions,
  loaded: LoadedConfiguration | undefined,
): Promise<State> {
  const named = statePlace(options, loaded);
  return named === undefined ? folderState() : openState(named.place, stateAccess(options, loaded));
}
