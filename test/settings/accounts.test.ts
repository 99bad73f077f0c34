import { describe, expect, test } from '@jest/globals';
import { isRegionless, regionlessSource, sourceName } from '../../src/settings/accounts.js';
import { explainedAccounts, fleetAccounts, type FleetInput } from '../../src/settings/resolve.js';

describe('fleetAccounts', () => {
  test('flags come before the configuration, the configuration before the environment', () => {
    const configuration = { profile: 'file', region: 'eu-west-3', accounts: [{ profile: 'listed' }] };
    expect(
      fleetAccounts({
        profileFlag: 'a, b',
        regionFlag: 'eu-west-1,eu-west-2',
        environmentProfile: 'env',
        environmentRegion: 'us-east-1',
        configuration,
      }),
    ).toEqual([
      { name: 'a', profile: 'a', regions: ['eu-west-1', 'eu-west-2'] },
      { name: 'b', profile: 'b', regions: ['eu-west-1', 'eu-west-2'] },
    ]);
    expect(fleetAccounts({ environmentRegion: 'us-east-1', configuration })).toEqual([
      { name: 'listed', profile: 'listed', regions: ['eu-west-3'] },
    ]);
    expect(fleetAccounts({ environmentProfile: 'env', configuration: { profile: 'file' } })).toEqual([
      { name: 'file', profile: 'file', regions: 'default' },
    ]);
    expect(fleetAccounts({ environmentProfile: 'env', environmentRegion: 'us-east-1' })).toEqual([
      { name: 'env', profile: 'env', fromEnvironment: true, regions: ['us-east-1'] },
    ]);
    expect(fleetAccounts({})).toEqual([{ name: 'default', regions: 'default' }]);
  });

  test('an account of the configuration has its own name, Regions and role', () => {
    const roleArn = 'arn:aws:iam::123456789012:role/watch';
    expect(
      fleetAccounts({
        configuration: {
          regions: 'all',
          accounts: [
            { roleArn, externalId: 'x', regions: ['eu-west-1'] },
            { name: 'shop', profile: 's' },
          ],
        },
      }),
    ).toEqual([
      { name: '123456789012', roleArn, externalId: 'x', regions: ['eu-west-1'] },
      { name: 'shop', profile: 's', regions: 'all' },
    ]);
  });

  test('a profile of the flag is not the environment’s', () => {
    expect(fleetAccounts({ profileFlag: 'a', environmentProfile: 'a' })).toEqual([
      { name: 'a', profile: 'a', regions: 'default' },
    ]);
  });

  test.each(['all', ' all '])('--region %j stands for all Regions', (regionFlag) => {
    expect(fleetAccounts({ regionFlag })).toEqual([{ name: 'default', regions: 'all' }]);
  });

  test('Regions of the flag go before those of an account', () => {
    const accounts = [{ profile: 'shop', regions: ['eu-west-1'] }];
    expect(fleetAccounts({ regionFlag: 'eu-west-2', configuration: { accounts } })).toEqual([
      { name: 'shop', profile: 'shop', regions: ['eu-west-2'] },
    ]);
  });

  test.each<[FleetInput, string, string]>([
    [{ profileFlag: 'a,b,a' }, 'the profile "a" is specified twice', 'specify each one once'],
    [
      { regionFlag: 'eu-west-1,eu-west-1' },
      'the Region "eu-west-1" is specified twice',
      'specify each one once',
    ],
    [
      { regionFlag: 'all,eu-west-1' },
      '--region "all,eu-west-1" contains "all" and names of Regions',
      'specify --region all, or only names',
    ],
    [
      { profileFlag: 'a,,b' },
      '--profile "a,,b" contains an empty name',
      'separate names with commas: --profile first,second',
    ],
    [
      { configuration: { accounts: [{ name: 'x', profile: 'a' }, { profile: 'x' }] } },
      'the account "x" is specified twice',
      'specify each one once',
    ],
    [
      {
        configuration: {
          accounts: [
            { roleArn: 'arn:aws:iam::123456789012:role/a' },
            { roleArn: 'arn:aws:iam::123456789012:role/b' },
          ],
        },
      },
      'the account "123456789012" is specified twice',
      'specify each one once',
    ],
  ])('refuses %j', (input, message, hint) => {
    expect(() => fleetAccounts(input)).toThrow(expect.objectContaining({ code: 'Usage', message, hint }));
  });
});

describe('what decided', () => {
  const origins = (input: FleetInput): string[] =>
    explainedAccounts(input).map(({ origin, regionsOrigin }) => `${origin} ${regionsOrigin}`);
  const everywhere = { regions: ['eu-west-1'], region: 'eu-west-2' };

  test.each<[FleetInput, string]>([
    [{}, 'default default'],
    [{ environmentRegion: 'eu-west-3' }, 'default environment'],
    [{ environmentRegion: 'eu-west-3', configuration: { region: 'eu-west-2' } }, 'default region'],
    [{ environmentRegion: 'eu-west-3', configuration: everywhere }, 'default regions'],
    [{ regionFlag: 'eu-west-4', environmentRegion: 'eu-west-3', configuration: everywhere }, 'default flag'],
    [{ environmentProfile: 'env' }, 'environment default'],
    [{ environmentProfile: 'env', configuration: { profile: 'file' } }, 'profile default'],
    [{ profileFlag: 'a', environmentProfile: 'env', configuration: { profile: 'file' } }, 'flag default'],
    [{ profileFlag: 'a' }, 'flag default'],
    [
      { profileFlag: 'a', configuration: { accounts: [{ profile: 'shop', regions: 'all' }] } },
      'flag default',
    ],
  ])('the account and its Regions in %j', (input, expected) => {
    expect(origins(input)).toEqual([expected]);
  });

  test('the Regions of listed accounts', () => {
    const accounts = [{ profile: 'own', regions: ['us-east-1'] }, { profile: 'other' }];
    expect(origins({ configuration: { accounts } })).toEqual(['account account', 'account default']);
    expect(origins({ configuration: { ...everywhere, accounts } })).toEqual([
      'account account',
      'account regions',
    ]);
    expect(origins({ environmentRegion: 'eu-west-3', configuration: { accounts } })).toEqual([
      'account account',
      'account environment',
    ]);
    expect(origins({ regionFlag: 'all', configuration: { accounts } })).toEqual([
      'account flag',
      'account flag',
    ]);
  });
});

describe('a source', () => {
  test('is named by account and Region', () => {
    expect(sourceName({ account: 'production', region: 'eu-west-1' })).toBe('production/eu-west-1');
  });

  test.each<[Parameters<typeof regionlessSource>[1], string]>([
    ['all', 'production/all'],
    ['default', 'production/(no Region)'],
    [['eu-west-1'], 'production/(no Region)'],
  ])('that failed before its Regions were known, %j, is told from one of a Region', (wanted, name) => {
    const source = regionlessSource('production', wanted);
    expect(sourceName(source)).toBe(name);
    expect(isRegionless(source)).toBe(true);
    expect(isRegionless({ region: 'eu-west-1' })).toBe(false);
  });
});
