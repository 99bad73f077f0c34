import type { ClientCertificate, Stage } from '../../../src/core/api-gateway.js';
import type { TrustedCertificate } from '../../../src/core/certificate.js';
import { AppError } from '../../../src/core/errors.js';
import type { RotationRecord } from '../../../src/core/rotation/record.js';
import type { Gateway } from '../../../src/gateway/gateway.js';
import type { Journal } from '../../../src/journal/journal.js';
import type { TrustStore } from '../../../src/trust/trust-store.js';

/** How long a stage presents old and new by turns after a switch, in virtual milliseconds. */
export const PROPAGATION = 30_000;

/** Longer than any call takes, in virtual milliseconds. */
const LONG = 1_000;

export const STAGES = ['api/prod', 'api/beta'] as const;

/** What can befall one call of a runner to the world. */
export type Mishap = 'none' | 'lostBefore' | 'lostAfter' | 'throttled' | 'killBefore' | 'killAfter';

interface ModelStage {
  current: string;
  former?: string;
  changedAt: number;
}

/**
 * API Gateway, a backend with its trust stores, and time, as a discrete simulation: every call takes a while, and what
 * others do in that while is seen by the next. It judges each action of a runner by the promise of a rotation.
 */
export class Model {
  /** Milliseconds since the epoch. */
  time: number;
  readonly certificates = new Map<string, { certificate: ClientCertificate; maker: string }>();
  readonly stages = new Map<string, ModelStage>();
  readonly stores = new Map<string, Set<string>>([
    ['file', new Set()],
    ['blind', new Set()],
  ]);
  readonly deleted: { id: string; maker: string }[] = [];
  readonly violations: string[] = [];
  calls = 0;
  readonly #pool: readonly TrustedCertificate[];
  #made = 0;
  readonly #sleepers: { at: number; wake: () => void }[] = [];

  constructor(pool: readonly TrustedCertificate[], start: number) {
    this.#pool = pool;
    this.time = start;
  }

  make(maker: string, tags: Readonly<Record<string, string>> = {}): ClientCertificate {
    const trusted = this.#pool[this.#made++ % this.#pool.length];
    if (!trusted) throw new Error('the pool is empty');
    const certificate: ClientCertificate = {
      clientCertificateId: `c${String(this.#made).padStart(5, '0')}`,
      createdDate: new Date(Math.floor(this.time / 1000) * 1000),
      expirationDate: trusted.notAfter,
      pemEncodedCertificate: trusted.pem,
      tags,
    };
    this.certificates.set(certificate.clientCertificateId, { certificate, maker });
    this.#fingerprints.set(certificate.clientCertificateId, trusted.fingerprintSha256);
    return certificate;
  }

  readonly #fingerprints = new Map<string, string>();

  fingerprint(id: string): string {
    return this.#fingerprints.get(id) ?? 'none';
  }

  /** The backend lets in what all its stores hold. */
  accepts(id: string): boolean {
    return [...this.stores.values()].every((store) => store.has(this.fingerprint(id)));
  }

  /** What hosts of API Gateway may present for a stage now. */
  presented(name: string): string[] {
    const stage = this.stages.get(name);
    if (!stage) return [];
    const spreading = stage.former !== undefined && this.time < stage.changedAt + PROPAGATION;
    return [stage.current, ...(spreading && stage.former !== undefined ? [stage.former] : [])];
  }

  attach(name: string, id: string): void {
    const before = this.stages.get(name);
    if (before?.current === id) return;
    this.stages.set(name, {
      current: id,
      ...(before ? { former: before.current } : {}),
      changedAt: this.time,
    });
  }

  isPresented(id: string): boolean {
    return [...this.stages.values()].some(({ current }) => current === id);
  }

  /** What a runner does: it must not make refused what a stage presents. */
  act(what: string, effect: () => void): void {
    const before = STAGES.flatMap((name) => this.presented(name).filter((id) => this.accepts(id)));
    effect();
    for (const id of new Set(before)) {
      if (STAGES.some((name) => this.presented(name).includes(id)) && !this.accepts(id))
        this.violations.push(`${what}: ${id} is presented and now refused`);
    }
  }

