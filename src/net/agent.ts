/** Connections through the proxies of the environment. Loaded only where one is set. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions } from 'node:https';
import { Agent, type AgentConnectOpts } from 'agent-base';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { proxyFor } from './proxy.js';

/** Decides for each request, since NO_PROXY depends on its host; each proxy has connections of its own, which are kept. */
class EnvironmentAgent extends Agent {
  readonly #options: AgentOptions;
  readonly #agents = new Map<string, HttpAgent>();

  constructor(options: AgentOptions) {
    super(options);
    this.#options = options;
  }

  override connect(_request: unknown, { secureEndpoint, host, port }: AgentConnectOpts): HttpAgent {
    const name = host?.includes(':') === true ? `[${host}]` : (host ?? 'localhost');
    const proxy = proxyFor(new URL(`${secureEndpoint ? 'https' : 'http'}://${name}:${port}`));
    const key = `${secureEndpoint ? 'https' : 'http'} ${proxy?.url.href ?? ''}`;
    const known = this.#agents.get(key);
    if (known) return known;
    const made = this.#make(proxy?.url, secureEndpoint);
    this.#agents.set(key, made);
    return made;
  }

  override destroy(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    super.destroy();
  }

  #make(proxy: URL | undefined, secure: boolean): HttpAgent {
    const options = this.#options;
    if (proxy === undefined) return secure ? new HttpsAgent(options) : new HttpAgent(options);
    // What the other side is judged by is not what the proxy is judged by: that is the system's list.
    const { keepAlive, maxSockets } = options;
    const kept = { keepAlive: keepAlive ?? true, maxSockets: maxSockets ?? Infinity };
    return secure ? new HttpsProxyAgent(proxy, kept) : new HttpProxyAgent(proxy, kept);
  }
}

/** An agent for http and https that goes through the proxies of the environment. */
export function environmentAgent(options: AgentOptions): HttpAgent {
  return new EnvironmentAgent(options);
}
