import type { Command } from 'commander';

/** Loads a command; `next` is the word after its name, and `program` makes the whole command line. */
type LoadCommand = (next: string | undefined, program: () => Promise<Command>) => Promise<Command>;

/** Every command by its name, in the order of `--help`. Only the one that is asked for is loaded, with what is below it. */
export const COMMANDS: Readonly<Record<string, LoadCommand>> = {
  list: async () => (await import('./list.js')).listCommand(),
  inspect: async () => (await import('./inspect.js')).inspectCommand(),
  download: async () => (await import('./download.js')).downloadCommand(),
  'check-expiry': async () => (await import('./check-expiry.js')).checkExpiryCommand(),
  report: async () => (await import('./report.js')).reportCommand(),
  inventory: async () => (await import('./inventory.js')).inventoryCommand(),
  prune: async () => (await import('./prune.js')).pruneCommand(),
  generate: async () => (await import('./generate.js')).generateCommand(),
  update: async () => (await import('./update.js')).updateCommand(),
  attach: async () => (await import('./attach.js')).attachCommand(),
  detach: async () => (await import('./attach.js')).detachCommand(),
  delete: async () => (await import('./delete.js')).deleteCommand(),
  'test-invoke': async () => (await import('./test-invoke.js')).testInvokeCommand(),
  rotate: async () => (await import('./rotate.js')).rotateCommand(),
  init: async () => (await import('./init.js')).initCommand(),
  status: async () => (await import('./status.js')).statusCommand(),
  backend: async (next) => (await import('./backend.js')).backendCommand(next),
  doctor: async () => (await import('./doctor.js')).doctorCommand(),
  emulator: async () => (await import('./emulator.js')).emulatorCommand(),
  config: async () => (await import('./config.js')).configCommand(),
  completion: async (_next, program) => (await import('./completion.js')).completionCommand(program),
  demo: async () => (await import('./demo.js')).demoCommand(),
};
