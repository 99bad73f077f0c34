import type { StageRef } from './api-gateway.js';
import type { Operation } from './aws-error.js';

/** A call about client certificates, or one of them. */
export const certificateOperation = (name: string, action: string, id?: string): Operation => ({
  name,
  action: `apigateway:${action}`,
  resource: id === undefined ? '/clientcertificates' : `/clientcertificates/${id}`,
  notFound: {
    code: 'CertificateNotFound',
    message: `there is no client certificate ${id ?? ''} in this account and Region`,
    hint: 'run `apigw-cert list` to see the available certificates; check --profile and --region',
  },
});

/** A call about a certificate of ACM. */
export const acmOperation = (name: string, arn: string): Operation => ({
  name,
  action: `acm:${name}`,
  resource: arn,
  notFound: {
    code: 'CertificateNotFound',
    message: `there is no ACM certificate ${arn} in this account and Region`,
    hint: 'run `aws acm list-certificates --includes keyTypes=RSA_2048,EC_prime256v1` to see some; check --profile and --region',
  },
});

/** A call about a REST API, or something below it. @param what of which a 404 says that there is none */
export const apiOperation = (
  name: string,
  action: string,
  restApiId: string,
  below: string,
  what: string,
): Operation => ({
  name,
  action: `apigateway:${action}`,
  resource: `/restapis/${restApiId}${below}`,
  notFound: {
    code: 'StageNotFound',
    message: `there is no ${what} in this account and Region`,
    hint: 'check the ID, --profile and --region',
  },
});

/** A call about a stage of a REST API. */
export const stageOperation = (name: string, action: string, { restApiId, stageName }: StageRef): Operation =>
  apiOperation(name, action, restApiId, `/stages/${stageName}`, `stage ${restApiId}/${stageName}`);

/** A call about WebSocket APIs, one of them, or something below it. */
export const webSocketOperation = (
  name: string,
  action: string,
  { apiId, below = '', what }: { apiId?: string; below?: string; what?: string } = {},
): Operation => ({
  name,
  action: `apigateway:${action}`,
  resource: apiId === undefined ? '/apis' : `/apis/${apiId}${below}`,
  notFound: {
    code: 'StageNotFound',
    message: `there is no ${what ?? `WebSocket API ${apiId ?? ''}`} in this account and Region`,
    hint: 'check the ID, --profile and --region',
  },
});

/** A call about a stage of a WebSocket API. */
export const webSocketStageOperation = (
  name: string,
  action: string,
  { restApiId, stageName }: StageRef,
): Operation =>
  webSocketOperation(name, action, {
    apiId: restApiId,
    below: `/stages/${stageName}`,
    what: `stage ${restApiId}/${stageName}`,
  });
