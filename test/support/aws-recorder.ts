/**
 * Stands in for all of AWS behind an intercepting proxy, and notes whom each call was meant for and who made it: so a
 * tool can be asked which account, Region and endpoint it chooses, real host names included.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startProxy, type Proxy } from './proxy.js';

/** One call as it arrived. */
export interface RecordedCall {
  /** `apigateway`, `sts`, `account`, `sso`; from the signature's scope or the request. */
  service: string;
  /** The host that was asked, or the name of the local server. */
  where: string;
  /** The access key that signed it; empty for calls that are not signed. */
  accessKey: string;
  /** Of the signature's scope. */
  region: string;
}

export interface AwsRecorder {
  proxy: Proxy;
  /** Local servers by name, for endpoint URLs. */
  local: Readonly<Record<string, string>>;
  /** All calls since the last look. */
  take(): RecordedCall[];
  close(): Promise<void>;
}

const REGIONS = ['us-east-1', 'us-west-2', 'eu-west-1', 'eu-west-2', 'eu-central-1', 'us-gov-west-1'];

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) body += chunk;
  return body;
}

/** The name of a role or user, fit for an access key. */
const short = (arn: string): string => (arn.split('/').at(-1) ?? '').replace(/\W/g, '');

function assumed(operation: string, accessKey: string): string {
  return `<${operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${operation}Result><Credentials>
<AccessKeyId>${accessKey}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>
<Arn>arn:aws:sts::123456789012:assumed-role/x/y</Arn><AssumedRoleId>AROA:y</AssumedRoleId></AssumedRoleUser>
</${operation}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${operation}Response>`;
}

/** @param names of local servers */
export async function startAwsRecorder(names: readonly string[]): Promise<AwsRecorder> {
  let calls: RecordedCall[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse, where: string): Promise<void> {
    const body = await bodyOf(request);
    const [, accessKey = '', region = '', scope = ''] =
      /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(request.headers.authorization ?? '') ?? [];
    const operation = /Action=(\w+)/.exec(body)?.[1] ?? '';
    const isSso = request.headers['x-amz-sso_bearer_token'] !== undefined;
    const service = isSso ? 'sso' : operation.startsWith('AssumeRole') ? 'sts' : scope;
    calls.push({ service, where, accessKey, region });
    const send = (type: string, text: string): void => {
      response.writeHead(200, { 'content-type': type, 'x-amzn-requestid': '1' }).end(text);
    };
    if (service === 'sts') {
      const role = decodeURIComponent(/RoleArn=([^&]+)/.exec(body)?.[1] ?? '');
      send('text/xml', assumed(operation, `ASIA${accessKey}${short(role)}`));
    } else if (isSso) {
      const { searchParams } = new URL(request.url ?? '', 'http://x');
      const accessKeyId = `ASIASSO${searchParams.get('account_id') ?? ''}${searchParams.get('role_name') ?? ''}`;
      const credentials = { accessKeyId, secretAccessKey: 'secret', sessionToken: 't', expiration: 4e12 };
      send('application/json', JSON.stringify({ roleCredentials: credentials }));
    } else if (service === 'account') {
      send(
        'application/json',
        JSON.stringify({ Regions: [{ RegionName: region, RegionOptStatus: 'ENABLED' }] }),
      );
    } else {
      send('application/json', JSON.stringify({ item: [] }));
    }
  }

  const servers = names.map((name) => ({
    name,
    server: createServer((request, response) => {
      void answer(request, response, name);
    }).listen(0, '127.0.0.1'),
  }));
  await Promise.all(servers.map(({ server }) => once(server, 'listening')));
  const proxy = await startProxy({
    intercept: {
      dnsNames: [
        ...REGIONS.flatMap((region) => [`*.${region}.amazonaws.com`, `*.${region}.api.aws`]),
        '*.amazonaws.com',
        '*.cn-north-1.amazonaws.com.cn',
        '*.cn-northwest-1.amazonaws.com.cn',
      ],
      answer: (request, response, host) => {
        void answer(request, response, host);
      },
    },
  });
  return {
    proxy,
    local: Object.fromEntries(
      servers.map(({ name, server }) => [name, `http://127.0.0.1:${(server.address() as AddressInfo).port}`]),
    ),
    take() {
      const taken = calls;
      calls = [];
      return taken;
    },
    async close() {
      for (const { server } of servers) {
        server.close();
        server.closeAllConnections();
      }
      await proxy.close();
    },
  };
}
