import type { ControlPlane } from '../control-plane/control-plane.js';
import type { Output, OutputOptions } from './output.js';

/** What every command takes besides its own options, under commander's names. */
export interface CommonOptions extends OutputOptions {
  config?: string;
  account?: string;
  profile?: string;
  region?: string;
  endpointUrl?: string;
}

/** What a command's action is handed: its words, and the world. */
export interface Context<Options, Args extends readonly unknown[] = []> {
  options: Options & CommonOptions;
  args: Args;
  out: Output;
  now: () => Date;
  /** The account and Region of the options; the SDK is loaded at the first call. */
  controlPlane: () => Promise<ControlPlane>;
}
