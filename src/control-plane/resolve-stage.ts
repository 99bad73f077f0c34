import type { RestApi, Stage } from './api-gateway.js';
import { AppError } from '../platform/errors.js';
import { listText } from '../platform/list-text.js';
import type { ControlPlane } from './control-plane.js';
import { allStages, stagesOfApi } from './stages.js';

/** How a user names a stage: the API apart (`api: 'orders'`), before a slash (`stage: 'orders/prod'`), or not at all. */
export interface StageAddress {
  /** Name or id. */
  api?: string;
  stage: string;
}

export interface ResolvedStage extends Stage {
  apiName: string;
  /** Of its API; see `RestApi`. */
  endpointTypes?: readonly string[];
}

/** How many of what there is are named in a hint: whoever mistyped a name has to find it there. */
const MOST_NAMED = 10;

/**
 * Finds the stage that is meant, of a REST or WebSocket API. An API is named by its id or its name; names need not be
 * unique, and the stage's own name may decide. Costs one call for the APIs and one for each API that can be meant; the
 * WebSocket APIs are only asked for where no REST API can be meant, and a WebSocket API whose REST namesake exists is
 * meant by its id.
 * @throws AppError `StageNotFound`, `StageAmbiguous` with the candidates, `Usage` when the API is given twice
 */
export async function resolveStage(
  controlPlane: ControlPlane,
  address: StageAddress,
): Promise<ResolvedStage> {
  const { api, stageName } = parseAddress(address);
  const { apis, stages } =
    api === undefined ? await allStages(controlPlane) : await stagesOf(controlPlane, api);
  const byId = new Map(apis.map((each) => [each.id, each]));
  const found = stages
    .filter((stage) => stage.stageName === stageName)
    .map((stage): ResolvedStage => {
      const { name = '', endpointTypes } = byId.get(stage.restApiId) ?? {};
      return { ...stage, apiName: name, ...(endpointTypes === undefined ? {} : { endpointTypes }) };
    });
  const [stage] = found;
  if (stage === undefined) throw notFound(api, stageName, stages, controlPlane.region);
  if (found.length > 1) throw ambiguous(api, stageName, found);
  return stage;
}

/**
 * Takes an address apart. Stage names hold no slash, API names may.
 * @throws AppError `Usage` when the API is given twice
 */
export function parseAddress({ api, stage }: StageAddress): { api: string | undefined; stageName: string } {
  const cut = stage.lastIndexOf('/');
  const named = cut < 0 ? undefined : stage.slice(0, cut);
  const stageName = stage.slice(cut + 1);
  if (api !== undefined && named !== undefined && api !== named) {
    throw new AppError('Usage', `the API is specified twice: "${api}" and, in "${stage}", "${named}"`, {
      hint: `specify --api ${api} --stage ${stageName}, or only --stage ${stage}`,
    });
  }
  if (stageName === '' || named === '') {
    throw new AppError('Usage', `"${stage}" does not specify a stage`, {
      hint: 'specify --stage orders/prod, or --api orders --stage prod',
    });
  }
  return { api: api ?? named, stageName };
}

/**
 * Finds the REST API that is meant, by its id or its name. One call.
 * @throws AppError `StageNotFound`, `StageAmbiguous` with the candidates
 */
export async function resolveApi(controlPlane: ControlPlane, api: string): Promise<RestApi> {
  const all = await controlPlane.getRestApis();
  const found = named(all, api);
  if (found.length === 0) throw noSuchApi('REST API', api, all, controlPlane.region);
  const [only] = found;
  if (only && found.length === 1) return only;
  throw new AppError('StageAmbiguous', `${found.length} REST APIs have the name "${api}"`, {
    hint: `specify its ID: ${hintList(found.map(({ id }) => id))}`,
    details: { candidates: found },
  });
}

/** An id belongs to exactly one API; a name may look like an id and belong to any. */
function named(all: readonly RestApi[], api: string): RestApi[] {
  const byId = all.filter(({ id }) => id === api);
  return byId.length > 0 ? byId : all.filter(({ name }) => name === api);
}

function noSuchApi(kind: string, api: string, all: readonly RestApi[], region: string): AppError {
  return new AppError('StageNotFound', `there is no ${kind} "${api}" in ${region}`, {
    hint:
      all.length === 0
        ? `there are no ${kind}s: check --region and --profile`
        : `available ${kind}s: ${hintList(all.map(({ id, name }) => `${name} (${id})`))}`,
    details: { apis: all },
  });
}

/** The APIs that can be meant: at least one. */
async function apisNamed(controlPlane: ControlPlane, api: string): Promise<RestApi[]> {
  const rest = await controlPlane.getRestApis();
  const restNamed = named(rest, api);
  if (restNamed.length > 0) return restNamed;
  const webSocket = await controlPlane.getWebSocketApis();
  const webSocketNamed = named(webSocket, api);
  if (webSocketNamed.length > 0) return webSocketNamed;
  throw noSuchApi('REST or WebSocket API', api, [...rest, ...webSocket], controlPlane.region);
}

async function stagesOf(
  controlPlane: ControlPlane,
  api: string,
): Promise<{ apis: RestApi[]; stages: Stage[] }> {
  const apis = await apisNamed(controlPlane, api);
  const stages = await Promise.all(apis.map((each) => stagesOfApi(controlPlane, each)));
  return { apis, stages: stages.flat() };
}

function notFound(
  api: string | undefined,
  stageName: string,
  stages: readonly Stage[],
  region: string,
): AppError {
  const there = [...new Set(stages.map((stage) => stage.stageName))].sort();
  const where = api === undefined ? `any API in ${region}` : `the API "${api}"`;
  return new AppError('StageNotFound', `there is no stage "${stageName}" in ${where}`, {
    hint:
      there.length === 0
        ? 'there are no stages: deploy the API first, or check --region and --profile'
        : `available stages: ${hintList(there)}`,
    details: { stages: there },
  });
}

function ambiguous(api: string | undefined, stageName: string, found: readonly ResolvedStage[]): AppError {
  const candidates = found.map(({ restApiId, apiName }) => ({
    stage: `${restApiId}/${stageName}`,
    restApiId,
    stageName,
    apiName,
  }));
  const what = api === undefined ? `a stage "${stageName}"` : `the name "${api}" and a stage "${stageName}"`;
  return new AppError('StageAmbiguous', `${found.length} APIs have ${what}`, {
    hint: `specify one: ${hintList(candidates.map(({ stage, apiName }) => `--stage ${stage} (${apiName})`))}`,
    details: { candidates },
  });
}

const hintList = (names: readonly string[]): string => listText(names, MOST_NAMED, MOST_NAMED);
