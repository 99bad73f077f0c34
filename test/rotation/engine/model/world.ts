import type {
  ClientCertificate,
  Resource,
  Stage,
  StageRef,
} from '../../../../src/control-plane/api-gateway.js';
import type { TrustedCertificate } from '../../../../src/certificates/certificate.js';
import type { AcmCertificate } from '../../../../src/control-plane/acm-certificate.js';
import { acmTrust } from '../../../../src/control-plane/acm-authority.js';
import { isAcmArn } from '../../../../src/control-plane/inventory.js';
import { entryKey } from '../../../../src/certificates/trust-entry.js';
import { AppError } from '../../../../src/platform/errors.js';
import { readMark } from '../../../../src/control-plane/marks.js';
import { Time } from './time.js';

/** How long a stage presents old and new by turns after a switch, in virtual milliseconds. */
export const PROPAGATION = 30_000;
/** How long after its answer was lost a write may still take effect. */
export const LATEST_EFFECT = 30_000;
/** How old what a read shows may be. */
export const STALEST_READ = 10_000;

/** A backend: it lets in what all its stores hold. */
export interface Host {
  stores: readonly string[];
}

/** What a trust store's server does with its content. */
export interface Store {
  /** Fingerprints in it. */
  held: Set<string>;
  /** Fingerprints that the server goes by: those held, once it has reloaded. */
  live: Set<string>;
  /** Whether it can be looked into. */
  isBlind: boolean;
  /** How long the server takes to notice a change, in virtual milliseconds. */
  lag: number;
  /** What the server never notices. */
  ignores: 'nothing' | 'additions' | 'removals';
  /** The certificates whose addition it never notices. */
  deafTo: readonly string[];
}

export interface ModelApi {
  name: string;
  protocolType?: 'WEBSOCKET';
  /** Backends behind each of its stages. */
  hosts: readonly string[];
}

interface ModelStage {
  current?: string;
  /** What some hosts of API Gateway still present. */
  formers: readonly { id: string; until: number; by: string; since: number }[];
  changedAt: number;
  changedBy: string;
  /** The backend that a canary release sends a share of the traffic to. */
  canaryHost?: string;
}

/** A certificate of ACM with its tags. */
interface ModelAcm {
  certificate: AcmCertificate;
  tags: Readonly<Record<string, string>>;
}

/** What AWS holds; replaced, never changed, so that a stale read can be shown an earlier one. */
interface Account {
  at: number;
  certificates: ReadonlyMap<string, ClientCertificate>;
  /** By their ARNs. */
  acm: ReadonlyMap<string, ModelAcm>;
  stages: ReadonlyMap<string, ModelStage>;
}

/** What there is at the start. */
export interface Topology {
  apis: Readonly<Record<string, ModelApi>>;
  /** `apiId/stageName` */
  stages: Readonly<Record<string, { canaryHost?: string }>>;
  hosts: Readonly<Record<string, Host>>;
  stores: Readonly<Record<string, Partial<Pick<Store, 'isBlind' | 'lag' | 'ignores' | 'deafTo'>>>>;
  /** Whether test calls can be made with the ARN of a certificate of ACM. */
  takesArns?: boolean;
  /** The stages of the target whose certificate's id is published; none is where this is left away. */
  publishes?: readonly string[];
}

export const stageKey = ({ restApiId, stageName }: StageRef): string => `${restApiId}/${stageName}`;

/**
 * API Gateway with its backends, their trust stores, and time. It judges each effect by the promise of a rotation:
 * nothing that a stage presents may be refused because of us, and nothing in use may be deleted.
 */
export class World {
  readonly time: Time;
  readonly topology: Topology;
  readonly stores: ReadonlyMap<string, Store>;
  /** What broke the promise, in words. */
  readonly violations: string[] = [];
  /** What no machine could have known of another. */
  readonly unprotected: string[] = [];
  readonly deleted: { id: string; by: string }[] = [];
  /** Who made a certificate, by its id. */
  readonly makers = new Map<string, string>();
  /** For which certificates others were ever made. */
  readonly replaced = new Set<string>();
  /** How many certificates were ever made by one rotation. */
  readonly madeBy = new Map<string, number>();
  /** The certificate that a user may import into ACM. */
  importable: AcmCertificate | undefined;
  /** What is published of the target, if anything is. */
  published: string | undefined;
  /** How old what each read shows is, in virtual milliseconds, where nothing else befalls it. */
  readAge = 0;
  /** What took effect, in order, for a failure's report. */
  readonly story: string[] = [];
  readonly #fingerprints = new Map<string, string>();
  readonly #identities = new Map<string, TrustedCertificate>();
  readonly #pool: readonly TrustedCertificate[];
  #made = 0;
  /** Whether somebody ever emptied a store. */
  #wasEmptied = false;
  /** Newest last. */
  #history: Account[];

