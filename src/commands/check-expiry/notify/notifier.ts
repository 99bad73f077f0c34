import { parseDuration } from '../../../platform/duration.js';
import { AppError } from '../../../platform/errors.js';
import type { Notice } from '../../../findings/notice.js';
import type { Notification } from '../../../settings/schema.js';
import { stateKey } from './state.js';

/** One channel for notifications. */
export interface Notifier {
  /** For messages: `sns:arn:…`, without what a URL may hold in secret. */
  name: string;
  /** Distinguishes it from the others in the state file. */
  key: string;
  /** Throws AppError `NotificationFailed`. */
  send(notice: Notice): Promise<void>;
}

/**
 * Reads `sns:ARN`, `webhook:URL` or `command:LINE` (for the shell).
 * @throws AppError `Usage`
 */
export function parseNotification(text: string): Notification {
  const cut = text.indexOf(':');
  const [kind, rest] = [text.slice(0, cut), text.slice(cut + 1)];
  if (kind === 'sns' && /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:\S+$/.test(rest))
    return { kind, topicArn: rest };
  if (kind === 'webhook' && URL.canParse(rest) && /^https?:/i.test(rest)) {
    if (!hasCredentials(rest)) return { kind, url: rest };
    throw new AppError(
      'Usage',
      `the URL of the webhook at ${new URL(rest).host} contains a user or a password`,
      {
        hint: 'omit them; use a secret in the path or the query',
      },
    );
  }
  if (kind === 'command' && rest.trim() !== '') return { kind, command: rest };
  throw new AppError('Usage', `--notify "${text.slice(0, 60)}" is not a valid notification target`, {
    hint: 'specify sns:arn:aws:sns:…, webhook:https://… or command:"mail -s certificates ops"',
  });
}

const hasCredentials = (url: string): boolean => {
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
};

const DEFAULT_TIMEOUT = '10s';

/** The notifier for an entry of the configuration or a flag. What it needs is loaded when it sends. */
export function notifierFor(notification: Notification, options: { profile?: string } = {}): Notifier {
  return { ...channelFor(notification, options), key: stateKey(notification) };
}

function channelFor(notification: Notification, { profile }: { profile?: string }): Omit<Notifier, 'key'> {
  switch (notification.kind) {
    case 'sns':
      return {
        name: `sns:${notification.topicArn}`,
        send: async (notice) => (await import('./sns.js')).publish(notification.topicArn, notice, profile),
      };
    case 'webhook': {
      const timeout = millisecondsOf(notification.timeout);
      return {
        name: `webhook:${new URL(notification.url).host}`,
        send: async (notice) => (await import('./webhook.js')).post(notification.url, notice, { timeout }),
      };
    }
    case 'command': {
      const timeout = millisecondsOf(notification.timeout);
      return {
        name: `command:${nameOf(notification.command)}`,
        send: async (notice) => (await import('./command.js')).run(notification.command, notice, timeout),
      };
    }
  }
}

/** The program alone: its words may hold a secret. */
function nameOf(command: string | readonly string[]): string {
  const [program = ''] = typeof command === 'string' ? command.trim().split(/\s/) : command;
  return program;
}

function millisecondsOf(timeout: number | string | undefined): number {
  return typeof timeout === 'number' ? timeout : parseDuration(timeout ?? DEFAULT_TIMEOUT);
}
