import { markdownTable } from '../platform/generated-part.js';
import {
  ACCOUNT_SETTINGS,
  defaultText,
  flagName,
  ROTATION_SETTINGS,
  settingsOf,
  STATE_SETTINGS,
  type Setting,
  type ValueType,
} from './table.js';

const TYPES: Readonly<Record<ValueType, string>> = {
  text: 'string',
  region: 'string',
  duration: 'length of time',
  threshold: 'threshold',
  count: '1 to 100',
  boolean: '`true`, `false`',
  url: 'URL',
  redeploy: '`never`, `always`',
  manager: '`cloudformation`, `sam`, `serverless`, `terraform`',
  state: 'place',
};

const code = (text: string): string => `\`${text}\``;

/** Where each layer says the setting, first one first. */
function row(name: string, setting: Setting): string[] {
  const { in: places = [], yaml = name, variables = [], ofProfile, help, example, type } = setting;
  const top = places.includes('target') ? ', also at the top level' : ', only at the top level';
  const file = places.length === 0 ? '–' : `${code(yaml)}${places.includes('top') ? top : ''}`;
  const said = defaultText(setting);
  const isInWords = setting.default === undefined;
  return [
    code(flagName(setting)),
    file,
    variables.map(code).join(', ') || '–',
    ofProfile === undefined ? '–' : code(ofProfile),
    said === undefined || setting.type === 'boolean' ? '–' : isInWords ? said : code(said),
    TYPES[type],
    `${help}${example === undefined ? '' : ` (example: ${code(example)})`}`,
  ];
}

/** The table of docs/configuration.md, with its head: every setting and what may say it, in the order in which it counts. */
export function settingsTable(): string {
  const settings = [ACCOUNT_SETTINGS, STATE_SETTINGS, ROTATION_SETTINGS].flatMap((table) =>
    settingsOf<string>(table),
  );
  return markdownTable(
    ['flag', 'key of a target', 'environment', 'key of the profile', 'default', 'type', 'meaning'],
    settings.map(([name, setting]) => row(name, setting)),
  );
}
