/** What can be changed while the emulator runs. */
export interface Settings {
  /**
   * Requests a second and burst of an account in a Region, over all operations. While it is on, CreateDeployment
   * (1 in 5 s) and GetResources (5 in 2 s) have their own limits too, scaled alike. `false` is no limit at all.
   */
  rateLimit: false | { perSecond: number; burst: number };
  /** Client certificates an account may hold in a Region. */
  certificateQuota: number;
  /** Milliseconds of the emulator's clock during which a stage presents its old and new certificate in turns. */
  propagationDelayMs: number;
  /** A stage's new certificate is presented only after the next CreateDeployment to the stage. */
  needRedeploy: boolean;
  /** How the deletion of a certificate in use is refused; AWS does not document which. */
  deleteInUseStatus: 400 | 409;
  /** Whether TestInvokeMethod takes the ARN of a certificate of ACM; AWS does not document it. */
  testInvokeAcm: boolean;
  /** How long each step of a CloudFormation stack takes, in milliseconds of real time. */
  stackStepMs: number;
}

export const DEFAULT_SETTINGS: Settings = {
  rateLimit: { perSecond: 10, burst: 40 },
  certificateQuota: 60,
  propagationDelayMs: 0,
  needRedeploy: false,
  deleteInUseStatus: 400,
  testInvokeAcm: false,
  stackStepMs: 200,
};
