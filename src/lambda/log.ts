/**
 * The log of the function: JSON lines for CloudWatch Logs, and metrics in its embedded metric format
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
 */
import { printable } from '../platform/printable.js';
import { withoutCredentials } from '../platform/uri.js';
import type { RotationEvent } from '../rotation/rules/event.js';

/** The most characters of a text in a log or an answer: a message may quote what a server said. */
const MOST_CHARACTERS = 2_000;

/** A query of a URL or of a path: people put keys into it under any name. */
const QUERY = /(\/[^\s?"']*)\?[^\s"')]+/g;

/** Secrets that are known: a text that quotes one is not to show it. @param more the external ids of roles */
export function secretsOf(env: NodeJS.ProcessEnv, more: readonly string[] = []): readonly string[] {
  const ofEnvironment = [env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN']];
  return [...ofEnvironment, ...more].filter(
    (secret) => secret !== undefined && secret.length > 3,
  ) as string[];
}

/** A text as it may be shown in a log and an answer: printable, bounded, without queries, credentials and known secrets. */
export function shownWithout(secrets: readonly string[]): (text: string) => string {
  return (text) => {
    const bare = secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text);
    const line = printable(withoutCredentials(bare).replace(QUERY, '$1?***'));
    return line.length <= MOST_CHARACTERS ? line : `${line.slice(0, MOST_CHARACTERS)}…`;
  };
}

type Level = 'INFO' | 'WARN' | 'ERROR';

/** What a metric counts, and in which of CloudWatch's units. */
export const METRICS = {
  Rounds: 'Count',
  Done: 'Count',
  Waiting: 'Count',
  Attention: 'Count',
  Rotated: 'Count',
  ApiCalls: 'Count',
  Duration: 'Milliseconds',
  Jobs: 'Count',
  Refused: 'Count',
  Certificates: 'Count',
  Findings: 'Count',
  UnknownSources: 'Count',
  HostsMissing: 'Count',
} as const;

export type Metric = keyof typeof METRICS;

export const NAMESPACE = 'apigw-cert';

/** Fields of a line, beside its level, its time and those of the whole request. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  line(level: Level, message: string, fields?: Fields): void;
  /** One dimension alone: each value of a dimension is a metric that costs by the month. */
  metrics(values: Readonly<Partial<Record<Metric, number>>>, fields?: Fields): void;
}

/**
 * @param about fields of every line
 * @param shown of {@link shownWithout}
 */
export function openLog(
  about: Fields,
  { write, now, shown }: { write: (line: string) => void; now: () => Date; shown: (text: string) => string },
): Log {
  const safe = (fields: Fields): Fields =>
    Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, typeof value === 'string' ? shown(value) : value]),
    );
  return {
    line(level, message, fields = {}) {
      write(
        JSON.stringify({
          level,
          timestamp: now().toISOString(),
          ...safe(about),
          message: shown(message),
          ...safe(fields),
        }),
      );
    },
    metrics(values, fields = {}) {
      const names = Object.keys(values) as Metric[];
      write(
        JSON.stringify({
          _aws: {
            Timestamp: now().getTime(),
            CloudWatchMetrics: [
              {
                Namespace: NAMESPACE,
                Dimensions: [['Service']],
                Metrics: names.map((Name) => ({ Name, Unit: METRICS[Name] })),
              },
            ],
          },
          Service: 'apigw-cert',
          ...safe(about),
          ...safe(fields),
          ...values,
        }),
      );
    },
  };
}

/** An event of a rotation as a line. What a step saw stays in the journal. */
export function logEvent(log: Log, event: RotationEvent): void {
  const { rotationId } = event;
  switch (event.type) {
    case 'started':
      log.line('INFO', event.resumed ? 'rotation resumed' : 'rotation started', {
        rotationId,
        oldCertificateId: event.oldCertificateId,
        stages: event.stages.length,
      });
      return;
    case 'stepDone':
      log.line('INFO', 'step done', {
        rotationId,
        step: event.step,
        subject: event.subject,
        milliseconds: event.ms,
      });
      return;
    case 'stepFailed':
      log.line('WARN', event.message, {
        rotationId,
        step: event.step,
        subject: event.subject,
        code: event.code,
      });
      return;
    case 'stackEvent':
      log.line('INFO', `stack: ${event.status}`, {
        rotationId,
        resource: event.resource,
        resourceType: event.resourceType,
        reason: event.reason,
      });
      return;
    case 'waiting':
      log.line('INFO', 'waiting', { rotationId, until: event.until, reason: event.reason });
      return;
    case 'warning':
      log.line('WARN', event.message, { rotationId, code: event.code });
      return;
    case 'rollingBack':
      log.line('WARN', 'rolling back', { rotationId, reason: event.reason });
      return;
    case 'ended':
      log.line('INFO', 'rotation ended', { rotationId, outcome: event.outcome });
      return;
    case 'calls':
    case 'stepStarted':
    case 'stepProgress':
      return;
  }
}
