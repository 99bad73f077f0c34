import { AppError } from '../../platform/errors.js';
import type { PublicationSettings } from '../../settings/publication.js';
import { runCommand, wordCommand } from '../../trust/run-command.js';
import { named, whileReading } from '../failure.js';
import { readPublished, type Publication, type PublicationPlace, type Published } from '../publication.js';

/** Whatever the user's own commands write to. */
export function commandPublication(
  { set, observe, timeout }: Extract<PublicationSettings, { kind: 'command' }>,
  { region }: Pick<PublicationPlace, 'region'>,
): Publication {
  const name = `command:${wordCommand(set)}`;
  const variables = (action: 'set' | 'observe', id = ''): Record<string, string> => ({
    APIGW_CERT_ACTION: action,
    APIGW_CERT_ID: id,
    APIGW_CERT_REGION: region,
  });
  const look = async (): Promise<Published> => {
    if (observe === undefined) return { state: 'unobservable' };
    return readPublished(
      await whileReading(() => runCommand(observe, { timeout, env: variables('observe') })),
    );
  };
  return {
    name,
    observe: () => named(name, look),
    publish: (clientCertificateId, beforeEffect) =>
      named(name, async () => {
        const before = await look();
        const isThere = (seen: Published): boolean =>
          seen.state === 'holds' && seen.clientCertificateId === clientCertificateId;
        if (isThere(before)) return;
        await beforeEffect();
        await runCommand(set, {
          timeout,
          input: `${clientCertificateId}\n`,
          env: variables('set', clientCertificateId),
        });
        const after = await look();
        if (after.state === 'unobservable' || isThere(after)) return;
        throw new AppError(
          'PublicationFailed',
          `the command "set" succeeded, but "observe" does not print ${clientCertificateId}`,
          { hint: 'run both commands by hand and compare' },
        );
      }),
  };
}
