import type { StageRef } from '../../control-plane/api-gateway.js';
import type { NamedStage } from '../../control-plane/named-stage.js';
import { byText } from '../../platform/order.js';
import type { Probe } from './probe.js';

/** A part of a stage's traffic that a call stands for. */
export interface CalledFor {
  stage: StageRef;
  /** The share that goes to the stage's canary. */
  canary?: true;
}

/** A call and everything that it proves: stages of one API that differ in nothing it depends on are proved by one. */
export interface DistinctProbe {
  probe: Probe;
  stages: CalledFor[];
}

/** What a probe asks, without the stage for which it does. */
function callKey({
  stage,
  resourceId,
  httpMethod,
  pathWithQueryString,
  stageVariables,
  backend,
}: Probe): string {
  const variables = Object.entries(stageVariables).sort(([a], [b]) => byText(a, b));
  return JSON.stringify([stage.restApiId, resourceId, httpMethod, pathWithQueryString, backend, variables]);
}

/** Each call once, with the stages for which it is made. */
export function distinctProbes(probes: readonly Probe[]): DistinctProbe[] {
  const calls = new Map<string, DistinctProbe>();
  for (const probe of probes) {
    const key = callKey(probe);
    const call = calls.get(key) ?? { probe, stages: [] };
    call.stages.push({ stage: probe.stage, ...(probe.canary ? { canary: true } : {}) });
    calls.set(key, call);
  }
  return [...calls.values()];
}

/**
 * How the backends are called, as one word that does not depend on the order of the probes: a proof made by other calls,
 * or of other backends, proves something else.
 */
export function callsKey(probes: readonly Probe[]): string {
  return JSON.stringify([...new Set(probes.map(callKey))].sort());
}

/** A stage, or its canary, in a {@link BackendCall}. */
export type CalledStage = NamedStage & Pick<CalledFor, 'canary'>;

/** A call that a command makes to a backend, for people and JSON alike. */
export interface BackendCall {
  method: string;
  /** With its query string. */
  path: string;
  /** `host[:port]` */
  backend: string;
  stages: CalledStage[];
  /** How often, when every backend answers as it should at once; while one reloads, more often. */
  times: number;
}

/** The calls that are about to be made. @param times each of them @param named a stage with the name of its API */
export function backendCalls(
  calls: readonly DistinctProbe[],
  times: number,
  named: (stage: StageRef) => NamedStage,
): BackendCall[] {
  return calls.map(({ probe, stages }) => ({
    method: probe.httpMethod,
    path: probe.pathWithQueryString,
    backend: probe.backend,
    stages: stages.map(({ stage, ...part }) => ({ ...named(stage), ...part })),
    times,
  }));
}

/**
 * How often a rotation makes each of its calls, when every backend answers as it should at once.
 *
 * @param steps names of the steps to come, in order
 * @param tries how often a certificate is presented that has to be accepted
 */
export function timesCalled(
  steps: readonly string[],
  {
    tries,
    hasOld,
    hasOther,
    goesBack,
  }: { tries: number; hasOld: boolean; hasOther: boolean; goesBack: boolean },
): number {
  const isBefore = (step: string, other: string): boolean =>
    steps.includes(step) && steps.indexOf(step) < steps.indexOf(other);
  const refusals = 1 + Number(hasOther);
  const times = new Map([
    ['preflight', goesBack ? tries : tries + (hasOld ? tries : 0) + refusals],
    // What was proved before the switch is not asked again after it.
    ['verifySwitch', isBefore('preflight', 'verifySwitch') ? 0 : tries],
    ['verifyRemoval', tries + 1 + Number(hasOld && !isBefore('delete', 'verifyRemoval'))],
  ]);
  return [...new Set(steps)].reduce((sum, step) => sum + (times.get(step) ?? 0), 0);
}
