import type { ControlPlane } from '../../../control-plane/control-plane.js';
import { isAcmArn } from '../../../control-plane/inventory.js';
import { namedStage, type NamedStage } from '../../../control-plane/named-stage.js';
import { resolveStage, type StageAddress } from '../../../control-plane/resolve-stage.js';
import { iacSteps, type IacStep, type IacTool } from '../../../iac/steps.js';
import { parameterName } from '../../../iac/quote.js';
import { AppError } from '../../../platform/errors.js';

export interface IacSteps {
  tool: IacTool;
  stage: NamedStage;
  region: string;
  /** In use now. */
  clientCertificateId: string;
  /** The SSM parameter for the id in use; absent for a tool that has no use for it. */
  parameter?: string;
  /** In the order in which they are done. */
  items: IacStep[];
}

/** What the code of the user calls things. */
export interface IacNames {
  name?: string;
  parameter?: string;
}

const LOGICAL_ID = 'aws:cloudformation:logical-id';
const STACK_NAME = 'aws:cloudformation:stack-name';

/**
 * What to add to a tool's code for one stage, with the ids of today. Only reads.
 * @throws AppError `StageWithoutCertificate`, `CertificateNotFound`, and as resolveStage
 */
export async function stepsFor(
  controlPlane: ControlPlane,
  tool: IacTool,
  address: StageAddress,
  names: IacNames,
): Promise<IacSteps> {
  const { restApiId, stageName, protocolType, apiName, clientCertificateId, tags } = await resolveStage(
    controlPlane,
    address,
  );
  if (clientCertificateId === undefined) {
    throw new AppError('StageWithoutCertificate', `${apiName}/${stageName} presents no client certificate`, {
      hint: `set one first: apigw-cert generate, then apigw-cert attach ID --stage ${restApiId}/${stageName}`,
    });
  }
  const isGenerated = !isAcmArn(clientCertificateId);
  const certificate = isGenerated ? await controlPlane.getClientCertificate(clientCertificateId) : undefined;
  const stage = namedStage(
    { restApiId, stageName, ...(protocolType === undefined ? {} : { protocolType }) },
    new Map([[restApiId, apiName]]),
  );
  const parameter = names.parameter ?? parameterName('apigw-cert', apiName, stageName);
  const found = {
    name: names.name,
    stackName: tags[STACK_NAME] ?? certificate?.tags[STACK_NAME],
    stageLogicalId: tags[LOGICAL_ID],
    certificateLogicalId: certificate?.tags[LOGICAL_ID],
  };
  const known = Object.fromEntries(Object.entries(found).filter(([, text]) => text !== undefined));
  const region = controlPlane.region;
  const items = iacSteps(tool, { stage, region, clientCertificateId, isGenerated, parameter, ...known });
  return {
    tool,
    stage,
    region,
    clientCertificateId,
    ...(tool === 'serverless' ? {} : { parameter }),
    items,
  };
}
