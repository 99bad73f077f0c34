/**
 * The parts of API Gateway's world that this tool reasons about, in AWS's own names (service model `apigateway`
 * 2015-07-09). Members are reduced to what is used; timestamps are Dates.
 */

/** A client certificate as GenerateClientCertificate and GetClientCertificate(s) answer it. */
export interface ClientCertificate {
  /** Opaque; today six lower-case letters and digits. */
  clientCertificateId: string;
  description?: string;
  createdDate: Date;
  expirationDate: Date;
  /** As AWS sends it: CRLF line ends, no newline at its end. Never write it to a file as it is. */
  pemEncodedCertificate: string;
  tags: Readonly<Record<string, string>>;
}

export interface RestApi {
  id: string;
  name: string;
}

/** A stage by its two names. Written `apiId/stageName`. */
export interface StageRef {
  restApiId: string;
  stageName: string;
}

export interface Stage extends StageRef {
  deploymentId: string;
  /** A client certificate's id, or since September 2026 the ARN of an ACM certificate; absent when none is set. */
  clientCertificateId?: string;
  createdDate?: Date;
  lastUpdatedDate?: Date;
  variables: Readonly<Record<string, string>>;
  tags: Readonly<Record<string, string>>;
}

/** `HTTP` and `HTTP_PROXY` are the only types that connect to a backend with the stage's certificate. */
export type IntegrationType = 'HTTP' | 'HTTP_PROXY' | 'MOCK' | 'AWS' | 'AWS_PROXY';

export interface Integration {
  type: IntegrationType;
  uri?: string;
  httpMethod?: string;
  insecureSkipVerification: boolean;
}

export interface Method {
  httpMethod: string;
  /** `NONE`, `AWS_IAM`, `CUSTOM` or `COGNITO_USER_POOLS`. */
  authorizationType?: string;
  apiKeyRequired?: boolean;
  /** Names of required request parameters, as in `method.request.querystring.id`. */
  requiredParameters: readonly string[];
  integration?: Integration;
}

export interface Resource {
  id: string;
  path: string;
  methods: readonly Method[];
}

/** A copy of an API's definition as it was published, as far as GetDeployment tells. */
export interface Deployment {
  id: string;
  /** Empty when there is none. */
  description: string;
  /** By `apiSummary`: which methods there were, without their integrations. */
  methods: readonly {
    path: string;
    httpMethod: string;
    authorizationType: string;
    apiKeyRequired: boolean;
  }[];
}

/** What TestInvokeMethod is asked. Without `clientCertificateId` the call presents no certificate. */
export interface TestInvocation {
  restApiId: string;
  resourceId: string;
  httpMethod: string;
  pathWithQueryString?: string;
  clientCertificateId?: string;
  /** The stage's variables: an integration whose URI names one reaches another backend without them. */
  stageVariables?: Readonly<Record<string, string>>;
}

/** What TestInvokeMethod answers; a backend that cannot be reached shows as `status` 500 with a log. */
export interface TestInvokeResult {
  status: number;
  body: string;
  log: string;
  /** Milliseconds. */
  latency: number;
}
