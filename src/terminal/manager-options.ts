import type { Command } from 'commander';
import { ROTATION_SETTINGS } from '../settings/table.js';
import { settingOption } from './command.js';

/** What the options say of a tool that manages a stage or certificate, under commander's names. */
export interface ManagerOptions {
  managedBy?: string;
  allowDrift?: boolean;
}

/** The options of a command that changes what another tool may manage. */
export function addManagerOptions(to: Command): Command {
  const { managedBy, allowDrift } = ROTATION_SETTINGS;
  return to.addOption(settingOption(managedBy)).addOption(settingOption(allowDrift));
}
