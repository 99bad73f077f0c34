const silence = (): void => undefined;

/** Without it the SDK prints its advice on configurations, such as a profile beside keys, among our words. */
export const SILENT = { debug: silence, info: silence, warn: silence, error: silence };

/**
 * The SDK announces on every start that its future versions want Node 22. The version in use is fixed here and runs on
 * 20.19, so the notice would only wake the reader of a cron mail. To be called before the first client is made.
 */
export function silenceSdk(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
}
