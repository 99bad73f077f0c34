import type {
  ClientCertificate,
  Deployment,
  Integration,
  Resource,
  RestApi,
  Stage,
  StageRef,
  TestInvocation,
  TestInvokeResult,
} from './api-gateway.js';
import type { AcmCertificate, AcmImport } from './acm-certificate.js';
import type { Caller } from './caller.js';

/**
 * The control plane of one account and Region. One adapter speaks to AWS (or to anything that speaks its
 * protocol). Every method throws {@link AppError} with the codes that its comment names, besides `AccessDenied`,
 * `Credentials…`, `ServiceUnreachable` and `Throttled`.
 */
export interface ControlPlane {
  readonly region: string;

  /** Who calls, and where, as the SDK resolved it. Sends nothing to API Gateway. */
  caller(): Promise<Caller>;

  /**
   * Makes a certificate. AWS has no idempotency token for this call: when it throws `ServiceUnreachable` the
   * certificate may exist all the same, and only its tags tell. Never retried by the adapter after such an error.
   * Throws `QuotaExceeded`.
   */
  generateClientCertificate(input: {
    description?: string;
    tags?: Readonly<Record<string, string>>;
  }): Promise<ClientCertificate>;

  /** All certificates, all pages (500 a page). */
  getClientCertificates(): Promise<ClientCertificate[]>;

  /** Throws `CertificateNotFound`. */
  getClientCertificate(clientCertificateId: string): Promise<ClientCertificate>;

  /** Throws `CertificateNotFound`. */
  updateClientCertificate(clientCertificateId: string, description: string): Promise<ClientCertificate>;

  /**
   * Throws `CertificateNotFound`, and `RequestRefused` for one that a stage still presents: which of them, only a
   * look at the stages tells.
   */
  deleteClientCertificate(clientCertificateId: string): Promise<void>;

  /** Of an ARN, a certificate of ACM. Throws `CertificateNotFound`, `RequestRefused`. */
  tagClientCertificate(clientCertificateId: string, tags: Readonly<Record<string, string>>): Promise<void>;

  untagClientCertificate(clientCertificateId: string, tagKeys: readonly string[]): Promise<void>;

  /**
   * A certificate of ACM by its ARN, with its chain: two calls to ACM. Throws `CertificateNotFound`,
   * `CertificateUnreadable`.
   */
  getAcmCertificate(arn: string): Promise<AcmCertificate>;

  /** Throws `CertificateNotFound`. */
  getAcmTags(arn: string): Promise<Readonly<Record<string, string>>>;

  /**
   * Imports a certificate into ACM, under a new ARN, or replacing the one that an ARN contains. There is no
   * idempotency token: after `ServiceUnreachable` it may be there all the same. Throws `RequestRefused`, `CertificateNotFound`.
   * @returns its ARN
   */
  importAcmCertificate(input: AcmImport): Promise<string>;

  /** ARNs of the imported certificates of ACM that expire at that second, of whatever key type. */
  importedAcmCertificates(notAfter: Date): Promise<string[]>;

  getRestApis(): Promise<RestApi[]>;

  /** Throws `StageNotFound` for an unknown API. */
  getStages(restApiId: string): Promise<Stage[]>;

  /** The WebSocket APIs: GetRestApis and GetStages do not show them, and they use the same certificates. */
  getWebSocketApis(): Promise<RestApi[]>;

  /** Throws `StageNotFound` for an unknown API. */
  getWebSocketStages(apiId: string): Promise<Stage[]>;

  /** Throws `StageNotFound` for an unknown API. */
  getWebSocketIntegrations(apiId: string): Promise<Integration[]>;

  /** Of a REST or WebSocket API, by the reference's `protocolType`. Throws `StageNotFound`. */
  getStage(stage: StageRef): Promise<Stage>;

  /**
   * Sets the certificate of a stage of a REST or WebSocket API, or removes it when no id is given. Throws
   * `StageNotFound`, `RequestRefused`.
   */
  setStageCertificate(stage: StageRef, clientCertificateId: string | undefined): Promise<Stage>;

  /** All resources with their methods and integrations, in one call a page. Throws `StageNotFound`. */
  getResources(restApiId: string): Promise<Resource[]>;

  /** Calls the API's current definition, whatever is deployed, and really reaches its backend. */
  testInvokeMethod(invocation: TestInvocation): Promise<TestInvokeResult>;

  /** What a deployment is described as, and the methods that it published. */
  getDeployment(restApiId: string, deploymentId: string): Promise<Deployment>;

  /** Publishes the API's current definition to the stage, unfinished edits included. */
  createDeployment(stage: StageRef, description: string): Promise<{ id: string }>;
}
