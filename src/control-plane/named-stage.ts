import type { RestApi, StageRef } from './api-gateway.js';

/** A stage with the name of its API, which is what people call it by: a stage in every JSON document. */
export interface NamedStage extends StageRef {
  /** The API's id where its name is not known. */
  apiName: string;
}

/** Names of APIs by their ids; REST and WebSocket APIs share one space of ids. */
export type ApiNames = ReadonlyMap<string, string>;

export const apiNamesOf = (apis: readonly Pick<RestApi, 'id' | 'name'>[]): ApiNames =>
  new Map(apis.map(({ id, name }) => [id, name]));

/** The stage, and nothing else of it, with the name of its API. */
export const namedStage = (
  { restApiId, stageName, protocolType }: StageRef,
  names: ApiNames,
): NamedStage => ({
  restApiId,
  apiName: names.get(restApiId) ?? restApiId,
  stageName,
  ...(protocolType === undefined ? {} : { protocolType }),
});
