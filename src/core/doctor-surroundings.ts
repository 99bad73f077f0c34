/** What lies between a stage and its backends, as far as the definition of the API tells: rules of `doctor`. */
import { listText } from './stages-text.js';
import type { Resource, Stage } from './api-gateway.js';
import { loadBalancerKind } from './load-balancer.js';
import { httpsMethods } from './rotation/backend.js';

export const SURROUNDING_CODES = {
  AnyWithIntegrationMethod: 'note',
  BehindLoadBalancer: 'note',
  BehindVpcLink: 'note',
  CanaryBackends: 'note',
  CertificatesDiffer: 'warning',
  StageVariableUnset: 'warning',
} as const;

export type SurroundingCode = keyof typeof SURROUNDING_CODES;

export interface SurroundingFinding {
  code: SurroundingCode;
  subject: string;
}

export interface Surroundings {
  stage: Stage;
  /** All stages that are known: those of the same API are compared. */
  stages: readonly Stage[];
  resources: readonly Resource[];
}

interface HttpUse {
  /** `GET /health` */
  method: string;
  httpMethod: string;
  uri: string;
  integrationMethod: string | undefined;
  connectionType: string | undefined;
}

/** The methods that connect to a backend, over https or not. */
function httpUses(resources: readonly Resource[]): HttpUse[] {
  return resources.flatMap(({ path, methods }) =>
    methods.flatMap(({ httpMethod, integration }) =>
      integration?.type === 'HTTP' || integration?.type === 'HTTP_PROXY'
        ? [
            {
              method: `${httpMethod} ${path}`,
              httpMethod,
              uri: integration.uri ?? '',
              integrationMethod: integration.httpMethod,
              connectionType: integration.connectionType,
            },
          ]
        : [],
    ),
  );
}

const backendsOf = (resources: readonly Resource[], variables: Stage['variables']): string[] => [
  ...new Set(httpsMethods(resources, { variables }).map(({ backend }) => backend)),
];

/** The names of the variables in a URI that are not set. */
function unsetIn(uri: string, variables: Stage['variables']): string[] {
  return [...uri.matchAll(/\$\{stageVariables\.([^}]+)\}/g)].flatMap(([, name = '']) =>
    Object.hasOwn(variables, name) ? [] : [name],
  );
}

const each = (code: SurroundingCode, subjects: readonly string[]): SurroundingFinding[] =>
  [...new Set(subjects)].map((subject) => ({ code, subject }));

function canaryFindings({ stage, resources }: Surroundings): SurroundingFinding[] {
  if (stage.canary === undefined) return [];
  const backends = backendsOf(resources, { ...stage.variables, ...stage.canary.variables });
  const share = `${stage.canary.percentTraffic} % of the requests`;
  return backends.length === 0 ? [] : each('CanaryBackends', [`${share} reach ${listText(backends)}`]);
}

/** Other stages of the same API that call one of the stage's backends with another certificate. */
function differingCertificates({ stage, stages, resources }: Surroundings): SurroundingFinding[] {
  const { clientCertificateId } = stage;
  if (clientCertificateId === undefined) return [];
  const own = backendsOf(resources, stage.variables);
  return stages
    .filter(({ restApiId, stageName }) => restApiId === stage.restApiId && stageName !== stage.stageName)
    .flatMap((other) => {
      const presented = other.clientCertificateId;
      if (presented === undefined || presented === clientCertificateId) return [];
      const shared = backendsOf(resources, other.variables).filter((backend) => own.includes(backend));
      return each(
        'CertificatesDiffer',
        shared.map(
          (backend) => `${backend}: ${clientCertificateId} here, ${presented} by ${other.stageName}`,
        ),
      );
    });
}

/** Everything about the ways to the backends that somebody who looks for a fault should know. */
export function surroundingFindings(surroundings: Surroundings): SurroundingFinding[] {
  const { stage, resources } = surroundings;
  const uses = httpUses(resources);
  return [
    ...each(
      'StageVariableUnset',
      uses.flatMap(({ method, uri }) =>
        unsetIn(uri, stage.variables).map((name) => `${name} in ${method} → ${uri}`),
      ),
    ),
    ...each(
      'AnyWithIntegrationMethod',
      uses.flatMap(({ method, httpMethod, integrationMethod = 'ANY' }) =>
        httpMethod === 'ANY' && integrationMethod !== 'ANY' ? [`${method} as ${integrationMethod}`] : [],
      ),
    ),
    ...each(
      'BehindVpcLink',
      uses
        .filter(({ connectionType }) => connectionType === 'VPC_LINK')
        .map(({ method, uri }) => `${method} → ${uri}`),
    ),
    ...each(
      'BehindLoadBalancer',
      backendsOf(resources, stage.variables).filter((backend) => loadBalancerKind(backend) !== undefined),
    ),
    ...canaryFindings(surroundings),
    ...differingCertificates(surroundings),
  ];
}