  constructor(topology: Topology, pool: readonly TrustedCertificate[], start: number) {
    this.time = new Time(start);
    this.topology = topology;
    this.#pool = pool;
    this.stores = new Map(
      Object.entries(topology.stores).map(([name, store]) => [
        name,
        {
          held: new Set(),
          live: new Set(),
          isBlind: false,
          lag: 0,
          ignores: 'nothing',
          deafTo: [],
          ...store,
        },
      ]),
    );
    this.#history = [{ at: start, certificates: new Map(), acm: new Map(), stages: new Map() }];
  }

  /** What AWS holds, or held so many milliseconds ago. */
  account(age = 0): Account {
    const at = this.time.now - age;
    const found = this.#history.findLast((account) => account.at <= at) ?? this.#history[0];
    if (!found) throw new Error('there is no history');
    return found;
  }

  #become(change: Partial<Omit<Account, 'at'>>): void {
    const oldest = this.time.now - STALEST_READ;
    const kept = this.#history.filter(
      (account, i) => (this.#history[i + 1]?.at ?? Infinity) > oldest && account,
    );
    this.#history = [...kept, { ...this.account(), ...change, at: this.time.now }];
  }

  /** One more line of what happened. */
  tell(what: string): void {
    this.story.push(`${((this.time.now - this.#start) / 1000).toFixed(3).padStart(9)} ${what}`);
  }

  get #start(): number {
    return (this.#began ??= this.time.now);
  }
  #began: number | undefined;

  /** What there is has been there for long. */
  age(): void {
    this.#history = [{ ...this.account(), at: -Infinity }];
  }

  // Certificates

  make(by: string, tags: Readonly<Record<string, string>> = {}, description?: string): ClientCertificate {
    const trusted = this.#pool[this.#made++ % this.#pool.length];
    if (!trusted) throw new Error('the pool is empty');
    const id = `c${String(this.#made).padStart(5, '0')}`;
    const certificate: ClientCertificate = {
      clientCertificateId: id,
      ...(description === undefined ? {} : { description }),
      // AWS tells whole seconds.
      createdDate: new Date(Math.floor(this.time.now / 1000) * 1000),
      expirationDate: trusted.notAfter,
      pemEncodedCertificate: trusted.pem,
      tags,
    };
    this.#fingerprints.set(id, trusted.fingerprintSha256);
    this.#identities.set(id, trusted);
    this.makers.set(id, by);
    const mark = readMark(certificate);
    if (mark) {
      this.madeBy.set(mark.rotationId, (this.madeBy.get(mark.rotationId) ?? 0) + 1);
      this.replaced.add(mark.replaces);
    }
    this.#become({ certificates: new Map([...this.account().certificates, [id, certificate]]) });
    this.tell(`${by} makes ${id}`);
    return certificate;
  }

  /** @throws AppError `CertificateNotFound` */
  certificate(id: string, age = 0): ClientCertificate {
    const found = this.account(age).certificates.get(id);
    if (!found) throw new AppError('CertificateNotFound', `there is no client certificate ${id}`);
    return found;
  }

  change(
    by: string,
    id: string,
    change: (certificate: ClientCertificate) => ClientCertificate,
  ): ClientCertificate {
    const changed = change(this.certificate(id));
    const mark = readMark(changed);
    if (mark) this.replaced.add(mark.replaces);
    this.#become({ certificates: new Map([...this.account().certificates, [id, changed]]) });
    this.tell(`${by} marks ${id} ${JSON.stringify(changed.tags)}${changed.description ?? ''}`);
    return changed;
  }

  /**
   * AWS refuses to delete what a stage is set to.
   * @param sent when that was asked for: nobody can protect from who switches a stage there and back before it takes effect
   */
  delete(by: string, id: string, sent = this.time.now): void {
    if (isAcmArn(id)) this.violate(`${by} deletes ${id}, of ACM`);
    this.certificate(id);
    if (this.published === id && by !== 'somebody') this.violate(`${by} deletes ${id}, which is published`);
    const { certificates, stages } = this.account();
    const user = [...stages].find(([, { current }]) => current === id);
    if (user) throw new AppError('RequestRefused', `${id} is in use`);
    for (const [name, { formers }] of stages) {
      const left = formers.filter((former) => former.id === id && former.until > this.time.now);
      const known = left.filter((former) => former.by === by || former.since <= sent);
      if (known.length > 0) this.violate(`${by} deletes ${id} while hosts still present it for ${name}`);
      else if (left.length > 0)
        this.unprotected.push(`${by} deletes ${id}, to and from which ${name} was switched`);
    }
    this.#become({ certificates: new Map([...certificates].filter(([known]) => known !== id)) });
    this.deleted.push({ id, by });
    this.tell(`${by} deletes ${id}`);
  }

  exists(id: string): boolean {
    const { certificates, acm } = this.account();
    return certificates.has(id) || acm.has(id);
  }

  // Certificates of ACM: nothing deletes them

  #putAcm(by: string, arn: string, kept: ModelAcm): void {
    const mark = readMark(kept);
    if (mark) this.replaced.add(mark.replaces);
    this.#become({ acm: new Map([...this.account().acm, [arn, kept]]) });
    this.tell(`${by} has ${arn} in ACM ${JSON.stringify(kept.tags)}`);
  }

  /** Has a certificate in ACM. @returns its ARN */
  importAcm(by: string, certificate: AcmCertificate, tags: ModelAcm['tags'] = {}): string {
    const number = this.account().acm.size + 1;
    const arn = `arn:aws:acm:eu-west-1:123456789012:certificate/${number}`;
    const { authority } = acmTrust(certificate, 'subject', '');
    this.#fingerprints.set(arn, entryKey(authority ?? certificate.trusted));
    this.#putAcm(by, arn, { certificate: { ...certificate, arn }, tags });
    return arn;
  }

  /** @throws AppError `CertificateNotFound` */
  acm(arn: string, age = 0): ModelAcm {
    const found = this.account(age).acm.get(arn);
    if (!found) throw new AppError('CertificateNotFound', `there is no certificate ${arn} in ACM`);
    return found;
  }

  changeAcmTags(by: string, arn: string, change: (tags: ModelAcm['tags']) => ModelAcm['tags']): void {
    const { certificate, tags } = this.acm(arn);
    this.#putAcm(by, arn, { certificate, tags: change(tags) });
  }

  /** What a machine publishes, judged. */
  publish(by: string, id: string): void {
    this.published = id;
    this.tell(`${by} publishes ${id}`);
    if (!this.exists(id)) this.violate(`${by} publishes ${id}, which does not exist`);
  }

  /** By what backends know a certificate: its SHA-256, or of one of ACM its root with its name. */
  fingerprint(id: string): string {
    return this.#fingerprints.get(id) ?? 'none';
  }

  /** All of a certificate, a deleted one included. */
  identity(id: string): TrustedCertificate {
    const found = this.#identities.get(id);
    if (!found) throw new Error(`there was never a certificate ${id}`);
    return found;
  }

  /** The id of the certificate with a fingerprint, the deleted ones included. */
  idOf(fingerprint: string): string {
    return [...this.#fingerprints].find(([, known]) => known === fingerprint)?.[0] ?? fingerprint;
  }

  // Stages

  hostsOf(name: string): string[] {
    const api = this.topology.apis[name.split('/')[0] ?? ''];
    const canaryHost = this.account().stages.get(name)?.canaryHost;
    return [...(api?.hosts ?? []), ...(canaryHost === undefined ? [] : [canaryHost])];
  }

  /** What hosts of API Gateway may present for a stage now. */
  presented(name: string): string[] {
    const stage = this.account().stages.get(name);
    if (!stage) return [];
    const formers = stage.formers.filter(({ until }) => until > this.time.now).map(({ id }) => id);
    return [...new Set([...(stage.current === undefined ? [] : [stage.current]), ...formers])];
  }

  isSet(id: string): boolean {
    return [...this.account().stages.values()].some(({ current }) => current === id);
  }

  /** Sets what a stage presents, as the console does. */
  attach(by: string, name: string, id: string | undefined): void {
    const { stages } = this.account();
    if (id !== undefined && !this.exists(id)) {
      throw new AppError('RequestRefused', `Invalid client certificate identifier specified: ${id}`);
    }
    const before = stages.get(name);
    if (before?.current === id && before !== undefined) return;
    const formers = (before?.formers ?? []).filter(({ until }) => until > this.time.now);
    const left =
      before?.current === undefined
        ? []
        : [
            {
              id: before.current,
              until: this.time.now + PROPAGATION,
              by: before.changedBy,
              since: before.changedAt,
            },
          ];
    const stage: ModelStage = {
      ...(id === undefined ? {} : { current: id }),
      formers: before ? [...formers, ...left] : [],
      changedAt: this.time.now,
      changedBy: by,
      ...(before?.canaryHost === undefined ? {} : { canaryHost: before.canaryHost }),
    };
    this.#become({ stages: new Map([...stages, [name, stage]]) });
    this.tell(`${by} sets ${name} to ${id ?? 'nothing'}`);
  }

  /** Somebody deletes a stage. */
  removeStage(name: string): void {
    this.#become({ stages: new Map([...this.account().stages].filter(([known]) => known !== name)) });
    this.tell(`somebody deletes ${name}`);
  }

  /** A stage that has been there for long. */
  place(name: string, current: string): void {
    const { stages } = this.account();
    const canaryHost = this.topology.stages[name]?.canaryHost;
    const stage: ModelStage = {
      current,
      formers: [],
      changedAt: this.time.now - 3_600_000,
      changedBy: 'user',
      ...(canaryHost === undefined ? {} : { canaryHost }),
    };
    this.#become({ stages: new Map([...stages, [name, stage]]) });
  }

  /** What UpdateStage does, judged. */
  switch(by: string, name: string, id: string): void {
    const before = this.account().stages.get(name)?.current;
    this.attach(by, name, id);
    if (before === id) return;
    for (const host of this.hostsOf(name)) {
      if (this.accepts(host, id)) continue;
      // Where somebody has emptied a store a moment ago, the stage is refused already.
      const wasRefused = this.#wasEmptied && before !== undefined && !this.accepts(host, before);
      if (!wasRefused) this.violate(`${by} sets ${name} to ${id}, which ${host} refuses`);
    }
  }

  /** @throws AppError `StageNotFound` */
  stage(name: string, age = 0): Stage {
    const stage = this.account(age).stages.get(name);
    const [restApiId = '', stageName = ''] = name.split('/');
    if (!stage) throw new AppError('StageNotFound', `there is no stage ${name}`);
    const protocolType = this.topology.apis[restApiId]?.protocolType;
    return {
      restApiId,
      stageName,
      ...(protocolType === undefined ? {} : { protocolType }),
      deploymentId: 'd1',
      ...(stage.current === undefined ? {} : { clientCertificateId: stage.current }),
      lastUpdatedDate: new Date(Math.floor(stage.changedAt / 1000) * 1000),
      variables: { host: this.topology.apis[restApiId]?.hosts[0] ?? '' },
      tags: {},
      ...(stage.canaryHost === undefined
        ? {}
        : { canary: { percentTraffic: 10, deploymentId: 'd2', variables: { host: stage.canaryHost } } }),
    };
  }

  stagesOf(apiId: string, age = 0): Stage[] {
    return [...this.account(age).stages.keys()]
      .filter((name) => name.startsWith(`${apiId}/`))
      .map((name) => this.stage(name, age));
  }

  apis(protocolType?: 'WEBSOCKET'): { id: string; name: string; protocolType?: 'WEBSOCKET' }[] {
    return Object.entries(this.topology.apis)
      .filter(([, api]) => api.protocolType === protocolType)
      .map(([id, { name }]) => ({ id, name, ...(protocolType === undefined ? {} : { protocolType }) }));
  }

  /** For each backend a GET that reaches it; the first is named by a stage variable, which a canary may override. */
  resources(apiId: string): Resource[] {
    const hosts = this.topology.apis[apiId]?.hosts ?? [];
    const uris = hosts.map((host, i) =>
      i === 0 ? 'https://${stageVariables.host}/0' : `https://${host}/${i}`,
    );
    return uris.map((uri, i) => ({
      id: `r${i}`,
      path: `/health${i}`,
      methods: [
        {
          httpMethod: 'GET',
          requiredParameters: [],
          integration: {
            type: 'HTTP_PROXY' as const,
            uri,
            httpMethod: 'GET',
            insecureSkipVerification: false,
          },
        },
      ],
    }));
  }

  // Backends

  /** The backend that a test call reaches. */
  reached(apiId: string, resourceId: string, variables: Readonly<Record<string, string>> = {}): string {
    const hosts = this.topology.apis[apiId]?.hosts ?? [];
    return (resourceId === 'r0' ? variables['host'] : hosts[Number(resourceId.slice(1))]) ?? '';
  }

  accepts(host: string, id: string): boolean {
    const stores = this.topology.hosts[host]?.stores ?? [];
    return stores.every((name) => this.stores.get(name)?.live.has(this.fingerprint(id)) === true);
  }

  acceptedBehind(name: string, id: string): boolean {
    return this.hostsOf(name).every((host) => this.accepts(host, id));
  }

  /** Puts a fingerprint into a store. */
  trust(by: string, name: string, fingerprint: string): void {
    const store = this.#store(name);
    store.held.add(fingerprint);
    this.tell(`${by} puts ${this.idOf(fingerprint)} into ${name}`);
    if (store.ignores !== 'additions' && !store.deafTo.includes(this.idOf(fingerprint))) {
      this.#soon(store.lag, () => {
        if (store.held.has(fingerprint)) store.live.add(fingerprint);
      });
    }
  }

  /** Takes a fingerprint out of a store; judged when its server obeys. */
  distrust(by: string, name: string, fingerprint: string): void {
    const store = this.#store(name);
    store.held.delete(fingerprint);
    this.tell(`${by} takes ${this.idOf(fingerprint)} out of ${name}`);
    if (store.ignores === 'removals') return;
    this.#soon(store.lag, () => {
      if (store.held.has(fingerprint)) return;
      const before = this.#presentedAndAccepted();
      store.live.delete(fingerprint);
      this.#judge(before, `${by} takes ${this.idOf(fingerprint)} out of ${name}`);
    });
  }

  /** Somebody empties a file. */
  empty(name: string): void {
    const store = this.#store(name);
    store.held.clear();
    store.live.clear();
    this.#wasEmptied = true;
    this.tell(`somebody empties ${name}`);
  }

  /** From now on every server goes by its store; judged like any end of trust. */
  obey(): void {
    const before = this.#presentedAndAccepted();
    for (const store of this.stores.values()) {
      store.ignores = 'nothing';
      store.deafTo = [];
      store.live.clear();
      for (const fingerprint of store.held) store.live.add(fingerprint);
    }
    this.#judge(before, 'what was taken out of the stores takes effect');
  }

  #judge(before: readonly string[], what: string): void {
    const after = new Set(this.#presentedAndAccepted());
    for (const was of before) {
      if (!after.has(was)) this.violate(`${what}: ${was} no more`);
    }
  }

  /** What a store has held from the start. */
  furnish(name: string, fingerprint: string): void {
    this.#store(name).held.add(fingerprint);
    this.#store(name).live.add(fingerprint);
  }

  #soon(ms: number, happen: () => void): void {
    if (ms === 0) happen();
    else this.time.after(ms, happen);
  }

  #store(name: string): Store {
    const store = this.stores.get(name);
    if (!store) throw new Error(`there is no store ${name}`);
    return store;
  }

  #presentedAndAccepted(): string[] {
    return [...this.account().stages.keys()].flatMap((name) =>
      this.presented(name).flatMap((id) =>
        this.hostsOf(name)
          .filter((host) => this.accepts(host, id))
          .map((host) => `${name} presents ${id}, which ${host} accepts`),
      ),
    );
  }

  violate(what: string): void {
    this.tell(`VIOLATION ${what}`);
    this.violations.push(what);
  }
}
