import type { Integration, Stage } from '../../../../src/control-plane/api-gateway.js';
import { AppError } from '../../../../src/platform/errors.js';
import type { RotationRecord } from '../../../../src/rotation/rules/record.js';
import type { ControlPlane } from '../../../../src/control-plane/control-plane.js';
import { documentJournal } from '../../../../src/rotation/journal/document-journal.js';
import { documentLease, type LeaseClock } from '../../../../src/rotation/journal/document-lease.js';
import type { Journal } from '../../../../src/rotation/journal/journal.js';
import type { HeldLease } from '../../../../src/rotation/journal/lease.js';
import { settledStore, type DocumentStore } from '../../../../src/state/documents.js';
import type { TrustedCertificate } from '../../../../src/certificates/certificate.js';
import { entryKey } from '../../../../src/certificates/trust-entry.js';
import { isAcmArn } from '../../../../src/control-plane/inventory.js';
import type { PresentedIdentity } from '../../../../src/rotation/engine/ports.js';
import type { Publication } from '../../../../src/publications/publication.js';
import type { TrustStore } from '../../../../src/trust/trust-store.js';
import { MEMORY_ADAPTER, type Memory } from '../../../support/document-memory.js';
import { Fates, type CallKind, type Fate } from './mishap.js';
import { stageKey, type World } from './world.js';

/** A lock that was not touched for so long is taken over. */
const LOCK_LIFE = 15_000;

/** A machine: what outlives the processes on it. */
export class Machine {
  readonly name: string;
  readonly world: World;
  records = new Map<string, RotationRecord[]>();
  /** How far its wall clock is ahead, in milliseconds. */
  skew = 0;
  holder: Process | undefined;
  /** The state that it shares with others, in place of records and a lock of its own. */
  readonly shared: Memory | undefined;

  constructor(world: World, name: string, shared?: Memory) {
    this.world = world;
    this.name = name;
    this.shared = shared;
  }

  loseJournal(): void {
    this.records = new Map();
  }
}

/** How long calls take: the drawn ones over and over. */
export function cycled(latencies: readonly number[]): () => number {
  let n = 0;
  return () => latencies[n++ % latencies.length] ?? 20;
}

/** One run of the command; what befalls its calls is drawn. */
export class Process {
  readonly machine: Machine;
  /** Resolves when the process is killed. */
  readonly death: Promise<void>;
  calls = 0;
  #isDead = false;
  #die: () => void = () => undefined;
  #stoppedUntil = 0;
  readonly #fates: Fates;
  readonly #latency: () => number;

  constructor(machine: Machine, fates: readonly Fate[] = [], latency: () => number = () => 20) {
    this.machine = machine;
    this.#fates = new Fates(fates);
    this.#latency = latency;
    this.death = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  get #world(): World {
    return this.machine.world;
  }

