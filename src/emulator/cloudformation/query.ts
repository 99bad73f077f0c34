/** The Query protocol of AWS: a form as the request, XML as the answer. */
import { randomUUID } from 'node:crypto';
import type { ServiceError } from '../errors.js';
import type { Answer } from '../http.js';

/** What a form says: texts, lists (`Parameters.member.1…`) and structures. */
export type FormValue = string | FormValue[] | { [name: string]: FormValue };

interface Node {
  text?: string;
  children: Map<string, Node>;
}

function valueOf({ text, children }: Node): FormValue {
  if (children.size === 0) return text ?? '';
  const list = children.get('member');
  // An empty list is written as `Tags=`, and one of several members by their numbers from 1.
  if (list !== undefined && children.size === 1)
    return [...list.children].sort(([a], [b]) => Number(a) - Number(b)).map(([, child]) => valueOf(child));
  return Object.fromEntries([...children].map(([name, child]) => [name, valueOf(child)]));
}

/** Reads a form. */
export function readForm(body: Buffer): Record<string, FormValue> {
  const root: Node = { children: new Map() };
  for (const [key, text] of new URLSearchParams(body.toString())) {
    let node = root;
    for (const name of key.split('.')) {
      const child = node.children.get(name) ?? { children: new Map() };
      node.children.set(name, child);
      node = child;
    }
    node.text = text;
  }
  return Object.fromEntries([...root.children].map(([name, child]) => [name, valueOf(child)]));
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };

const escaped = (text: string): string => text.replaceAll(/[&<>\r]/g, (sign) => ESCAPES[sign] ?? '');

/** A value as XML; what is `undefined` is left out. */
function xmlOf(value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => `<member>${xmlOf(each)}</member>`).join('');
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object' || value === null) return escaped(String(value));
  return Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .map(([name, each]) => `<${name}>${xmlOf(each)}</${name}>`)
    .join('');
}

const NAMESPACE = 'http://cloudformation.amazonaws.com/doc/2010-05-15/';

/** The answer of an operation. */
export const queryAnswer = (action: string, result: object | undefined): Answer => ({
  status: 200,
  xml: `<${action}Response xmlns="${NAMESPACE}">${
    result === undefined ? '' : `<${action}Result>${xmlOf(result)}</${action}Result>`
  }<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></${action}Response>`,
});

/** An error in the shape of this protocol. */
export const queryError = ({ status, type, message }: ServiceError): Answer => ({
  status,
  xml: `<ErrorResponse xmlns="${NAMESPACE}">${xmlOf({
    Error: { Type: status < 500 ? 'Sender' : 'Receiver', Code: type, Message: message },
    RequestId: randomUUID(),
  })}</ErrorResponse>`,
});