  stageOf(name: string): Stage {
    const stage = this.stages.get(name);
    const [restApiId = '', stageName = ''] = name.split('/');
    if (!stage) throw new AppError('StageNotFound', `there is no stage ${name}`);
    return {
      restApiId,
      stageName,
      deploymentId: 'd1',
      clientCertificateId: stage.current,
      lastUpdatedDate: new Date(Math.floor(stage.changedAt / 1000) * 1000),
      variables: {},
      tags: {},
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ at: this.time + ms, wake });
    });
  }

  /** Once that much time has passed, something happens as soon as a runner waits for longer than a call takes. */
  whileWaiting(ms: number, happening: () => void): void {
    this.#happening = { after: this.time + ms, happening };
  }

  #happening: { after: number; happening: () => void } | undefined;

  /** Lets time pass until that has come about. */
  async until<T>(outcome: Promise<T>): Promise<T> {
    const state = { settled: false };
    const marked = outcome.finally(() => {
      state.settled = true;
    });
    marked.catch(() => undefined);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (state.settled) return marked;
      this.#sleepers.sort((a, b) => a.at - b.at);
      const next = this.#sleepers.shift();
      if (!next) throw new Error('nothing is left that could happen: a run hangs');
      const { time } = this;
      this.time = Math.max(time, next.at);
      if (this.#happening && next.at - time > LONG && this.time > this.#happening.after) {
        this.#happening.happening();
        this.#happening = undefined;
      }
      next.wake();
    }
  }
}

/** One machine with its journal; what befalls its calls is drawn by `mishap`. */
export class Machine {
  readonly name: string;
  records = new Map<string, RotationRecord[]>();
  /** Resolves when the process is killed. */
  readonly death: Promise<void>;
  #isDead = false;
  #die: () => void = () => undefined;
  readonly #model: Model;
  readonly #mishap: () => Mishap;
  readonly #latency: () => number;

