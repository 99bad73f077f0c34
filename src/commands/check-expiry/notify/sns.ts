import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { networkError } from '../../../aws/network-error.js';
import { openSession } from '../../../aws/session.js';
import { AppError } from '../../../platform/errors.js';
import type { Notice } from '../../../findings/notice.js';

/** SNS takes no more in a subject, and ASCII only (API reference, Publish). */
const LONGEST_SUBJECT = 99;
/** Octets that one message may have, with room for the attributes. */
const LONGEST_TEXT = 250_000;

/**
 * Publishes a notice to a topic, in the topic's own Region.
 * @throws AppError `NotificationFailed`
 */
export async function publish(topicArn: string, notice: Notice, profile: string | undefined): Promise<void> {
  const region = topicArn.split(':')[3] ?? '';
  const client = await openSession({ profile })
    .then((session) => session.clientConfig('SNS', region))
    .then((config) => new SNSClient(config))
    .catch((error: unknown) => {
      throw publishFailed(topicArn, error);
    });
  try {
    await client.send(
      new PublishCommand({
        TopicArn: topicArn,
        Subject: notice.summary.replace(/[^\x20-\x7e]/g, '?').slice(0, LONGEST_SUBJECT),
        Message: Buffer.from(notice.text).subarray(0, LONGEST_TEXT).toString(),
        MessageAttributes: { level: { DataType: 'String', StringValue: notice.level } },
      }),
    );
  } catch (error) {
    throw publishFailed(topicArn, networkError(error, `SNS in ${region}`) ?? error);
  } finally {
    client.destroy();
  }
}

function publishFailed(topicArn: string, cause: unknown): AppError {
  const hint = cause instanceof AppError ? cause.hint : 'grant sns:Publish on the topic';
  return new AppError('NotificationFailed', `publishing to ${topicArn} failed: ${(cause as Error).message}`, {
    hint: `${hint ?? 'check the topic'}; the next check retries the notification`,
    cause,
  });
}
