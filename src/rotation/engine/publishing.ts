import { stageIdsText } from '../../control-plane/stages-text.js';
import type { Stage } from '../../control-plane/api-gateway.js';
import { changesText, unpublishedChanges } from '../rules/unpublished.js';
import { stageText } from '../rules/unit.js';
import { account, deploymentText, warn, type Run } from './run.js';

/**
 * Before anything is touched, says what redeploying the stages would publish besides the certificate, and has it
 * confirmed: a deployment publishes whatever edits the API holds, and there is no way back but another deployment.
 * @throws AppError `NotConfirmed`
 */
export async function confirmPublishing(run: Run): Promise<void> {
  const { controlPlane, confirm } = run.deps;
  const { moving: all, unit } = account(run);
  const moving: Stage[] = [];
  for (const stage of all) {
    if (stage.protocolType !== undefined) continue;
    const [resources, deployment] = await Promise.all([
      controlPlane.getResources(stage.restApiId),
      controlPlane.getDeployment(stage.restApiId, stage.deploymentId),
    ]);
    run.deployments.set(stage.deploymentId, deployment.description);
    const isDeployed =
      unit.next !== undefined && deployment.description === deploymentText(unit.next.clientCertificateId);
    // On the way forward an earlier run made this deployment; on the way back this rotation made none that needs replacing.
    if (isDeployed === (run.goal === 'rotate')) continue;
    moving.push(stage);
    const changes = unpublishedChanges(resources, deployment);
    if (changes.length > 0) {
      warn(
        run,
        'UnpublishedChanges',
        `redeploying ${stageText(stage)} publishes changes to the API: ${changesText(changes)}`,
      );
    }
  }
  if (moving.length === 0) return;
  const names = stageIdsText(moving.map(stageText));
  await confirm(
    `Redeploy ${names}? This publishes every change to the API, including changes within methods, which AWS does not show.`,
  );
}