  constructor(model: Model, name: string, mishap: () => Mishap, latency: () => number) {
    this.#model = model;
    this.name = name;
    this.#mishap = mishap;
    this.#latency = latency;
    this.death = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  /** A dead process neither goes on nor fails: its promises stay open. */
  async #call<T>(what: string, effect: () => T): Promise<T> {
    const model = this.#model;
    model.calls += 1;
    if (this.#isDead) return new Promise(() => undefined);
    const mishap = this.#mishap();
    await model.sleep(this.#latency());
    const kill = (): Promise<never> => {
      this.#isDead = true;
      this.#die();
      return new Promise<never>(() => undefined);
    };
    switch (mishap) {
      case 'killBefore':
        return kill();
      case 'throttled':
        throw new AppError('Throttled', `AWS kept throttling ${what}`);
      case 'lostBefore':
        throw new AppError('ServiceUnreachable', `no answer to ${what}`);
      case 'killAfter':
        effect();
        return kill();
      case 'lostAfter':
        effect();
        throw new AppError('ServiceUnreachable', `no answer to ${what}`);
      case 'none':
        return effect();
    }
  }

  gateway(): Gateway {
    const model = this.#model;
    const call = <T>(what: string, effect: () => T): Promise<T> => this.#call(what, effect);
    const find = (id: string): ClientCertificate => {
      const found = model.certificates.get(id)?.certificate;
      if (!found) throw new AppError('CertificateNotFound', `there is no ${id}`);
      return found;
    };
    const retag = (id: string, change: (tags: Record<string, string>) => Record<string, string>): void => {
      const certificate = find(id);
      const maker = model.certificates.get(id)?.maker ?? '';
      model.certificates.set(id, {
        maker,
        certificate: { ...certificate, tags: change({ ...certificate.tags }) },
      });
    };
    const key = ({ restApiId, stageName }: { restApiId: string; stageName: string }): string =>
      `${restApiId}/${stageName}`;
    return {
      region: 'eu-west-1',
      caller: () =>
        Promise.resolve({ accountId: '123456789012', accessKeyId: 'AKIDTEST', region: 'eu-west-1' }),
      generateClientCertificate: ({ tags = {} }) =>
        call('GenerateClientCertificate', () => model.make(this.name, tags)),
      getClientCertificates: () =>
        call('GetClientCertificates', () =>
          [...model.certificates.values()].map(({ certificate }) => certificate),
        ),
      getClientCertificate: (id) => call('GetClientCertificate', () => find(id)),
      updateClientCertificate: (id) => call('UpdateClientCertificate', () => find(id)),
      deleteClientCertificate: (id) =>
        call('DeleteClientCertificate', () => {
          find(id);
          if (model.isPresented(id)) throw new AppError('RequestRefused', `${id} is in use`);
          const maker = model.certificates.get(id)?.maker ?? '';
          model.certificates.delete(id);
          model.deleted.push({ id, maker });
        }),
      tagClientCertificate: (id, tags) =>
        call('TagResource', () => {
          retag(id, (before) => ({ ...before, ...tags }));
        }),
      untagClientCertificate: (id, keys) =>
        call('UntagResource', () => {
          retag(id, (before) =>
            Object.fromEntries(Object.entries(before).filter(([name]) => !keys.includes(name))),
          );
        }),
      getRestApis: () => call('GetRestApis', () => [{ id: 'api', name: 'orders' }]),
      getStages: () => call('GetStages', () => [...model.stages.keys()].map((name) => model.stageOf(name))),
      getWebSocketApis: () => call('GetApis', () => []),
      getWebSocketStages: () => call('GetStages', () => []),
      getWebSocketIntegrations: () => call('GetIntegrations', () => []),
      getStage: (stage) => call('GetStage', () => model.stageOf(key(stage))),
      setStageCertificate: (stage, id = '') =>
        call('UpdateStage', () => {
          if (!model.certificates.has(id)) throw new AppError('RequestRefused', `there is no ${id}`);
          const isNew = model.stages.get(key(stage))?.current !== id;
          if (isNew && !model.accepts(id))
            model.violations.push(`UpdateStage: ${key(stage)} gets ${id}, which the backend refuses`);
          model.attach(key(stage), id);
          return model.stageOf(key(stage));
        }),
      getResources: () =>
        call('GetResources', () => [
          {
            id: 'r1',
            path: '/health',
            methods: [
              {
                httpMethod: 'GET',
                requiredParameters: [],
                integration: {
                  type: 'HTTP_PROXY' as const,
                  uri: 'https://orders.example/health',
                  httpMethod: 'GET',
                  insecureSkipVerification: false,
                },
              },
            ],
          },
        ]),
      testInvokeMethod: ({ clientCertificateId: id }) =>
        call('TestInvokeMethod', () => {
          if (id !== undefined && !model.certificates.has(id)) {
            throw new AppError('RequestRefused', 'Invalid client certificate identifier specified');
          }
          const accepted = id !== undefined && model.accepts(id);
          return { status: accepted ? 200 : 403, body: '', log: '', latency: 1 };
        }),
      getDeployment: () => call('GetDeployment', () => ({ id: 'd1', description: '', methods: [] })),
      createDeployment: () => call('CreateDeployment', () => ({ id: 'd2' })),
    };
  }

  /** One that can be looked into, and one that cannot. */
  stores(): TrustStore[] {
    const model = this.#model;
    return [...model.stores].map(([name, held]) => ({
      name,
      observe: () => this.#call(`observe ${name}`, () => (name === 'blind' ? undefined : [...held])),
      add: ({ fingerprintSha256 }) =>
        this.#call(`trust in ${name}`, () => {
          held.add(fingerprintSha256);
        }),
      remove: ({ fingerprintSha256 }) =>
        this.#call(`untrust in ${name}`, () => {
          model.act(`untrust in ${name}`, () => {
            held.delete(fingerprintSha256);
          });
        }),
    }));
  }

  journal(): Journal {
    const { records } = this;
    return {
      open: (id) => Promise.resolve([...(records.get(id) ?? [])]),
      isUnended: (id) => {
        const last = records.get(id)?.at(-1);
        return Promise.resolve(last !== undefined && last.type !== 'ended');
      },
      append: (id, record) =>
        this.#call('journal', () => {
          records.set(id, [...(records.get(id) ?? []), record]);
        }).catch((error: unknown) => {
          throw new AppError('JournalNotWritable', 'the disk is full', { cause: error });
        }),
      list: () =>
        Promise.resolve([...records].map(([rotationId, entries]) => ({ rotationId, records: [...entries] }))),
    };
  }
}
