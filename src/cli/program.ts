import { Command } from 'commander';
import { VERSION } from './version.js';

export function createProgram(): Command {
  return new Command('apigw-cert').version(VERSION);
}
