/**
 * What the emulator remembers. Plain data, so that it can be written to a file; times are epoch milliseconds.
 * Everything that a caller names is kept in a Map: a tag called `__proto__` is a tag like any other.
 */

import type { KeyType } from '../certificates/key-type.js';

/** All that one account holds in one Region. */
export interface World {
  /** Twelve digits, derived from the access key. */
  account: string;
  region: string;
  certificates: Map<string, StoredCertificate>;
  /** By ARN. */
  acmCertificates: Map<string, AcmCertificate>;
  /** The private CAs that issued certificates of ACM, by the ARN that was asked for. */
  authorities: Map<string, Authority>;
  apis: Map<string, RestApi>;
  /** The APIs of apigatewayv2. */
  v2Apis: Map<string, V2Api>;
  /** The stacks of CloudFormation, by their names. */
  stacks: Map<string, Stack>;
  /** The parameters of Systems Manager, by their names. */
  parameters: Map<string, SsmParameter>;
}

export interface StoredCertificate {
  id: string;
  description: string | undefined;
  createdDate: number;
  expirationDate: number;
  /** As AWS sends it: CRLF line ends, no newline at the end. */
  pem: string;
  privateKeyPem: string;
  tags: Map<string, string>;
}

/** What becomes of a renewal by ACM. */
export type AcmRenewal =
  | { status: 'SUCCESS' | 'PENDING_AUTO_RENEWAL' }
  | {
      status: 'FAILED';
      /** As in `PCA_ACCESS_DENIED`. */
      reason: string;
    };

/** A certificate of ACM. */
export interface AcmCertificate {
  arn: string;
  /** `PRIVATE`: issued by a private CA. `AMAZON_ISSUED`: a public one, which is never validated here. */
  type: 'IMPORTED' | 'PRIVATE' | 'AMAZON_ISSUED';
  domainName: string | undefined;
  /** Beside the domain name. */
  alternativeNames: string[];
  keyType: KeyType;
  createdAt: number;
  issuedAt: number | undefined;
  /** Absent until it is issued. PEM with LF line ends. */
  issued: IssuedCertificate | undefined;
  authorityArn: string | undefined;
  renewal: Renewal | undefined;
  tags: Map<string, string>;
}

export interface IssuedCertificate {
  pem: string;
  /** The certificates above it, in the order in which they were given; empty for none. */
  chainPem: string;
  privateKeyPem: string;
}

/** What became of the latest renewal. */
export interface Renewal {
  status: 'SUCCESS' | 'PENDING_AUTO_RENEWAL' | 'FAILED';
  /** Of a failed one: `PCA_ACCESS_DENIED`. */
  reason: string | undefined;
  updatedAt: number;
}

/** A private CA: a root, and below it what signs. */
export interface Authority {
  rootPem: string;
  pem: string;
  privateKeyPem: string;
}

export interface RestApi {
  id: string;
  name: string;
  description: string | undefined;
  createdDate: number;
  tags: Map<string, string>;
  rootResourceId: string;
  /** The definition as it is now; TestInvokeMethod runs this one. */
  resources: Map<string, Resource>;
  deployments: Map<string, Deployment>;
  stages: Map<string, Stage>;
}

export interface Resource {
  id: string;
  parentId: string | undefined;
  pathPart: string | undefined;
  /** From the root: `/orders/{id}`. */
  path: string;
  methods: Map<string, Method>;
}

export interface Method {
  httpMethod: string;
  authorizationType: string;
  /** Required or not, by name: `method.request.path.id`. */
  requestParameters: Map<string, boolean>;
  integration: Integration | undefined;
}

export interface Integration {
  type: 'HTTP' | 'HTTP_PROXY' | 'MOCK';
  /** The method that the backend is called with; `ANY` passes the caller's on. */
  httpMethod: string | undefined;
  uri: string | undefined;
  /** The URI is called either way: there are no VPC links here. */
  connectionType: 'INTERNET' | 'VPC_LINK';
  requestParameters: Map<string, string>;
  timeoutInMillis: number;
  insecureSkipVerification: boolean;
}

/** The API's definition at the moment of its deployment; a stage's traffic runs this one. */
export interface Deployment {
  id: string;
  description: string | undefined;
  createdDate: number;
  resources: Map<string, Resource>;
}

