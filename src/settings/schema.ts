/**
 * The shape of `apigw-cert.yaml`. docs/apigw-cert.schema.json is made from it, so the descriptions here are what
 * editors show; those of single settings come from table.ts. An `error` here completes the sentence "… must be". Nothing
 * has a default in here: resolve.ts decides what counts.
 */
import * as z from 'zod/mini';
import { thresholdMs } from '../platform/duration.js';
import { assertThresholdOrder, GATEWAY_LIFETIME_MS } from '../certificates/expiry.js';
import {
  applyRule,
  command,
  duration,
  flag,
  region,
  text,
  threshold,
  timeout,
  url,
  type Issues,
} from './fields.js';
import { publicationSchema } from './publication-schema.js';
import { MANAGERS } from './rotation.js';
import { parseReportPlace } from './report-place.js';
import { stackSwitchSchema } from './stack-switch.js';
import { parseStatePlace } from './state-place.js';
import {
  ACCOUNT_SETTINGS,
  MOST_PROBES,
  ROTATION_SETTINGS,
  settingsOf,
  STATE_SETTINGS,
  type RotationKey,
  type Setting,
  type ValueTypes,
} from './table.js';

const renewBefore = (description: string) =>
  threshold(description).check(({ value, issues }) => {
    if (thresholdMs(value, GATEWAY_LIFETIME_MS) < GATEWAY_LIFETIME_MS) return;
    issues.push({
      code: 'custom',
      input: value,
      message:
        'this is the whole validity of a certificate (365d), so every run would rotate; specify less, such as 33%',
    });
  });

const name = z.string().check(
  z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
    error: 'a name of at most 64 letters, digits, ".", "_" and "-"',
  }),
);

const regions = z
  .union([z.array(region('A Region')).check(z.minLength(1)), z.literal('all')], {
    error: 'a list of Regions, or "all" for those enabled in the account',
  })
  .check(z.describe('The Regions to watch: a list, or "all" for those enabled in the account'));

const state = (description: string) =>
  z.string().check(({ value, issues }) => {
    applyRule(() => parseStatePlace(value), issues, value);
  }, z.describe(description));

/** What the file may have for a setting, by the setting's type. */
const OF_TYPE = {
  text,
  region,
  duration,
  threshold: renewBefore,
  boolean: flag,
  url,
  state,
  count: (description: string) =>
    z.int().check(z.minimum(1), z.maximum(MOST_PROBES), z.describe(description)),
  redeploy: (description: string) => z.enum(['never', 'always']).check(z.describe(description)),
  manager: (description: string) => z.enum(MANAGERS).check(z.describe(description)),
} as const satisfies { readonly [T in keyof ValueTypes]: (description: string) => z.ZodMiniType };

const schemaOf = <T extends keyof ValueTypes>({ type, help }: Setting<T>): ReturnType<(typeof OF_TYPE)[T]> =>
  OF_TYPE[type](help) as ReturnType<(typeof OF_TYPE)[T]>;

/** The settings that a target has under their own names. */
type TargetKey = {
  [K in RotationKey]: (typeof ROTATION_SETTINGS)[K] extends { in: readonly string[] }
    ? (typeof ROTATION_SETTINGS)[K] extends { yaml: string }
      ? never
      : K
    : never;
}[RotationKey];

type TargetShape = {
  [K in TargetKey]: z.ZodMiniExactOptional<
    ReturnType<(typeof OF_TYPE)[(typeof ROTATION_SETTINGS)[K]['type']]>
  >;
};

const rotationShape = Object.fromEntries(
  settingsOf<RotationKey>(ROTATION_SETTINGS)
    .filter(([, { in: places = [], yaml }]) => places.includes('target') && yaml === undefined)
    .map(([key, setting]) => [key, z.exactOptional(schemaOf(setting))]),
) as unknown as TargetShape;

const accountShape = {
  region: z.exactOptional(schemaOf(ACCOUNT_SETTINGS.region)),
  profile: z.exactOptional(schemaOf(ACCOUNT_SETTINGS.profile)),
};

const roleShape = {
  roleArn: z.exactOptional(
    z.string().check(
      z.regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/, {
        error: 'the ARN of a role, such as "arn:aws:iam::123456789012:role/watch"',
      }),
      z.describe('A role to assume, with the profile’s or the default credentials'),
    ),
  ),
  externalId: z.exactOptional(text('The external id that the role’s trust policy asks for')),
};

function refuseLoneExternalId(value: { roleArn?: string; externalId?: string }, issues: Issues): void {
  if (value.externalId === undefined || value.roleArn !== undefined) return;
  issues.push({
    code: 'custom',
    input: value,
    path: ['externalId'],
    message: 'an external id has a meaning for a roleArn only',
  });
}

