import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { AppError } from '../../core/errors.js';
import { createRequestHandler } from '../../gateway/aws-client.js';
import { SILENT, silenceSdk } from '../../gateway/silent.js';
import type { Notice } from './notifier.js';

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
  silenceSdk();
  const client = new SNSClient({
    region,
    logger: SILENT,
    requestHandler: createRequestHandler(),
    ...(profile === undefined ? {} : { profile }),
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
  } catch (cause) {
    throw new AppError(
      'NotificationFailed',
      `the topic ${topicArn} was not told: ${(cause as Error).message}`,
      {
        hint: 'allow sns:Publish on the topic; the notice is sent again by the next check',
        cause,
      },
    );
  } finally {
    client.destroy();
  }
}
