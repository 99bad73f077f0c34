import * as z from 'zod';
import { AppError } from '../core/errors.js';
import { awsFailure, awsOptions, clientOptions, loaded } from './aws-options.js';
import { changedMeanwhile } from './bundle-view.js';
import type { TextDocument } from './document.js';
import { documentTrustStore } from './document-store.js';
import { pemFormat } from './pem-format.js';
import { reloadCommand } from './run-command.js';
import type { DescribedTrustStore } from './trust-store.js';

export const ssmSchema = z
  .strictObject({
    kind: z.literal('ssm'),
    parameter: z.string().min(1).describe('the name of a String parameter that holds a PEM bundle'),
    ...awsOptions,
  })
  .describe('a PEM bundle in a parameter of AWS Systems Manager (at most 8 KB, some six certificates)');

type SsmConfig = z.infer<typeof ssmSchema>;

function document(config: SsmConfig): TextDocument {
  const Name = config.parameter;
  const connect = async () => {
    const sdk = await loaded('@aws-sdk/client-ssm', () => import('@aws-sdk/client-ssm'));
    return { sdk, client: new sdk.SSMClient(await clientOptions('SSM', config)) };
  };
  const get = async (name: string) => {
    const { sdk, client } = await connect();
    try {
      const { Parameter } = await client.send(new sdk.GetParameterCommand({ Name: name }));
      return Parameter;
    } catch (error) {
      throw awsFailure('TrustStoreUnreadable', 'the parameter cannot be read', error);
    }
  };
  const put = async (Value: string) => {
    const { sdk, client } = await connect();
    try {
      const command = new sdk.PutParameterCommand({
        Name,
        Value,
        Type: 'String',
        Overwrite: true,
        Tier: 'Intelligent-Tiering', // a bundle can pass the 4 KB of a standard parameter
      });
      return (await client.send(command)).Version ?? 0;
    } catch (error) {
      throw awsFailure('TrustStoreFailed', 'the parameter cannot be written', error);
    }
  };
  return {
    async read() {
      const parameter = await get(Name);
      if (parameter?.Type !== 'String') {
        throw new AppError(
          'TrustStoreUnreadable',
          `the parameter is a ${parameter?.Type ?? 'nothing'}, not a String`,
          {
            hint: 'keep the certificates, which are public, in a String parameter',
          },
        );
      }
      return { text: parameter.Value ?? '', version: String(parameter.Version) };
    },
    /** PutParameter knows no condition: versions are counted, so a gap tells of somebody else, whose text is put back. */
    async write(text, { version }, beforeEffect) {
      const expected = Number(version);
      await beforeEffect();
      if (Number((await get(Name))?.Version) !== expected) throw changedMeanwhile({ parameter: Name });
      const written = await put(text);
      if (written !== expected + 1) {
        const theirs = await get(`${Name}:${written - 1}`);
        await put(theirs?.Value ?? '');
        throw changedMeanwhile({ parameter: Name });
      }
      return { text, version: String(written) };
    },
    exclusively: (work) => work(),
  };
}

/** A parameter that programs read the accepted certificates from. */
export function ssm(config: SsmConfig): DescribedTrustStore {
  return documentTrustStore({
    name: `ssm:${config.parameter}`,
    document: document(config),
    format: pemFormat,
    makeLive: reloadCommand(config.reload, config.timeout),
  });
}
