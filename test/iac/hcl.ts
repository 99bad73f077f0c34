/** As much of HCL's native syntax as blocks, attributes, strings and comments need; anything else is an error. */

export type HclBody = (
  HclBlock | { attribute: string; value: string | boolean | { reference: string } | string[] }
)[];

export interface HclBlock {
  block: string;
  labels: string[];
  body: HclBody;
}

const TOKEN = /\s*(?:(#[^\n]*)|"((?:[^"\\\n]|\\.)*)"|([A-Za-z_][\w.-]*)|([{}[\]=]))/y;

type Token = { string: string } | { word: string } | { sign: string };

/** What a quoted template says; throws where it is more than text. */
export function hclText(quoted: string): string {
  return quoted.replaceAll(
    /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt"\\])|(.))|\$\$\{|%%\{|([$%]\{)/g,
    (whole, four?: string, eight?: string, short?: string, bad?: string, template?: string) => {
      if (bad !== undefined || template !== undefined) throw new Error(`not plain text: ${whole}`);
      if (short !== undefined) return { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' }[short] ?? '';
      if (four !== undefined) return String.fromCharCode(Number.parseInt(four, 16));
      return eight === undefined ? whole.slice(1) : String.fromCodePoint(Number.parseInt(eight, 16));
    },
  );
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const [, comment, string, word, sign] = TOKEN.exec(text) ?? [];
    if (comment !== undefined) continue;
    if (string !== undefined) found.push({ string: hclText(string) });
    else if (word !== undefined) found.push({ word });
    else if (sign !== undefined) found.push({ sign });
    else throw new Error(`no HCL at ${text.slice(at, at + 40)}`);
  }
  return found;
}

/** Reads a file of HCL. @throws Error */
export function parseHcl(text: string): HclBody {
  const all = tokens(text);
  let at = 0;
  const next = (): Token => {
    const token = all[at++];
    if (token === undefined) throw new Error('the text ends too early');
    return token;
  };
  const is = (token: Token | undefined, sign: string): boolean =>
    token !== undefined && 'sign' in token && token.sign === sign;
  const value = (): string | boolean | { reference: string } | string[] => {
    const token = next();
    if ('string' in token) return token.string;
    if ('word' in token) {
      return token.word === 'true' || token.word === 'false'
        ? token.word === 'true'
        : { reference: token.word };
    }
    const list: string[] = [];
    while (!is(all[at], ']')) {
      const item = next();
      if (!('word' in item)) throw new Error('a list of something else');
      list.push(item.word);
    }
    at += 1;
    return list;
  };
  const body = (isInner: boolean): HclBody => {
    const found: HclBody = [];
    while (isInner ? !is(all[at], '}') : at < all.length) {
      const name = next();
      if (!('word' in name)) throw new Error('a name was expected');
      if (is(all[at], '=')) {
        at += 1;
        found.push({ attribute: name.word, value: value() });
        continue;
      }
      const labels: string[] = [];
      for (let token = next(); !is(token, '{'); token = next()) {
        if (!('string' in token)) throw new Error('a label was expected');
        labels.push(token.string);
      }
      found.push({ block: name.word, labels, body: body(true) });
      at += 1;
    }
    return found;
  };
  return body(false);
}
