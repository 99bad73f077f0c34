import { withoutCredentials } from '../../platform/uri.js';
import { listText } from '../../platform/list-text.js';
import type { Stage, TestInvocation, TestInvokeResult } from '../../control-plane/api-gateway.js';
import { AppError } from '../../platform/errors.js';
import { judgeCall, type CallFailure, type CallOutcome } from '../../control-plane/execution-log.js';
import { methodFor } from '../../control-plane/method-for.js';
import type { ControlPlane } from '../../control-plane/control-plane.js';
import { resolveApi, resolveStage } from '../../control-plane/resolve-stage.js';

/** One call of a method of an API, through API Gateway to its backend. */
export interface TestCall {
  /** Name or id; may be part of `stage` instead. */
  api?: string;
  /** Its variables are used, and its certificate unless another is named. */
  stage?: string;
  /** A resource's id; without it `path` decides. */
  resource?: string;
  path?: string;
  method: string;
  /** A certificate's id, or `none`. */
  certificate?: string;
}

export interface TestCallResult extends Pick<TestInvocation, 'restApiId' | 'resourceId' | 'httpMethod'> {
  /** As it was asked for; absent where a resource was named alone. */
  path?: string;
  /** The certificate that was to be presented; absent for a caller without one. */
  clientCertificateId?: string;
  status: number;
  /** Milliseconds. */
  latency: number;
  body: string;
  /** API Gateway's own log of the call. */
  log: string;
  /** What the call says about the client certificate, or about a caller without one. */
  outcome: CallOutcome['outcome'];
  /** Unless accepted: the log explained. */
  failure?: CallFailure;
}

/** What a caller writes to present no certificate although the stage has one. */
export const NO_CERTIFICATE = 'none';

/**
 * Calls the API's current definition, whatever is deployed. It really reaches the backend.
 * @throws AppError `Usage`, `StageNotFound`, `StageAmbiguous`, and what the control plane throws
 */
export async function testInvoke(controlPlane: ControlPlane, call: TestCall): Promise<TestCallResult> {
  const { path, method: httpMethod } = call;
  const target = await targetOf(controlPlane, call);
  const { restApiId, variables = {} } = target;
  const resourceId = call.resource ?? (await resourceFor(controlPlane, restApiId, call));
  const certificate = call.certificate ?? target.clientCertificateId;
  const clientCertificateId = certificate === NO_CERTIFICATE ? undefined : certificate;
  const answer: TestInvokeResult = await controlPlane.testInvokeMethod({
    restApiId,
    resourceId,
    httpMethod,
    ...(path === undefined ? {} : { pathWithQueryString: path }),
    ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
    ...(Object.keys(variables).length === 0 ? {} : { stageVariables: variables }),
  });
  return {
    restApiId,
    resourceId,
    httpMethod,
    ...(path === undefined ? {} : { path }),
    ...(clientCertificateId === undefined ? {} : { clientCertificateId }),
    ...answer,
    log: withoutCredentials(answer.log),
    ...judgeCall(answer),
  };
}

type Target = Pick<Stage, 'restApiId'> & Partial<Pick<Stage, 'variables' | 'clientCertificateId'>>;

async function targetOf(controlPlane: ControlPlane, { api, stage }: TestCall): Promise<Target> {
  if (stage !== undefined) {
    const found = await resolveStage(controlPlane, api === undefined ? { stage } : { api, stage });
    if (found.protocolType === undefined) return found;
    throw new AppError('Usage', `${found.apiName}/${found.stageName} is a stage of a WebSocket API`, {
      hint: 'only methods of REST APIs can be test-invoked; specify a method that reaches the same backend',
    });
  }
  if (api !== undefined) return { restApiId: (await resolveApi(controlPlane, api)).id };
  throw new AppError('Usage', 'no API is specified', {
    hint: 'specify --api orders or --stage orders/prod',
  });
}

async function resourceFor(
  controlPlane: ControlPlane,
  restApiId: string,
  { path, method }: TestCall,
): Promise<string> {
  if (path === undefined) {
    throw new AppError('Usage', 'no path or resource is specified', {
      hint: 'specify --path /health or --resource ID',
    });
  }
  const methods = (await controlPlane.getResources(restApiId)).flatMap((resource) =>
    resource.methods.map(({ httpMethod }) => ({
      resourceId: resource.id,
      path: resource.path,
      httpMethod,
    })),
  );
  const found = methodFor(methods, { method, path });
  if (found) return found.resourceId;
  const there = methods.slice(0, 10).map((each) => `${each.httpMethod} ${each.path}`);
  throw new AppError('ProbeNotFound', `the API ${restApiId} has no method ${method} ${path}`, {
    hint: there.length === 0 ? 'the API has no methods' : `available methods: ${listText(there)}`,
    details: { restApiId },
  });
}
