/**
 * What `JSON.stringify` makes of a report: Dates become text, and a member that is absent stays absent. The types that
 * a schema infers go through it as well, so that the two can be compared.
 */
export type Json<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Json<Item>[]
    : T extends object
      ? { -readonly [Key in keyof T]-?: Json<Exclude<T[Key], undefined>> | IfOptional<T, Key> }
      : T;

/** Stands for a member that is not there: without it, a type with one more that may be absent would be the same. */
interface Absent {
  isAbsent: true;
}

type IfOptional<T, Key extends keyof T> = Partial<Pick<T, Key>> extends Pick<T, Key> ? Absent : never;

type IsSame<A, B> = [A, B] extends [B, A] ? true : false;

/**
 * `true` where a schema says of a report neither more nor less than its type: every member, what may be absent, every
 * value of a union. `Same<z.infer<typeof schema>, Report>`
 */
export type Same<Schema, Report> = IsSame<Json<Schema>, Json<Report>>;

/** Fails to compile for anything but `true`. */
export type Holds<Claim extends true> = Claim;
