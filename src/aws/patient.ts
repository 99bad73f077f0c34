import type { AwsCredentialIdentityProvider } from '@smithy/types';
import { abandon } from './abandoned.js';

/** Nobody waits longer for credentials: a process that gives them may ask a person who sleeps. Milliseconds. */
const PATIENCE_MS = 60_000;

/**
 * A provider that is not waited for longer than that, in milliseconds. What it is still at work on is abandoned.
 * @throws Error `CredentialsTimeout`
 */
export function patient(
  provider: AwsCredentialIdentityProvider,
  ms = PATIENCE_MS,
): AwsCredentialIdentityProvider {
  return async (properties) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        abandon();
        reject(Object.assign(new Error(`no answer within ${ms / 1000} s`), { name: 'CredentialsTimeout' }));
      }, ms);
    });
    try {
      return await Promise.race([provider(properties), late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
