/** What a trust store may need from whoever runs it. */
export interface TrustContext {
  /** Tells a person what to do; more than one line is common. */
  announce(text: string): void;
  /** Waits until a person has confirmed. Absent when nobody is there to answer. */
  ask?: ((question: string) => Promise<void>) | undefined;
}
