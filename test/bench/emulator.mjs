// An emulator in a process of its own, so that its work is not counted as the tool's. Prints its URL.
import { startEmulator } from '../../dist/emulator.js';

const emulator = await startEmulator({ rateLimit: false, certificateQuota: 1000 });
process.stdout.write(`${emulator.url}\n`);