/** The stack would set the deployment of its template again. */
function refuseRedeployment(value: { switch?: unknown; redeploy?: string }, issues: Issues): void {
  if (value.switch === undefined || value.redeploy !== 'always') return;
  issues.push({
    code: 'custom',
    input: value,
    path: ['redeploy'],
    message: 'a stage that its stack switches is deployed by its stack; omit redeploy',
  });
}

const probe = z
  .strictObject({
    method: z.exactOptional(
      z
        .string()
        .check(
          z.regex(/^[A-Z]{1,20}$/, { error: 'an HTTP method in upper case, such as GET' }),
          z.describe('The HTTP method (default: GET)'),
        ),
    ),
    path: z
      .string()
      .check(
        z.regex(/^\/[^\s\p{Cc}]*$/u, { error: 'a path that begins with "/"' }),
        z.describe('The path within the API, with its query string if any'),
      ),
    count: z.exactOptional(schemaOf(ROTATION_SETTINGS.probes)),
  })
  .check(z.describe('The call that proves the backend; by default safe GET requests are chosen'));

const hooks = z
  .strictObject({
    pre: z.exactOptional(command('Before anything is done; its failure stops the rotation')),
    trusted: z.exactOptional(command('When the backend accepts old and new; its failure stops the rotation')),
    switched: z.exactOptional(command('When the stages present the new certificate')),
    done: z.exactOptional(command('When the rotation has completed')),
    failed: z.exactOptional(command('When the rotation has failed or was rolled back')),
    timeout: z.exactOptional(timeout('How long each command may take (default: 60s)')),
  })
  .check(z.describe('Commands run at points of the rotation, with APIGW_CERT_* variables'));

/** More hosts than any list is followed by. */
const MOST_HOSTS = 100_000;

const REPORT_PLACES = 'a folder, s3://BUCKET/PREFIX or dynamodb:TABLE/NAME';

const acknowledge = z
  .strictObject(
    {
      hosts: z
        .union([z.int().check(z.minimum(1), z.maximum(MOST_HOSTS)), z.literal('all')], {
          error: `a number of hosts from 1 to ${MOST_HOSTS}, or "all"`,
        })
        .check(
          z.describe('At least so many hosts must report, or "all": every host that reports, at least one'),
        ),
      reports: z.string({ error: `a place for reports: ${REPORT_PLACES}` }).check(
        ({ value, issues }) => {
          applyRule(() => parseReportPlace(value), issues, value);
        },
        z.describe(`Where they report (\`--report\`): ${REPORT_PLACES}`),
      ),
      timeout: z.exactOptional(
        duration('How long a run waits for them; a later run continues (default: 15m)'),
      ),
    },
    {
      error: ({ code }) =>
        code === 'invalid_type'
          ? 'a mapping such as { hosts: all, reports: dynamodb:TABLE/NAME }'
          : undefined,
    },
  )
  .check(
    z.describe('The hosts that follow the published list, which must report a change before the next step'),
  );

/** A trust store as the file and `--trust` describe it; what it holds besides is for its kind to know. */
export interface TrustDescription {
  readonly kind: string;
}

const targetWith = <Trust extends TrustDescription>(trustStore: z.core.$ZodType<Trust>) =>
  z
    .strictObject({
      api: text('The REST or WebSocket API, by its name or its id'),
      stages: z
        .array(text('A stage name'))
        .check(z.minLength(1), z.describe('The stages that are rotated together')),
      ...accountShape,
      ...roleShape,
      trust: z
        .array(trustStore)
        .check(z.minLength(1), z.describe('Every trust store of the backend, in the order they are changed')),
      probe: z.exactOptional(probe),
      acknowledge: z.exactOptional(acknowledge),
      publish: z.exactOptional(
        z
          .array(publicationSchema)
          .check(
            z.minLength(1),
            z.describe(
              'Where the id of the certificate in use is written to, for infrastructure as code to read (docs/publish.md)',
            ),
          ),
      ),
      switch: z.exactOptional(stackSwitchSchema),
      approve: z.exactOptional(
        z
          .enum(['before-switch'])
          .check(z.describe('Someone has to approve before the stages are switched to the new certificate')),
      ),
      ...rotationShape,
      hooks: z.exactOptional(hooks),
    })
    .check(({ value, issues }) => {
      refuseLoneExternalId(value, issues);
      refuseRedeployment(value, issues);
    }, z.describe('One API whose certificate is rotated'));

const account = z
  .strictObject({
    name: z.exactOptional(text('What reports call the account')),
    profile: z.exactOptional(text('A profile of the shared AWS configuration')),
    ...roleShape,
    regions: z.exactOptional(regions),
  })
  .check(({ value, issues }) => {
    if (value.profile === undefined && value.roleArn === undefined) {
      issues.push({ code: 'custom', input: value, message: 'an account needs a profile or a roleArn' });
    }
    refuseLoneExternalId(value, issues);
  }, z.describe('One AWS account to watch'));

