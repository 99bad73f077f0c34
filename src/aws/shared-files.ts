import { homedir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../platform/errors.js';
import { readFileOrStream } from '../platform/read-regular-file.js';
import { parseIni, type IniSection } from './ini.js';

/** The shared configuration of AWS's tools: what `~/.aws/config` and `~/.aws/credentials` hold. */
export interface SharedFiles {
  configFile: string;
  credentialsFile: string;
  /** By name; the credentials file's keys come before those of the configuration file. */
  profiles: ReadonlyMap<string, IniSection>;
  /** What of a profile is in the credentials file, and what in the other. */
  inCredentials: ReadonlyMap<string, IniSection>;
  inConfig: ReadonlyMap<string, IniSection>;
  ssoSessions: ReadonlyMap<string, IniSection>;
  services: ReadonlyMap<string, IniSection>;
}

/** A key of a profile that is text; a block is none. */
export function textOf(section: IniSection | undefined, key: string): string | undefined {
  const value = section?.[key];
  return typeof value === 'string' ? value : undefined;
}

/** The user's directory as AWS's tools see it. */
export function homeOf(env: NodeJS.ProcessEnv): string {
  return env['HOME'] ?? env['USERPROFILE'] ?? homedir();
}

/** A path as the AWS CLI takes it: with `~`, `$NAME` and `${NAME}`. */
function expanded(path: string, env: NodeJS.ProcessEnv): string {
  const named = path.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, plain?: string) => {
    return env[braced ?? plain ?? ''] ?? whole;
  });
  return /^~(?=$|[/\\])/.test(named) ? join(homeOf(env), named.slice(1)) : named;
}

function pathOf(variable: string, name: string, env: NodeJS.ProcessEnv): string {
  const given = env[variable];
  return given === undefined || given === '' ? join(homeOf(env), '.aws', name) : expanded(given, env);
}

/** Where the two files are; they need not exist. */
export function sharedFilePaths(env: NodeJS.ProcessEnv): { configFile: string; credentialsFile: string } {
  return {
    configFile: pathOf('AWS_CONFIG_FILE', 'config', env),
    credentialsFile: pathOf('AWS_SHARED_CREDENTIALS_FILE', 'credentials', env),
  };
}

async function sectionsOf(file: string): Promise<Map<string, IniSection>> {
  let text: string;
  try {
    text = (await readFileOrStream(file)).toString('utf8');
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return new Map();
    throw new AppError('FileNotReadable', `the AWS configuration ${file} cannot be read (${code})`, {
      hint: 'make it readable for this user, or set AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE to readable files',
      cause,
      details: { file },
    });
  }
  return parseIni(text, file);
}

/** Quotes around a name, as in `[profile "my team"]`. */
function nameIn(header: string, kind: string): string | undefined {
  if (!header.startsWith(kind)) return undefined;
  const rest = header.slice(kind.length);
  if (!/^\s/.test(rest)) return undefined;
  const [, double, single, plain] = /^\s+(?:"([^"]*)"|'([^']*)'|(\S+))\s*$/.exec(rest) ?? [];
  return double ?? single ?? plain;
}

const named = (sections: ReadonlyMap<string, IniSection>, kind: string): Map<string, IniSection> =>
  new Map(
    [...sections].flatMap(([header, section]) => {
      const name = nameIn(header, kind);
      return name === undefined ? [] : [[name, section] as const];
    }),
  );

/**
 * Reads both files. One that is not there holds nothing.
 * @throws AppError `ConfigurationInvalid`, `FileNotReadable`
 */
export async function loadSharedFiles(env: NodeJS.ProcessEnv): Promise<SharedFiles> {
  const paths = sharedFilePaths(env);
  const [config, inCredentials] = await Promise.all([
    sectionsOf(paths.configFile),
    sectionsOf(paths.credentialsFile),
  ]);
  const inConfig = named(config, 'profile');
  const plainDefault = config.get('default');
  if (plainDefault && !inConfig.has('default')) inConfig.set('default', plainDefault);
  const profiles = new Map(inConfig);
  for (const [name, section] of inCredentials) profiles.set(name, { ...profiles.get(name), ...section });
  return {
    ...paths,
    profiles,
    inCredentials,
    inConfig,
    ssoSessions: named(config, 'sso-session'),
    services: named(config, 'services'),
  };
}
