/** Walks a caller through a server of `stream {}` (ngx_stream_ssl_module): TLS, addresses, and then the other side. */
import type { Caller } from '../identity.js';
import { isUnknownIssuer } from '../openssl.js';
import type { Ask, Outcome, Result, Step } from '../outcome.js';
import { isOpen } from '../value.js';
import { inherited, type NginxModel, own, unreadIn } from './model.js';
import type { Directive } from './syntax.js';
import { variablesFor, type Request } from './variables.js';
import { handshakeOf, isAddressIn, levelOf, type Way } from './walk.js';

const KNOWN =
  /^(?:listen|server_name|proxy_|ssl|access_log|error_log|log_format|preread_|tcp_|resolver|limit_conn|set_real_ip|map|geo|upstream|server|status_zone|variables_hash|map_hash|js_(?:import|path|set|var|preload)|allow|deny|return|set|split_clients|health_check)/;

export function walkStream(model: NginxModel, way: Way, caller: Caller, request: Request, ask: Ask): Outcome {
  const { server, handshake, isTls } = way;
  const steps: Step[] = [];
  const note = ({ name, args, file, line }: Directive): void =>
    void steps.push({ file, line, text: [name, ...args].join(' ') });
  const end = (result: Result, why?: string): Outcome => ({
    result,
    steps,
    ...(why === undefined ? {} : { why }),
  });
  const unread = unreadIn(server);
  if (unread) return end('unknown', `${unread.args[0] ?? 'a file'} could not be read`);
  const odd = server.directive.block?.find(({ name }) => !KNOWN.test(name));
  if (odd) {
    note(odd);
    return end('unknown', `${odd.name} is not supported (line ${odd.line})`);
  }
  const rule = levelOf(server, ['allow', 'deny']).find(({ args }) =>
    isAddressIn(args[0] ?? '', request.address, ask),
  );
  if (rule?.name === 'deny') {
    note(rule);
    return end('refused');
  }
  const settings = handshake.tls;
  const tls = isTls ? handshakeOf(caller, settings, way.now) : undefined;
  if (!tls)
    return end('unknown', 'it forwards connections unchanged: TLS is terminated behind it, if at all');
  if (settings.mode !== 'off') {
    steps.push({
      file: settings.at.file,
      line: settings.at.line,
      text: `ssl_verify_client ${settings.mode}`,
    });
    if (settings.mode === 'on' && tls.identity === undefined) return end('refused');
    const last = tls.errors.at(-1);
    const isWrong = last !== undefined && !(settings.mode === 'optional_no_ca' && isUnknownIssuer(last.code));
    if (tls.identity !== undefined && settings.doubt !== undefined && last?.code !== 10)
      return end('unknown', settings.doubt);
    if (isWrong) return end('refused');
  }
  const variables = variablesFor(model.makers, tls, request, ask);
  for (const each of own(server, 'set'))
    variables.set((each.args[0] ?? '').slice(1), variables.expand(each.args[1] ?? ''));
  const returned = own(server, 'return').at(-1);
  if (returned) {
    note(returned);
    return end('admitted');
  }
  const proxy = inherited(server, 'proxy_pass').at(-1);
  if (!proxy) return end('refused');
  note(proxy);
  const target = variables.expand(proxy.args[0] ?? '');
  if (isOpen(target)) return end('unknown', `the destination depends on ${proxy.args[0] ?? ''}`);
  return end(target.includes('') ? 'refused' : 'admitted');
}
