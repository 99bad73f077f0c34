/**
 * The parts of API Gateway's world that this tool reasons about, in AWS's own names (service model `apigateway`
 * 2015-07-09, for WebSocket APIs `apigatewayv2` 2018-11-29). Members are reduced to what is used; timestamps are Dates.
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

/** The term of apigatewayv2; absent for REST. HTTP APIs have no client certificates. */
export type ProtocolType = 'WEBSOCKET';

/** A REST API, or with `protocolType` a WebSocket API. The two share one space of ids. */
export interface RestApi {
  id: string;
  name: string;
  protocolType?: ProtocolType;
  /** `EDGE`, `REGIONAL` or `PRIVATE`; of REST APIs. */
  endpointTypes?: readonly string[];
}

/** A stage by its two names. Written `apiId/stageName`. */
export interface StageRef {
  /** Of a WebSocket API, that API's id. */
  restApiId: string;
  stageName: string;
  protocolType?: ProtocolType;
}

/** The share of a REST stage's traffic that goes to another deployment, with the certificate of the stage. */
export interface Canary {
  /** From 0 to 100. */
  percentTraffic: number;
  deploymentId: string;
  /** `stageVariableOverrides`: what differs from the stage's variables, or is added to them. */
  variables: Readonly<Record<string, string>>;
}

export interface Stage extends StageRef {
  deploymentId: string;
  /** A client certificate's id, or since September 2026 the ARN of an ACM certificate; absent when none is set. */
  clientCertificateId?: string;
  createdDate?: Date;
  lastUpdatedDate?: Date;
  variables: Readonly<Record<string, string>>;
  tags: Readonly<Record<string, string>>;
  canary?: Canary;
}

/** A stage, and what it presents. */
export type StagePresentation = StageRef & Pick<Stage, 'clientCertificateId'>;

/** `HTTP` and `HTTP_PROXY` are the only types that connect to a backend with the stage's certificate. */
export type IntegrationType = 'HTTP' | 'HTTP_PROXY' | 'MOCK' | 'AWS' | 'AWS_PROXY';

export interface Integration {
  type: IntegrationType;
  uri?: string;
  /** With which the backend is called, whatever the method of the API; AWS calls it `integrationMethod` as well. */
  httpMethod?: string;
  /** `INTERNET` or `VPC_LINK`. */
  connectionType?: string;
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