  get #time(): World['time'] {
    return this.#world.time;
  }

  get isStopped(): boolean {
    return this.#time.now < this.#stoppedUntil;
  }

  // The lock of its machine, or the lease of all

  /** @throws AppError `Locked` */
  async hold(): Promise<HeldLease> {
    const { shared } = this.machine;
    if (!shared) return this.lock();
    const held = await documentLease(this.#store(shared), this.#clock()).hold('the account');
    this.#fence = held.fence;
    return {
      ...(held.fence === undefined ? {} : { fence: held.fence }),
      signal: held.signal,
      assertHeld: () => {
        this.#checkedAt = this.#time.now;
        return held.assertHeld();
      },
      release: () => held.release(),
    };
  }

  /** The number of its lease, and when it was last looked at. */
  #fence: number | undefined;
  #checkedAt = 0;

  /** No effect without the lease, unless the process stood still between the look at it and the effect. */
  #judge(what: string): void {
    const { shared, name } = this.machine;
    if (!shared || this.#stoppedAt >= this.#checkedAt) return;
    const [lease] = shared.effects.list('leases');
    const { fence = 0 } = JSON.parse(lease?.text ?? '{}') as { fence?: number };
    if (fence !== this.#fence) this.#world.violate(`${name} ${what} while another has the lease`);
  }

  /** The machine's own lock. @throws AppError `Locked` */
  lock(): HeldLease {
    const { machine } = this;
    if (machine.holder && !machine.holder.isLockAnybodys())
      throw new AppError('Locked', 'another run is at work');
    machine.holder = this;
    return {
      signal: new AbortController().signal,
      assertHeld: () =>
        machine.holder === this
          ? Promise.resolve()
          : Promise.reject(new AppError('LockLost', 'another run has taken the lock over')),
      release: () => {
        if (machine.holder === this) machine.holder = undefined;
        return Promise.resolve();
      },
    };
  }

  #clock(): LeaseClock {
    return {
      now: () => this.monotonic(),
      sleep: (ms) => this.sleep(ms),
      after: (ms, happen) => {
        let isOff = false;
        void this.sleep(ms).then(() => {
          if (!isOff) happen();
        });
        return () => {
          isOff = true;
        };
      },
    };
  }

  #store({ effects }: Memory): DocumentStore {
    const call = <T>(what: string, effect: () => T): Promise<T> =>
      this.#call('shared', `state ${what}`, effect);
    return settledStore(
      {
        ...MEMORY_ADAPTER,
        read: (key) => call(`read ${key.group}`, () => effects.read(key)),
        list: (group) => call(`list ${group}`, () => effects.list(group)),
        last: (group) => call(`last ${group}`, () => effects.last(group)),
        remove: (key) =>
          call(`remove ${key.group}`, () => {
            effects.remove(key);
          }),
        put: (key, ...rest) => call(`put ${key.group}`, () => effects.put(key, ...rest)),
      },
      (ms) => this.sleep(ms),
    );
  }

  isLockAnybodys(): boolean {
    return this.#isDead || (this.isStopped && this.#time.now > this.#stoppedAt + LOCK_LIFE);
  }

  #stoppedAt = -1;

  // Clocks

  /** What the machine's clock shows. */
  wall(): number {
    return this.#time.now + this.machine.skew;
  }

  /** Has whoever asks hear the time that each answer of AWS carries. */
  onAnswer(hear: (time: Date) => void): void {
    this.#hear = hear;
  }

  #hear: (time: Date) => void = () => undefined;

  monotonic(): number {
    return this.#time.now;
  }

  /** A process that stands still wakes up late. */
  async sleep(ms: number): Promise<void> {
    await this.#time.sleep(ms);
    await this.#goOn();
  }

  async #goOn(): Promise<void> {
    while (this.isStopped) await this.#time.sleep(this.#stoppedUntil - this.#time.now);
    if (this.#isDead) await new Promise(() => undefined);
  }

  #kill(): Promise<never> {
    this.#world.tell(`${this.machine.name} is killed`);
    this.#isDead = true;
    this.#die();
    // A dead process neither goes on nor fails: its promises stay open.
    return new Promise<never>(() => undefined);
  }

  // Calls

  /**
   * One call: it takes a while, then its effect takes place at once. `effect` is given what it is to show: how old, and
   * whether less than there is. `prepare` is what the process does itself at the last moment before the effect.
   */
  async #call<T>(
    kind: CallKind,
    what: string,
    effect: (seen: { age: number; less?: 'empty' | 'shrunken' }) => T,
    prepare?: () => Promise<void>,
  ): Promise<T> {
    this.calls += 1;
    await this.#goOn();
    const mishap = this.#fates.next(kind, what);
    if (mishap) this.#world.tell(`${this.machine.name} ${what}: ${JSON.stringify(mishap)}`);
    await this.#time.sleep(this.#latency());
    await this.#goOn();
    const isLocal = kind === 'journal' || kind === 'store' || kind === 'observe';
    const isAws = !isLocal && kind !== 'shared';
    const unanswered = (): AppError =>
      new AppError(isLocal ? 'TrustStoreFailed' : 'ServiceUnreachable', `no answer to ${what}`);
    const stop = (ms: number): void => {
      this.#stoppedAt = this.#time.now;
      this.#stoppedUntil = this.#time.now + ms;
    };
    const late = (by: number): void => {
      this.#time.after(by, () => {
        try {
          effect({ age: 0 });
        } catch (error) {
          // By then it cannot be done any more, and nobody is there to hear of it.
          if (!(error instanceof AppError)) throw error;
        }
      });
    };
    // A store's own work comes before its effect, and may be stopped in.
    if (mishap?.kind === 'stop' && kind === 'store') {
      stop(mishap.for);
      await this.#goOn();
    }
    switch (mishap?.kind) {
      case 'killBefore':
        return this.#kill();
      case 'lostBefore':
        throw unanswered();
      case 'throttled':
        throw new AppError('Throttled', `AWS kept throttling ${what}`);
      case 'denied':
        throw new AppError('AccessDenied', `no permission for ${what}`);
      case 'locked':
        throw new AppError('Locked', 'another run is changing it');
      case 'late':
        late(mishap.by);
        throw unanswered();
      case 'killLate':
        late(mishap.by);
        return this.#kill();
      case 'clock':
        this.machine.skew += mishap.by;
        break;
      case 'conflict':
        if (mishap.isDone) effect({ age: 0 });
        throw new AppError('ConcurrentModification', `${what}: concurrent modification`);
      default:
    }
    await prepare?.();
    if (kind === 'write' || kind === 'store') this.#judge(what);
    const result = effect({
      age: mishap?.kind === 'stale' ? mishap.age : this.#world.readAge,
      ...(mishap?.kind === 'empty' || mishap?.kind === 'shrunken' ? { less: mishap.kind } : {}),
    });
    // Whole seconds, as in HTTP.
    if (isAws) this.#hear(new Date(Math.floor(this.#time.now / 1000) * 1000));
    switch (mishap?.kind) {
      case 'killAfter':
        return this.#kill();
      case 'lostAfter':
        throw unanswered();
      case 'stop':
        if (kind === 'store') break;
        stop(mishap.for);
        await this.#goOn();
        break;
      default:
        // The process may have been stopped meanwhile, by what befell another call.
        await this.#goOn();
    }
    return result;
  }

  controlPlane(): ControlPlane {
    const world = this.#world;
    const { name } = this.machine;
    const fewer = <T>(all: T[], less: 'empty' | 'shrunken' | undefined): T[] =>
      less === undefined ? all : less === 'empty' ? [] : all.slice(1);
    const list = <T>(what: string, ask: (age: number) => T[]): Promise<T[]> =>
      this.#call('list', what, ({ age, less }) => fewer(ask(age), less));
    const write = <T>(what: string, effect: () => T): Promise<T> => this.#call('write', what, effect);
    type Tags = Readonly<Record<string, string>>;
    const tag = (what: string, id: string, change: (tags: Tags) => Tags): Promise<void> =>
      write(what, () => {
        if (isAcmArn(id)) world.changeAcmTags(name, id, change);
        else world.change(name, id, (known) => ({ ...known, tags: change(known.tags) }));
      });
    const stages = (id: string): Promise<Stage[]> =>
      list(`GetStages ${id}`, (age) => world.stagesOf(id, age));
    return {
      region: 'eu-west-1',
      caller: () =>
        Promise.resolve({ accountId: '123456789012', accessKeyId: 'AKIDTEST', region: 'eu-west-1' }),
      generateClientCertificate: ({ tags = {}, description }) =>
        write('GenerateClientCertificate', () => world.make(name, tags, description)),
      getClientCertificates: () =>
        list('GetClientCertificates', (age) => [...world.account(age).certificates.values()]),
      getClientCertificate: (id) =>
        this.#call('read', 'GetClientCertificate', ({ age }) => world.certificate(id, age)),
      updateClientCertificate: (id, description) =>
        write('UpdateClientCertificate', () =>
          world.change(name, id, (known) => ({ ...known, description })),
        ),
      deleteClientCertificate: (id) => {
        const sent = this.#time.now;
        return write(`DeleteClientCertificate ${id}`, () => {
          world.delete(name, id, sent);
        });
      },
      tagClientCertificate: (id, tags) => tag(`TagResource ${id}`, id, (known) => ({ ...known, ...tags })),
      untagClientCertificate: (id, keys) =>
        tag(`UntagResource ${id}`, id, (known) =>
          Object.fromEntries(Object.entries(known).filter(([key]) => !keys.includes(key))),
        ),
      getAcmCertificate: (arn) =>
        this.#call('read', 'DescribeCertificate', ({ age }) => world.acm(arn, age).certificate),
      getAcmTags: (arn) =>
        this.#call('read', 'ListTagsForCertificate', ({ age }) => world.acm(arn, age).tags),
      importAcmCertificate: ({ as }) =>
        write('ImportCertificate', () => {
          if (!world.importable) throw new AppError('RequestRefused', 'that is no certificate');
          return world.importAcm(name, world.importable, 'tags' in as ? as.tags : {});
        }),
      importedAcmCertificates: (notAfter) =>
        list('ListCertificates', (age) =>
          [...world.account(age).acm].flatMap(([arn, { certificate }]) =>
            certificate.trusted.notAfter.getTime() === notAfter.getTime() ? arn : [],
          ),
        ),
      getRestApis: () => list('GetRestApis', () => world.apis()),
      getStages: stages,
      getWebSocketApis: () => list('GetApis', () => world.apis('WEBSOCKET')),
      getWebSocketStages: stages,
      getWebSocketIntegrations: (id) =>
        list(`GetIntegrations ${id}`, (): Integration[] =>
          (world.topology.apis[id]?.hosts ?? []).map((host) => ({
            type: 'HTTP_PROXY',
            uri: `https://${host}/socket`,
            httpMethod: 'POST',
            insecureSkipVerification: false,
          })),
        ),
      getStage: (stage) =>
        this.#call('read', `GetStage ${stageKey(stage)}`, ({ age }) => world.stage(stageKey(stage), age)),
      setStageCertificate: (stage, id = '') =>
        write(`UpdateStage ${stageKey(stage)} ${id}`, () => {
          world.switch(name, stageKey(stage), id);
          return world.stage(stageKey(stage));
        }),
      getResources: (apiId) => this.#call('read', 'GetResources', () => world.resources(apiId)),
      testInvokeMethod: ({ restApiId, resourceId, stageVariables, clientCertificateId: id }) =>
        this.#call('invoke', `TestInvokeMethod ${id ?? ''}`, () => {
          const isTaken = id === undefined || !isAcmArn(id) || world.topology.takesArns === true;
          if (!isTaken || (id !== undefined && !world.exists(id))) {
            throw new AppError('RequestRefused', 'Invalid client certificate identifier specified');
          }
          const host = world.reached(restApiId, resourceId, stageVariables);
          const isAccepted = id !== undefined && world.accepts(host, id);
          return { status: isAccepted ? 200 : 403, body: '', log: '', latency: 1 };
        }),
      getDeployment: (_, id) =>
        this.#call('read', 'GetDeployment', () => ({ id, description: '', methods: [] })),
      createDeployment: () => write('CreateDeployment', () => ({ id: 'd2' })),
    };
  }

  /** The stores of those names, or all. */
  stores(names: readonly string[] = [...this.#world.stores.keys()]): TrustStore[] {
    const world = this.#world;
    const by = this.machine.name;
    return names.map((name) => ({
      name,
      observe: () =>
        this.#call('observe', `observe ${name}`, () => {
          const store = world.stores.get(name);
          return store === undefined || store.isBlind ? undefined : [...store.held];
        }),
      objection: () => undefined,
      add: (entry, options) =>
        this.#call(
          'store',
          `trust in ${name}`,
          () => {
            world.trust(by, name, entryKey(entry));
          },
          options?.beforeEffect,
        ),
      remove: (entry, options) =>
        this.#call(
          'store',
          `untrust in ${name}`,
          () => {
            world.distrust(by, name, entryKey(entry));
          },
          options?.beforeEffect,
        ),
    }));
  }

  /** A certificate with its key, to be presented from this machine. @param arn of one with the same root and name */
  identity(trusted: TrustedCertificate, arn: string): PresentedIdentity {
    const world = this.#world;
    return {
      fingerprintSha256: trusted.fingerprintSha256,
      certificate: { trusted, chainPem: '' },
      present: (url) =>
        this.#call('invoke', `handshake ${url}`, () =>
          world.accepts(new URL(url).hostname, arn)
            ? { outcome: 'accepted', status: 200 }
            : { outcome: 'refused', status: 403 },
        ),
    };
  }

  /** Where the id of the certificate in use is published. */
  publication(): Publication {
    const world = this.#world;
    const failing = <T>(code: 'PublicationFailed' | 'PublicationUnreadable', work: Promise<T>): Promise<T> =>
      work.catch((error: unknown) => {
        const isOurs = error instanceof AppError && error.code === 'TrustStoreFailed';
        throw isOurs ? new AppError(code, error.message, { cause: error }) : error;
      });
    return {
      name: 'file:id',
      observe: () =>
        failing(
          'PublicationUnreadable',
          this.#call('observe', 'observe file:id', () =>
            world.published === undefined
              ? { state: 'empty' as const }
              : { state: 'holds' as const, clientCertificateId: world.published },
          ),
        ),
      publish: (id, beforeEffect) =>
        failing(
          'PublicationFailed',
          this.#call(
            'store',
            `publish ${id}`,
            () => {
              world.publish(this.machine.name, id);
            },
            beforeEffect,
          ),
        ),
    };
  }

  journal(): Journal {
    const { machine } = this;
    if (machine.shared) return documentJournal(this.#store(machine.shared));
    const of = (id: string): RotationRecord[] => machine.records.get(id) ?? [];
    return {
      open: (id) => Promise.resolve([...of(id)]),
      isUnended: (id) => {
        const last = of(id).at(-1);
        return Promise.resolve(last !== undefined && last.type !== 'ended');
      },
      append: (id, record) =>
        this.#call('journal', `journal ${record.type}${'step' in record ? ` ${record.step}` : ''}`, () => {
          machine.records.set(id, [...of(id), record]);
        }).catch((error: unknown) => {
          throw new AppError('JournalNotWritable', 'the disk is full', { cause: error });
        }),
      ends: () =>
        Promise.resolve(
          [...machine.records].map(([rotationId, records]) => {
            const last = records.at(-1);
            return { rotationId, ...(last?.type === 'ended' ? { ended: last } : {}) };
          }),
        ),
      read: (rotationId) => Promise.resolve({ rotationId, records: [...of(rotationId)] }),
      // Nothing here lives for a year.
      remove: () => Promise.resolve(false),
    };
  }
}
