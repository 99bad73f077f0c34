/**
 * Methods to try where a configuration tells methods apart: those that it may name, and one that nobody thinks of, since
 * servers pass any word on.
 */
export const METHODS: readonly string[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
];