const notification = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('sns'),
      topicArn: z
        .string()
        .check(
          z.regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:\S+$/, { error: 'the ARN of an SNS topic' }),
          z.describe('The topic that is published to'),
        ),
    }),
    z.strictObject({
      kind: z.literal('webhook'),
      url: z
        .url({ protocol: /^https?$/, error: 'an http or https URL' })
        .check(z.describe('Where the notice is posted as JSON')),
      timeout: z.exactOptional(duration('How long one attempt may take')),
    }),
    z.strictObject({
      kind: z.literal('command'),
      command: command('Run with the notice as JSON on its standard input'),
      timeout: z.exactOptional(duration('How long it may take')),
    }),
  ])
  .check(z.describe('Who is notified when a certificate’s state changes'));

/** Reports every entry whose identity an earlier one has already. */
function refuseTwice<T>(
  entries: readonly { identity: T; path: PropertyKey[]; input: unknown }[],
  message: (identity: T) => string,
  issues: Issues,
): void {
  const seen = new Set<T>();
  for (const { identity, path, input } of entries) {
    if (seen.has(identity)) issues.push({ code: 'custom', input, path, message: message(identity) });
    seen.add(identity);
  }
}

/** All of `apigw-cert.yaml`. @param trustStore what a trust store may be */
export const configurationSchemaWith = <Trust extends TrustDescription>(trustStore: z.core.$ZodType<Trust>) =>
  z
    .strictObject({
      ...accountShape,
      state: z.exactOptional(schemaOf(STATE_SETTINGS.state)),
      renewBefore: z.exactOptional(schemaOf(ROTATION_SETTINGS.renewBefore)),
      managedBy: z.exactOptional(schemaOf(ROTATION_SETTINGS.managedBy)),
      thresholds: z.exactOptional(
        z
          .strictObject({
            warning: threshold('A certificate with less left is a warning'),
            critical: threshold('A certificate with less left is critical'),
          })
          .check(({ value, issues }) => {
            applyRule(
              () => {
                assertThresholdOrder(value);
              },
              issues,
              value,
              ['critical'],
            );
          }, z.describe('From when check-expiry complains; default: 30d and 7d')),
      ),
      targets: z.exactOptional(
        z
          .record(name, targetWith(trustStore))
          .check(z.describe('What rotate works on, by a name of your choice')),
      ),
      accounts: z.exactOptional(
        z
          .array(account)
          .check(
            z.minLength(1),
            z.describe(
              'The accounts to look into; a command that works in one takes the only one, or asks for --account',
            ),
          ),
      ),
      regions: z.exactOptional(regions),
      notify: z.exactOptional(
        z.array(notification).check(z.describe('Who is notified when a certificate’s state changes')),
      ),
    })
    .check(({ value: { targets = {}, accounts = [], region, profile }, issues }) => {
      refuseTwice(
        Object.entries(targets).flatMap(([key, target]) =>
          target.stages.map((stage, index) => ({
            identity: JSON.stringify([
              target.profile ?? profile,
              target.roleArn,
              target.region ?? region,
              target.api,
              stage,
            ]),
            path: ['targets', key, 'stages', index],
            input: stage,
          })),
        ),
        () => 'this stage is already specified; a stage belongs to one target, once',
        issues,
      );
      refuseTwice(
        Object.entries(targets).flatMap(([key, target]) =>
          (target.publish ?? []).map((entry, index) => ({
            identity: JSON.stringify(
              entry.kind === 'ssm'
                ? [
                    entry.kind,
                    entry.parameter,
                    entry.region ?? target.region ?? region,
                    // A profile of its own is reached without the role of the target.
                    entry.profile ?? target.profile ?? profile,
                    entry.profile === undefined ? target.roleArn : undefined,
                    entry.endpointUrl,
                  ]
                : entry,
            ),
            path: ['targets', key, 'publish', index],
            input: entry,
          })),
        ),
        () => 'another entry publishes to the same place, which can hold one id',
        issues,
      );
      refuseTwice(
        accounts.map(({ profile, roleArn }, index) => ({
          identity: JSON.stringify(roleArn ?? [profile]),
          path: ['accounts', index],
          input: accounts[index],
        })),
        () => 'this account is listed already',
        issues,
      );
    });

/** The configuration as it was read: lengths of time in milliseconds, thresholds parsed. */
export type Configuration<Trust extends TrustDescription = TrustDescription> = z.output<
  ReturnType<typeof configurationSchemaWith<Trust>>
>;

export type Target<Trust extends TrustDescription = TrustDescription> = z.output<
  ReturnType<typeof targetWith<Trust>>
>;
export type Account = z.output<typeof account>;
export type Notification = z.output<typeof notification>;
