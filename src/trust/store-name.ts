/**
 * A store's name with whatever tells it apart from others of the same name: `ssm:/orders/trust (region eu-west-1)`.
 * Two stores whose options differ have different names, whatever characters are in them.
 * @param place where it is, such as `s3://bucket/key`
 * @param options by which it differs; those that are not set are left out
 */
export function storeName(place: string, options: Readonly<Record<string, string | undefined>>): string {
  const parts = Object.entries(options).flatMap(([option, value]) =>
    value === undefined ? [] : `${option} ${/^[\w./:@+=-]+$/.test(value) ? value : JSON.stringify(value)}`,
  );
  // A place may hold anything; quoted where it could be taken for one with options.
  const quoted = place.includes(' (') ? JSON.stringify(place) : place;
  return parts.length === 0 ? quoted : `${quoted} (${parts.join(', ')})`;
}
