import type { Deployment, Resource } from '../../control-plane/api-gateway.js';

/** A method that a deployment would publish, end or change. */
export interface UnpublishedChange {
  change: 'added' | 'removed' | 'authorizationChanged';
  httpMethod: string;
  path: string;
}

/**
 * What differs between an API's definition and what a stage runs, as far as AWS lets one see without exporting both:
 * methods that come and go, and how they are authorized. Changes within a method (its integration, models,
 * responses) do not show.
 */
export function unpublishedChanges(
  resources: readonly Resource[],
  { methods: deployed }: Pick<Deployment, 'methods'>,
): UnpublishedChange[] {
  const current = resources.flatMap(({ path, methods }) =>
    methods.map(({ httpMethod, authorizationType = 'NONE', apiKeyRequired = false }) => ({
      path,
      httpMethod,
      authorizationType,
      apiKeyRequired,
    })),
  );
  const key = ({ path, httpMethod }: { path: string; httpMethod: string }): string => `${httpMethod} ${path}`;
  const before = new Map(deployed.map((method) => [key(method), method]));
  const after = new Set(current.map(key));
  return [
    ...current.flatMap((method): UnpublishedChange[] => {
      const { path, httpMethod, authorizationType, apiKeyRequired } = method;
      const was = before.get(key(method));
      if (!was) return [{ change: 'added', httpMethod, path }];
      const isSame = was.authorizationType === authorizationType && was.apiKeyRequired === apiKeyRequired;
      return isSame ? [] : [{ change: 'authorizationChanged', httpMethod, path }];
    }),
    ...deployed
      .filter((method) => !after.has(key(method)))
      .map(({ path, httpMethod }): UnpublishedChange => ({ change: 'removed', httpMethod, path })),
  ];
}

const WORDS = {
  added: 'would be added',
  removed: 'would be removed',
  authorizationChanged: 'would change its authorization',
} as const;

const TOLD = 10;

/** The changes for a person, on one line. */
export function changesText(changes: readonly UnpublishedChange[]): string {
  const told = changes
    .slice(0, TOLD)
    .map(({ change, httpMethod, path }) => `${httpMethod} ${path} ${WORDS[change]}`);
  return changes.length > TOLD ? `${told.join(', ')} and ${changes.length - TOLD} more` : told.join(', ');
}
