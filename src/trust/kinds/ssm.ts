import { optionalClient } from '../../aws/optional-client.js';
import * as z from 'zod/mini';
import { openedOnce } from '../../platform/opened-once.js';
import { AppError } from '../../platform/errors.js';
import { awsOptions, awsRoles, awsStore, clientOptions, readFailure, settled } from '../aws-options.js';
import { changedMeanwhile } from '../failures.js';
import type { TextDocument } from '../document.js';
import { isPublished, sealed } from '../published-list.js';
import { defineKind } from './kind.js';

const schema = z
  .strictObject({
    kind: z.literal('ssm'),
    parameter: z
      .string()
      .check(z.minLength(1), z.describe('the name of a String parameter that holds a PEM bundle')),
    ...awsOptions,
  })
  .check(
    z.describe('a PEM bundle in a parameter of AWS Systems Manager (at most 8 KB, some six certificates)'),
  );

type SsmConfig = z.infer<typeof schema>;

function document(config: SsmConfig): TextDocument {
  const Name = config.parameter;
  const connect = openedOnce(async () => {
    const sdk = await optionalClient(
      '@aws-sdk/client-ssm',
      'TrustStoreUnreadable',
      () => import('@aws-sdk/client-ssm'),
    );
    return { sdk, client: new sdk.SSMClient(await clientOptions('SSM', config)) };
  });
  const get = async (name: string) => {
    const { sdk, client } = await connect();
    const { Parameter } = await client
      .send(new sdk.GetParameterCommand({ Name: name }))
      .catch((error: unknown) => {
        throw readFailure('the parameter', error);
      });
    if (Parameter?.Type !== 'String' || Parameter.Version === undefined) {
      throw new AppError(
        'TrustStoreUnreadable',
        `the parameter is a ${Parameter?.Type ?? 'nothing'}, not a String`,
        { hint: 'keep the certificates, which are public, in a String parameter' },
      );
    }
    return { text: Parameter.Value ?? '', version: String(Parameter.Version) };
  };
  const read = () => get(Name);
  /** @returns the number of the version that it made */
  const put = async (Value: string): Promise<number> => {
    const { sdk, client } = await connect();
    const command = new sdk.PutParameterCommand({
      Name,
      Value,
      Type: 'String',
      Overwrite: true,
      Tier: 'Intelligent-Tiering', // a bundle can pass the 4 KB of a standard parameter
    });
    return (await client.send(command)).Version ?? 0;
  };
  /**
   * Restores the text that another process wrote immediately before ours. A published list gets a new version, because a
   * follower may have read ours under the version that both have.
   */
  const giveWay = async (written: number, theirs: string, ours: string): Promise<void> => {
    const last = await put(isPublished(theirs) ? sealed(theirs, ours, 'utf8') : theirs);
    if (last > written + 1) await giveWay(last, (await get(`${Name}:${last - 1}`)).text, ours);
  };
  return {
    read,
    /** PutParameter knows no condition: versions are counted, so a gap tells of somebody else, whose text is put back. */
    async write(text, expected, beforeEffect) {
      const before = Number(expected.version);
      await beforeEffect();
      if (Number((await read()).version) !== before) throw changedMeanwhile({ parameter: Name });
      const write = async () => {
        const written = await put(text);
        if (written > before + 1) {
          const theirs = (await get(`${Name}:${written - 1}`)).text;
          // A repetition of our own, after an answer that was lost, is no gap.
          if (theirs !== text) {
            await giveWay(written, theirs, text);
            throw changedMeanwhile({ parameter: Name });
          }
        }
        return { text, version: String(written) };
      };
      return settled('the parameter', text, expected, { write, read }, { parameter: Name });
    },
    exclusively: (work) => work(),
  };
}

/** A parameter that programs read the accepted certificates from. */
export const ssm = defineKind({
  name: 'ssm',
  schema,
  isService: () => true,
  options: { parameter: 'name', ...awsRoles },
  published: {
    form: 'ssm:NAME',
    open(text, access) {
      const [, parameter] = /^ssm:(\P{Cc}+)$/u.exec(text) ?? [];
      if (parameter === undefined) return undefined;
      return { ...document({ kind: 'ssm', parameter, ...access }), encoding: 'utf8' };
    },
  },
  document: {
    written:
      'PEM in a String parameter (8 KB at most); a version written in between is detected and restored',
    applied: 'none',
    proved: '**untested** on AWS, as `s3`',
  },
  open: (config) => awsStore(`ssm:${config.parameter}`, config, document(config)),
});
