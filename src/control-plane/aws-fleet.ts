import pLimit from 'p-limit';
import type { AskMfaCode } from '../aws/credential-source.js';
import { openSession, type AwsSession } from '../aws/session.js';
import { AppError } from '../platform/errors.js';
import { sourceName, type FleetAccount, type Source } from '../settings/accounts.js';
import type { AwsClientOptions } from './aws-client.js';
import { createAwsControlPlane } from './aws.js';
import type { Caller } from './caller.js';
import type { ControlPlane } from './control-plane.js';
import type { Fleet } from './fleet-port.js';
import { createPace, type Pace, type PaceOptions } from './pace.js';

export interface AwsFleetOptions extends Pick<AwsClientOptions, 'endpoint' | 'onCall'> {
  pace?: PaceOptions;
  /** Where nobody can be asked, it is left out. */
  askMfaCode?: AskMfaCode | undefined;
}

/** At once, over all sources: a request takes a tenth of a second, so these do a thousand a second. */
const CONNECTIONS = 100;

/** A fleet that can say, of what it opened, whose credentials these are. */
export interface AwsFleet extends Fleet {
  /** Absent for what was not opened. */
  callerOf(source: Source): Promise<Caller | undefined>;
}

/** Control planes of AWS: one pace an account and Region, one set of credentials an account. */
export function createAwsFleet({ pace: paceOptions, askMfaCode, ...common }: AwsFleetOptions = {}): AwsFleet {
  const sessions = new Map<string, Promise<AwsSession>>();
  const connections = pLimit(CONNECTIONS);
  const opened = new Map<string, string>();
  const paces = new Map<string, Pace>();
  const controlPlanes = new Map<string, ControlPlane>();

  function sessionOf(account: FleetAccount): Promise<AwsSession> {
    const { name, profile, fromEnvironment, roleArn, externalId } = account;
    const session =
      sessions.get(name) ??
      openSession({
        // A profile of the environment is found there, and keys beside it count.
        profile: fromEnvironment === true ? undefined : profile,
        endpointUrl: common.endpoint,
        roleArn,
        externalId,
        askMfaCode,
      });
    sessions.set(name, session);
    return session;
  }

  /**
   * Two names of one account would share its request limit without knowing, and count everything twice.
   * @param same what two names of one account have in common: its number, or the key of their credentials
   */
  function refuseSame(same: string, region: string, name: string): void {
    const key = `${same}/${region}`;
    const other = opened.get(key);
    if (other !== undefined && other !== name) {
      throw new AppError(
        'Usage',
        `${name} and ${other} are the same account (${same}); it is read once, as ${other}`,
        {
          hint: 'remove one of them from --profile or from the accounts in apigw-cert.yaml',
        },
      );
    }
    opened.set(key, name);
  }

  return {
    callerOf: async (source) => controlPlanes.get(sourceName(source))?.caller(),

    async enabledRegions(account) {
      const { enabledRegions } = await import('./regions.js');
      return enabledRegions(account.name, await sessionOf(account), account.roleArn);
    },

    async open(account, region) {
      const session = await sessionOf(account);
      const identity = await session.credentials();
      // Roles that were assumed do not always tell, but their ARN does.
      const accountId = identity.accountId ?? account.roleArn?.split(':')[4];
      const pace =
        paces.get(sourceName({ account: account.name, region: region ?? '' })) ?? createPace(paceOptions);
      let clockOffsetMs: number | undefined;
      const controlPlane = await createAwsControlPlane({
        ...common,
        ...(region === undefined ? {} : { region }),
        session,
        withConnection: (send) => connections(send),
        pace,
        onServerTime: (serverTime, now) => {
          clockOffsetMs ??= now.getTime() - serverTime.getTime();
        },
      });
      const name = sourceName({ account: account.name, region: controlPlane.region });
      paces.set(name, pace);
      controlPlanes.set(name, controlPlane);
      if (accountId !== undefined) refuseSame(accountId, controlPlane.region, account.name);
      refuseSame(`access key ${identity.accessKeyId}`, controlPlane.region, account.name);
      return {
        controlPlane,
        ...(accountId === undefined ? {} : { accountId }),
        clockOffsetMs: () => clockOffsetMs,
        counts: () => pace.counts,
      };
    },
  };
}
