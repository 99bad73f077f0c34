/** Whether an execution was started, or one of its name was there. */
export type Started = 'started' | 'exists';

/**
 * Starts executions of a durable function with the function's own credentials.
 * @param functionName with a version or an alias, as durable functions need it
 */
export function startExecutions(
  functionName: string,
): (name: string | undefined, event: unknown) => Promise<Started> {
  const connected = import('@aws-sdk/client-lambda').then((sdk) => ({
    sdk,
    client: new sdk.LambdaClient({}),
  }));
  // Whoever starts one gets the failure.
  connected.catch(() => undefined);
  return async (name, event) => {
    const { sdk, client } = await connected;
    try {
      await client.send(
        new sdk.InvokeCommand({
          FunctionName: functionName,
          InvocationType: 'Event',
          ...(name === undefined ? {} : { DurableExecutionName: name }),
          Payload: Buffer.from(JSON.stringify(event)),
        }),
      );
      return 'started';
    } catch (error) {
      // With the same payload AWS answers as if it had been started; with another it refuses the name.
      if (error instanceof sdk.DurableExecutionAlreadyStartedException) return 'exists';
      throw error;
    }
  };
}
