import type { Command } from 'commander';

/** Loads a command; `next` is the word after its name, and `program` makes the whole command line. */
type LoadCommand = (next: string | undefined, program: () => Promise<Command>) => Promise<Command>;

/** Every command by its name, in the order of `--help`. Only the one that is asked for is loaded, with what is below it. */
export const COMMANDS: Readonly<Record<string, LoadCommand>> = {
  list: async () => (await import('../commands/list/command.js')).listCommand(),
  inspect: async () => (await import('../commands/inspect/command.js')).inspectCommand(),
  download: async () => (await import('../commands/download/command.js')).downloadCommand(),
  'check-expiry': async () => (await import('../commands/check-expiry/command.js')).checkExpiryCommand(),
  report: async () => (await import('../commands/report/command.js')).reportCommand(),
  inventory: async () => (await import('../commands/inventory/command.js')).inventoryCommand(),
  prune: async () => (await import('../commands/prune/command.js')).pruneCommand(),
  generate: async () => (await import('../commands/generate/command.js')).generateCommand(),
  update: async () => (await import('../commands/update/command.js')).updateCommand(),
  attach: async () => (await import('../commands/attach/command.js')).attachCommand(),
  detach: async () => (await import('../commands/attach/command.js')).detachCommand(),
  delete: async () => (await import('../commands/delete/command.js')).deleteCommand(),
  'test-invoke': async () => (await import('../commands/test-invoke/command.js')).testInvokeCommand(),
  rotate: async () => (await import('../commands/rotate/command.js')).rotateCommand(),
  init: async () => (await import('../commands/init/command.js')).initCommand(),
  status: async () => (await import('../commands/status/command.js')).statusCommand(),
  state: async () => (await import('../commands/state/command.js')).stateCommand(),
  publish: async () => (await import('../commands/publish/command.js')).publishCommand(),
  backend: async (next) => (await import('../commands/backend/command.js')).backendCommand(next),
  iac: async (next) => (await import('../commands/iac/command.js')).iacCommand(next),
  doctor: async () => (await import('../commands/doctor/command.js')).doctorCommand(),
  emulator: async () => (await import('../commands/emulator/command.js')).emulatorCommand(),
  config: async () => (await import('../commands/config/command.js')).configCommand(),
  completion: async (_next, program) =>
    (await import('../commands/completion/command.js')).completionCommand(program),
  demo: async () => (await import('../commands/demo/command.js')).demoCommand(),
};
