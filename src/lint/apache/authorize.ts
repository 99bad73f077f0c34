/** `Require` and its containers, as mod_authz_core and its providers judge them. */
import { bitsOf } from '../nginx/variables.js';
import type { Ask } from '../outcome.js';
import { isOpen } from '../value.js';
import { evaluate, type Scene } from './expression.js';
import type { Node } from './syntax.js';

/** The names of `Require` and its containers. */
export const REQUIRES = /^require(?:all|any|none)?$/;

function inNetwork(network: string, scene: Scene, ask: Ask): boolean {
  const { address } = scene.request;
  if (address === undefined) {
    if (/^(?:127\.|::1)/.test(network)) return false;
    return ask({
      key: `address in ${network}`,
      doubt: 'given',
      fallback: false,
      why: `it depends on the address of the caller (${network})`,
    });
  }
  const parts = network.split('.').filter((part) => part !== '');
  const full =
    /^[\d.]+$/.test(network) && parts.length < 4
      ? `${[...parts, '0', '0', '0'].slice(0, 4).join('.')}/${parts.length * 8}`
      : network;
  const masked = /^([\d.]+)\/(\d+\.\d+\.\d+\.\d+)$/.exec(full);
  const bits = masked ? undefined : bitsOf(full, address);
  return bits === undefined
    ? ask({
        key: `address in ${network}`,
        doubt: 'unknown',
        fallback: false,
        why: `${network} is not supported`,
      })
    : bits >= 0;
}

export type Authorized = 'granted' | 'denied' | 'neutral';

/** A container of `Require`, with the rules of mod_authz_core for what is neutral. */
export function authorize(
  container: string,
  nodes: readonly Node[],
  scene: Scene,
  ask: Ask,
  note: (node: Node, text?: string) => void,
): Authorized {
  const states = nodes
    .filter(({ name }) => REQUIRES.test(name))
    .map((node): Authorized => {
      if (node.children) return authorize(node.name, node.children, scene, ask, note);
      const isNegated = node.words[0]?.toLowerCase() === 'not';
      const holds = requirement(node, isNegated ? node.words.slice(1) : node.words, scene, ask);
      note(node, holds === isNegated ? ' does not hold' : ' holds');
      if (isNegated) return holds ? 'denied' : 'neutral';
      return holds ? 'granted' : 'denied';
    });
  switch (container) {
    case 'requireall':
      return states.includes('denied') ? 'denied' : states.includes('granted') ? 'granted' : 'neutral';
    case 'requirenone':
      return states.includes('granted') ? 'denied' : 'neutral';
    default:
      return states.includes('granted') ? 'granted' : states.includes('denied') ? 'denied' : 'neutral';
  }
}

function requirement(node: Node, words: readonly string[], scene: Scene, ask: Ask): boolean {
  const [kind = '', ...rest] = words;
  switch (kind.toLowerCase()) {
    case 'all':
      return rest[0]?.toLowerCase() === 'granted';
    case 'expr': {
      const written = rest.length === 1 ? (rest[0] ?? '') : node.args.replace(/^\s*(?:not\s+)?expr\s+/i, '');
      return evaluate(written, scene, node, ask);
    }
    case 'method':
      return rest.map((each) => each.toUpperCase()).includes(scene.request.method);
    case 'ssl':
      return scene.isTls;
    case 'ssl-verify-client':
      return scene.presented && scene.errors.length === 0;
    case 'ip':
      return rest.map((each) => inNetwork(each, scene, ask)).includes(true);
    case 'local':
      return scene.request.address?.startsWith('127.') === true;
    case 'env':
      return rest
        .map((name) => {
          const value = scene.environment.get(name);
          if (value === undefined)
            return ask({
              key: `env ${name}`,
              doubt: 'unknown',
              fallback: false,
              why: `the value of ${name} depends on other modules`,
            });
          return isOpen(value)
            ? ask({ key: `env ${name}`, doubt: value.doubt, fallback: false, why: value.why })
            : true;
        })
        .includes(true);
    case 'valid-user':
    case 'user':
    case 'group':
      return ask({
        key: 'password',
        doubt: 'given',
        fallback: false,
        why: `it depends on a password (line ${node.line})`,
      });
    default:
      return ask({
        key: `Require ${words.join(' ')}`,
        doubt: 'unknown',
        fallback: false,
        why: `Require ${kind} is not supported (line ${node.line})`,
      });
  }
}
