import { optionalClient } from '../../aws/optional-client.js';
import { AppError } from '../../platform/errors.js';
import { openedOnce } from '../../platform/opened-once.js';
import type { PublicationSettings } from '../../settings/publication.js';
import { clientOptions, readFailure, settled } from '../../trust/aws-options.js';
import type { Revision } from '../../trust/document.js';
import { storeName } from '../../trust/store-name.js';
import { named } from '../failure.js';
import { readPublished, type Publication, type PublicationPlace } from '../publication.js';

/** What is there: the text and its version, or nothing. */
interface Held {
  exists: boolean;
  revision: Revision;
}

const NOTHING: Held = { exists: false, revision: { text: '', version: '0' } };

/** A String parameter of AWS Systems Manager, by default of the account and Region of the stages. */
export function ssmPublication(
  config: Extract<PublicationSettings, { kind: 'ssm' }>,
  place: PublicationPlace,
): Publication {
  const { parameter: Name, region, profile, endpointUrl } = config;
  // What says what holds anyway makes it no other place.
  const name = storeName(`ssm:${Name}`, {
    region: region === place.region ? undefined : region,
    profile: profile === place.profile && place.roleArn === undefined ? undefined : profile,
    endpoint: endpointUrl,
  });
  const open = async () => {
    const sdk = await optionalClient(
      '@aws-sdk/client-ssm',
      'TrustStoreUnreadable',
      () => import('@aws-sdk/client-ssm'),
    );
    // A profile of its own is reached without the role of the stage's account.
    const account = profile === undefined ? place : { profile };
    const options = await clientOptions('SSM', { ...account, region: region ?? place.region, endpointUrl });
    return { sdk, client: new sdk.SSMClient(options) };
  };
  const connect = openedOnce(open);
  const get = async (): Promise<Held> => {
    const { sdk, client } = await connect();
    try {
      const { Parameter } = await client.send(new sdk.GetParameterCommand({ Name }));
      if (Parameter?.Type !== 'String' || Parameter.Version === undefined) {
        throw new AppError(
          'PublicationUnreadable',
          `the parameter is a ${Parameter?.Type ?? 'nothing'}, not a String`,
          { hint: 'specify a String parameter: the ID is no secret, and infrastructure as code reads it' },
        );
      }
      return { exists: true, revision: { text: Parameter.Value ?? '', version: String(Parameter.Version) } };
    } catch (error) {
      if (error instanceof sdk.ParameterNotFound) return NOTHING;
      throw readFailure('the parameter', error);
    }
  };
  const put = async (Value: string, before: Held): Promise<Revision> => {
    const { sdk, client } = await connect();
    // The tier of one that exists stays as it is.
    const command = new sdk.PutParameterCommand({ Name, Value, Type: 'String', Overwrite: before.exists });
    const { Version = 0 } = await client.send(command);
    return { text: Value, version: String(Version) };
  };
  return {
    name,
    observe: () => named(name, async () => readPublished((await get()).revision.text)),
    publish: (id, beforeEffect) =>
      named(name, async () => {
        const before = await get();
        // What is not ours is not overwritten.
        readPublished(before.revision.text);
        if (before.revision.text === id) return;
        await beforeEffect();
        await settled(
          'the parameter',
          id,
          before.revision,
          { write: () => put(id, before), read: async () => (await get()).revision },
          { parameter: Name },
        );
      }),
  };
}
