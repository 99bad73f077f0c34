import { AppError, type ErrorCode } from '../platform/errors.js';

/** Loads an SDK client that is optional to install. @throws AppError with that code when it is not there */
export async function optionalClient<T>(name: string, code: ErrorCode, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new AppError(code, `the package ${name} is not installed`, {
      cause,
      hint: `install it beside apigw-cert: npm install -g ${name}`,
    });
  }
}
