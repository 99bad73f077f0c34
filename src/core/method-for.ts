/** A method of a resource; `path` is the resource's own, as in `/orders/{id}` or `/{proxy+}`. */
interface MethodAt {
  httpMethod: string;
  path: string;
}

/** How closely a resource's path fits a concrete one: 0 not at all, then greedy, then parameters, then literally. */
function fit(template: string, path: string): number {
  const wanted = path.split('/').filter((part) => part !== '');
  const parts = template.split('/').filter((part) => part !== '');
  let score = 1_000;
  for (const [i, part] of parts.entries()) {
    if (/^\{.*\+\}$/.test(part)) return wanted.length > i ? score - 500 : 0;
    const value = wanted[i];
    if (value === undefined) return 0;
    if (/^\{.*\}$/.test(part)) score -= 1;
    else if (part !== value) return 0;
  }
  return parts.length === wanted.length ? score : 0;
}

/** The method that API Gateway would route a request to; the path may hold a query string. */
export function methodFor<T extends MethodAt>(
  methods: readonly T[],
  { method, path }: { method: string; path: string },
): T | undefined {
  const bare = path.split('?', 1)[0] ?? path;
  return methods
    .filter(({ httpMethod }) => httpMethod === method || httpMethod === 'ANY')
    .map((candidate) => ({ candidate, score: fit(candidate.path, bare) }))
    .filter(({ score }) => score > 0)
    .sort(
      (a, b) =>
        b.score - a.score ||
        Number(a.candidate.httpMethod === 'ANY') - Number(b.candidate.httpMethod === 'ANY'),
    )
    .at(0)?.candidate;
}