/** What stages of REST and WebSocket APIs have in common. */
export interface CertificateHolder {
  name: string;
  description: string | undefined;
  /** What the control plane answers: an id, or the ARN of an ACM certificate. */
  clientCertificateId: string | undefined;
  presentation: Presentation;
  variables: Map<string, string>;
  tags: Map<string, string>;
  createdDate: number;
  lastUpdatedDate: number;
}

export interface Stage extends CertificateHolder {
  deploymentId: string;
  canary: Canary | undefined;
}

/** A share of a stage's requests that another deployment serves, with other variables but the same certificate. */
export interface Canary {
  deploymentId: string;
  /** From 0 to 100. */
  percentTraffic: number;
  stageVariableOverrides: Map<string, string>;
  useStageCache: boolean;
}

/** A WebSocket API; HTTP APIs are there so that nobody takes them for one. */
export interface V2Api {
  id: string;
  name: string;
  protocolType: 'WEBSOCKET' | 'HTTP';
  description: string | undefined;
  routeSelectionExpression: string;
  createdDate: number;
  tags: Map<string, string>;
  integrations: Map<string, V2Integration>;
  routes: Map<string, V2Route>;
  deployments: Map<string, V2Deployment>;
  stages: Map<string, V2Stage>;
}

export interface V2Integration {
  id: string;
  type: 'HTTP' | 'HTTP_PROXY' | 'MOCK' | 'AWS' | 'AWS_PROXY';
  /** The method that the backend is called with. */
  method: string | undefined;
  uri: string | undefined;
  connectionType: 'INTERNET' | 'VPC_LINK';
  timeoutInMillis: number;
}

export interface V2Route {
  id: string;
  /** `$connect`, `$disconnect`, `$default`, or a value of the route selection expression. */
  routeKey: string;
  /** `integrations/{id}` */
  target: string | undefined;
}

export interface V2Deployment {
  id: string;
  description: string | undefined;
  createdDate: number;
}

export interface V2Stage extends CertificateHolder {
  deploymentId: string | undefined;
  autoDeploy: boolean;
}

/** What the data plane presents. A copy: a certificate that was deleted meanwhile is presented all the same. */
export interface Presentation {
  certificate: PresentedCertificate | undefined;
  /** What was presented before, and goes on to be while the change spreads. */
  former: PresentedCertificate | undefined;
  changedAt: number;
}

/** `id` is that of a client certificate, or the ARN of a certificate of ACM, whose chain follows it in `pem`. */
export type PresentedCertificate = Pick<StoredCertificate, 'id' | 'pem' | 'privateKeyPem'>;

/** A stack of CloudFormation. */
export interface Stack {
  /** Its ARN. */
  id: string;
  name: string;
  /** As in `UPDATE_COMPLETE`. */
  status: string;
  statusReason: string | undefined;
  createdAt: number;
  updatedAt: number | undefined;
  capabilities: string[];
  roleArn: string | undefined;
  tags: Map<string, string>;
  /** What it was, or is to be, made of. */
  input: StackInput;
  /** What a rollback goes back to. */
  former: StackInput | undefined;
  resources: Map<string, StackResource>;
  /** Oldest first. */
  events: StackEvent[];
  /** Of the request for the latest change. */
  token: string | undefined;
}

/** What decides of what a stack is made. */
export interface StackInput {
  template: string;
  parameters: Map<string, StackParameter>;
}

export interface StackParameter {
  value: string;
  /** Of one whose value is the name of a parameter of Systems Manager: what that held. */
  resolved: string | undefined;
  /** Nobody is shown it. */
  isHidden: boolean;
}

export interface StackResource {
  logicalId: string;
  type: string;
  physicalId: string;
  attributes: Record<string, string>;
  /** With all functions of the template called. */
  properties: Record<string, unknown>;
  isRetained: boolean;
}

export interface StackEvent {
  id: string;
  logicalId: string;
  physicalId: string;
  type: string;
  status: string;
  reason: string | undefined;
  at: number;
  token: string | undefined;
}

/** A parameter of Systems Manager. */
export interface SsmParameter {
  name: string;
  type: string;
  value: string;
  version: number;
  updatedAt: number;
}
