/** What lies between a stage and its backends, as far as the definition of the API tells: rules of `doctor`. */
import type { Resource, Stage } from '../../control-plane/api-gateway.js';
import { loadBalancerKind } from '../../control-plane/load-balancer.js';
import { httpsMethods } from '../../rotation/rules/backend.js';
import { listText } from '../../platform/list-text.js';
import { finding, type Finding, type Where } from '../finding.js';

export interface Surroundings {
  stage: Stage;
  /** All stages that are known: those of the same API are compared. */
  stages: readonly Stage[];
  resources: readonly Resource[];
  /** The stage, as findings name it. */
  where: Where;
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

type SurroundingFinding = Finding<
  SubjectCode | 'CanaryBackends' | 'CertificatesDiffer' | 'StageVariableUnset'
>;

type SubjectCode = 'AnyWithIntegrationMethod' | 'BehindLoadBalancer' | 'BehindVpcLink';

const each = (code: SubjectCode, where: Where, subjects: readonly string[]): SurroundingFinding[] =>
  [...new Set(subjects)].map((subject) => finding(code, where, { subject }));

/** Variables of a stage that the address of a backend needs and that are not set, each with its use. */
export function unsetVariables(
  where: Where,
  unset: readonly { name: string; use: string; uri: string }[],
): SurroundingFinding[] {
  const bySubject = new Map(unset.map(({ name, use, uri }) => [`${name} in ${use} → ${uri}`, name]));
  return [...bySubject].map(([subject, variable]) =>
    finding('StageVariableUnset', where, { subject, variable }),
  );
}

function canaryFindings({ stage, resources, where }: Surroundings): SurroundingFinding[] {
  if (stage.canary === undefined) return [];
  const backends = backendsOf(resources, { ...stage.variables, ...stage.canary.variables });
  if (backends.length === 0) return [];
  const subject = `${stage.canary.percentTraffic} % of the requests reach ${listText(backends)}`;
  return [finding('CanaryBackends', where, { subject })];
}

/** Other stages of the same API that call one of the stage's backends with another certificate. */
function differingCertificates({ stage, stages, resources, where }: Surroundings): SurroundingFinding[] {
  const { clientCertificateId } = stage;
  if (clientCertificateId === undefined) return [];
  const own = backendsOf(resources, stage.variables);
  return stages
    .filter(({ restApiId, stageName }) => restApiId === stage.restApiId && stageName !== stage.stageName)
    .flatMap((other) => {
      const presented = other.clientCertificateId;
      if (presented === undefined || presented === clientCertificateId) return [];
      const shared = backendsOf(resources, other.variables).filter((backend) => own.includes(backend));
      return shared.map((backend) =>
        finding('CertificatesDiffer', where, {
          subject: `${backend}: ${clientCertificateId} here, ${presented} by ${other.stageName}`,
          own: clientCertificateId,
          otherStage: `${other.restApiId}/${other.stageName}`,
        }),
      );
    });
}

/** Everything about the ways to the backends that somebody who looks for a fault should know. */
export function surroundingFindings(surroundings: Surroundings): SurroundingFinding[] {
  const { stage, resources, where } = surroundings;
  const uses = httpUses(resources);
  return [
    ...unsetVariables(
      where,
      uses.flatMap(({ method: use, uri }) =>
        unsetIn(uri, stage.variables).map((name) => ({ name, use, uri })),
      ),
    ),
    ...each(
      'AnyWithIntegrationMethod',
      where,
      uses.flatMap(({ method, httpMethod, integrationMethod = 'ANY' }) =>
        httpMethod === 'ANY' && integrationMethod !== 'ANY' ? [`${method} as ${integrationMethod}`] : [],
      ),
    ),
    ...each(
      'BehindVpcLink',
      where,
      uses
        .filter(({ connectionType }) => connectionType === 'VPC_LINK')
        .map(({ method, uri }) => `${method} → ${uri}`),
    ),
    ...each(
      'BehindLoadBalancer',
      where,
      backendsOf(resources, stage.variables).filter((backend) => loadBalancerKind(backend) !== undefined),
    ),
    ...canaryFindings(surroundings),
    ...differingCertificates(surroundings),
  ];
}
