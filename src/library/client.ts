import type { ClientSettings } from './settings.js';
import type { FleetAccount } from '../settings/accounts.js';
import type { Fleet } from '../control-plane/fleet-port.js';
import type { ControlPlane } from '../control-plane/control-plane.js';
import type { AwsClientOptions } from '../control-plane/aws-client.js';

/** The control plane that the settings lead to, at the pace that AWS allows. Sends nothing yet. */
export async function openControlPlane(
  { profile, region, endpoint, credentials }: ClientSettings,
  onServerTime?: AwsClientOptions['onServerTime'],
): Promise<ControlPlane> {
  const { createAwsControlPlane } = await import('../control-plane/aws.js');
  const { createPace } = await import('../control-plane/pace.js');
  return createAwsControlPlane({
    pace: createPace(),
    ...(profile === undefined ? {} : { profile }),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(onServerTime === undefined ? {} : { onServerTime }),
  });
}

/** The one account and Region of the settings, as the use cases for many take it. */
export function accountOf(settings: ClientSettings): { fleet: Fleet; accounts: readonly FleetAccount[] } {
  const { profile, region } = settings;
  return {
    accounts: [{ name: profile ?? 'default', regions: region === undefined ? 'default' : [region] }],
    fleet: {
      // Asked only where all Regions are meant.
      enabledRegions: () => Promise.resolve([]),
      async open() {
        let clockOffsetMs: number | undefined;
        const controlPlane = await openControlPlane(settings, (serverTime, now) => {
          clockOffsetMs ??= now.getTime() - serverTime.getTime();
        });
        const { accountId } = await controlPlane.caller();
        return {
          controlPlane,
          ...(accountId === undefined ? {} : { accountId }),
          clockOffsetMs: () => clockOffsetMs,
          counts: () => NO_COUNTS,
        };
      },
    },
  };
}

/** Nobody is told how fast it goes. */
const NO_COUNTS = { taken: 0, throttled: 0, perSecond: 0 };

/** Counts calls for {@link ClientSettings.onProgress}. */
export function callCounter({ onProgress }: ClientSettings): {
  expect: (calls: number) => void;
  done: () => void;
} {
  let [done, expected] = [0, 0];
  const tell = (): void => onProgress?.({ type: 'progress', done, expected });
  return {
    expect(calls) {
      expected += calls;
      tell();
    },
    done() {
      done += 1;
      tell();
    },
  };
}
