/**
 * Terraform as far as one stage and its client certificate: the calls that the AWS provider makes for
 * `aws_api_gateway_client_certificate` and `aws_api_gateway_stage`, and the plan that `terraform show -json` prints of them.
 */
import {
  DeleteClientCertificateCommand,
  GenerateClientCertificateCommand,
  GetClientCertificateCommand,
  GetStageCommand,
  UpdateStageCommand,
  type APIGatewayClient,
} from '@aws-sdk/client-api-gateway';
import { certificateValues, CERTIFICATE, stageValues, terraformChange, terraformPlan } from '../iac/plans.js';

export interface TerraformConfiguration {
  /** Whether there is a resource for the certificate, which the stage refers to. */
  managesCertificate: boolean;
  /** `lifecycle { ignore_changes = [client_certificate_id] }` */
  ignoresCertificate: boolean;
  /** What the stage's argument says where it does not refer to the resource. */
  certificateId?: string;
}

interface State {
  certificateId?: string;
}

export interface Terraform {
  /** Reads what there is, and says what an apply would do. */
  plan(configuration: TerraformConfiguration): Promise<object>;
  /** Plans, and does it. */
  apply(configuration: TerraformConfiguration): Promise<void>;
  /** `terraform state rm`, or a `removed` block without destroy. */
  forget(): void;
  /** `terraform import`, or an `import` block. */
  adopt(certificateId: string): void;
}

export function terraformOf(
  client: APIGatewayClient,
  { restApiId, stageName }: { restApiId: string; stageName: string },
  state: State,
): Terraform {
  /** A certificate that AWS no longer has is dropped from the state. */
  async function refresh(): Promise<{ gone?: string; presented?: string }> {
    const { clientCertificateId: presented } = await client.send(
      new GetStageCommand({ restApiId, stageName }),
    );
    const known = state.certificateId;
    const there =
      known !== undefined &&
      (await client.send(new GetClientCertificateCommand({ clientCertificateId: known })).then(
        () => true,
        (error: unknown) => {
          if ((error as Error).name === 'NotFoundException') return false;
          throw error;
        },
      ));
    if (known !== undefined && !there) delete state.certificateId;
    return {
      ...(known === undefined || there ? {} : { gone: known }),
      ...(presented === undefined ? {} : { presented }),
    };
  }

  async function decide(configuration: TerraformConfiguration) {
    const { managesCertificate, ignoresCertificate, certificateId } = configuration;
    const { gone, presented } = await refresh();
    const creates = managesCertificate && state.certificateId === undefined;
    const deletes = !managesCertificate && state.certificateId !== undefined;
    const wanted = managesCertificate ? (state.certificateId ?? 'unknown') : certificateId;
    const switches = !ignoresCertificate && wanted !== presented;
    return { gone, presented, creates, deletes, wanted, switches };
  }

  return {
    async plan(configuration) {
      const { gone, presented, creates, deletes, wanted, switches } = await decide(configuration);
      const known = state.certificateId;
      const address = `${CERTIFICATE}.orders`;
      const isUnknown = switches && wanted === 'unknown';
      const certificate = creates
        ? [
            terraformChange({
              address,
              type: CERTIFICATE,
              actions: ['create'],
              after: {},
              unknown: { id: true },
            }),
          ]
        : known === undefined
          ? []
          : [
              terraformChange({
                address,
                type: CERTIFICATE,
                actions: [deletes ? 'delete' : 'no-op'],
                before: certificateValues(known),
                after: deletes ? null : certificateValues(known),
              }),
            ];
      const drift =
        gone === undefined
          ? []
          : [
              terraformChange({
                address,
                type: CERTIFICATE,
                actions: ['delete'],
                before: certificateValues(gone),
              }),
            ];
      const stage = terraformChange({
        actions: [switches ? 'update' : 'no-op'],
        before: stageValues(presented, { rest_api_id: restApiId }),
        after: stageValues(switches ? (isUnknown ? undefined : wanted) : presented, {
          rest_api_id: restApiId,
        }),
        unknown: isUnknown ? { client_certificate_id: true } : {},
      });
      return terraformPlan([...certificate, stage], drift.length === 0 ? {} : { resource_drift: drift });
    },
    async apply(configuration) {
      const { creates, deletes, wanted, switches } = await decide(configuration);
      if (creates) {
        const made = await client.send(new GenerateClientCertificateCommand({ description: 'orders' }));
        state.certificateId = made.clientCertificateId ?? '';
      }
      if (switches) {
        const value = wanted === 'unknown' ? state.certificateId : wanted;
        const patchOperations = [
          { op: 'replace' as const, path: '/clientCertificateId', value: value ?? '' },
        ];
        await client.send(new UpdateStageCommand({ restApiId, stageName, patchOperations }));
      }
      if (deletes) {
        const { certificateId: clientCertificateId } = state;
        await client.send(new DeleteClientCertificateCommand({ clientCertificateId }));
        delete state.certificateId;
      }
    },
    forget: () => {
      delete state.certificateId;
    },
    adopt: (certificateId) => {
      state.certificateId = certificateId;
    },
  };
}
