/** As much of the package as is used; it has no types of its own. */
declare module 'asl-validator' {
  export default function validate(definition: unknown): { isValid: boolean; errors: readonly unknown[] };
}
