import type { ParameterInput, StackEvent } from './rules.js';

/** A stack as CloudFormation shows it. */
export interface StackView {
  /** Its ARN. */
  id: string;
  name: string;
  /** Such as `UPDATE_COMPLETE`. */
  status: string;
  statusReason?: string;
  /** The values of its parameters as they are shown; of a hidden one no value. */
  parameters: ReadonlyMap<string, string>;
  capabilities: readonly string[];
  /** Whether a stack above it sets its parameters. */
  isNested: boolean;
}

/** Names one request for an update, which its events carry. */
export interface UpdateToken {
  /** Letters, digits and `-`, at most 128. */
  text: string;
  /** When it was made, by the clock of this machine. */
  madeAt: Date;
}

/** One stack of an account and Region. Methods throw AppErrors of how AWS is reached, and those that they name. */
export interface Stack {
  /** As the user names it. */
  readonly name: string;

  /** Throws `StackNotUsable` where there is none. */
  describe(): Promise<StackView>;

  /** Its template with all transforms applied, as text. */
  template(): Promise<string>;

  /**
   * Begins an update with the previous template. With the same token it may be sent again.
   * @returns `unchanged` where the stack is already what it is to be
   * Throws `StackUpdateFailed` where CloudFormation refuses it; `ServiceUnreachable` when it is not known whether it began;
   * `ConcurrentModification` while another change of the stack is in progress.
   */
  update(input: {
    parameters: readonly ParameterInput[];
    capabilities: readonly string[];
    token: UpdateToken;
  }): Promise<'begun' | 'unchanged'>;

  /** The events of the request with this token, oldest first. */
  events(token: UpdateToken): Promise<StackEvent[]>;
}
