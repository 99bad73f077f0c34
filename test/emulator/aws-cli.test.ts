import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makePki } from '../support/acm.js';
import { startLab, type Lab } from '../support/emulator.js';

/** Every AWS CLI that the machine has on its PATH, by its file. */
function installedClis(): string[] {
  try {
    const found = execFileSync('which', ['-a', 'aws'], { encoding: 'utf8' }).trim().split('\n');
    return [...new Set(found.map((file) => realpathSync(file)))];
  } catch {
    return [];
  }
}

/** One is enough for every day: each takes a second a call. */
const clis = process.env['APIGW_CERT_FULL'] ? installedClis() : installedClis().slice(0, 1);

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(async () => {
  await lab.close();
});

/** Runs the CLI as a user would, and reads its JSON; `undefined` when it prints nothing. */
function awsCli(
  file: string,
  service: 'acm' | 'apigateway' | 'apigatewayv2' | 'cloudformation' = 'apigateway',
): (line: string, ...more: string[]) => Promise<Record<string, unknown> | undefined> {
  const env = {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    // An account for each, so that each begins with nothing.
    AWS_ACCESS_KEY_ID: `AKID${file}`.replaceAll('/', ''),
    AWS_SECRET_ACCESS_KEY: 'any secret',
    AWS_DEFAULT_REGION: 'ap-southeast-2',
    AWS_DEFAULT_OUTPUT: 'json',
    AWS_PAGER: '',
  };
  return async (line, ...more) => {
    const args = [service, ...line.split(' '), ...more, '--endpoint-url', lab.emulator.url];
    const { stdout } = await promisify(execFile)(file, args, { env });
    return stdout.trim() === '' ? undefined : (JSON.parse(stdout) as Record<string, unknown>);
  };
}

// A machine without the aws CLI has nothing to test; in CI it is installed, and a skip fails the run.
const cliTest = clis.length > 0 ? test.each(clis) : test.skip.each(['no aws on the PATH']);

cliTest('the AWS CLI runs all operations, unmodified: %s', async (file) => {
  const aws = awsCli(file);
  const made = await aws('generate-client-certificate --tags team=orders --description', 'for orders');
  expect(made).toMatchObject({ description: 'for orders', tags: { team: 'orders' } });
  const id = String(made?.['clientCertificateId']);
  expect(await aws(`get-client-certificate --client-certificate-id ${id}`)).toEqual(made);
  expect(await aws('get-client-certificates')).toEqual({ items: [made] });
  const patch = 'op=replace,path=/description,value=changed';
  const update = `update-client-certificate --client-certificate-id ${id} --patch-operations ${patch}`;
  expect(await aws(update)).toMatchObject({ description: 'changed' });

  const arn = `arn:aws:apigateway:ap-southeast-2::/clientcertificates/${id}`;
  await aws(`tag-resource --resource-arn ${arn} --tags a=1,b=2`);
  await aws(`untag-resource --resource-arn ${arn} --tag-keys a team`);
  expect(await aws(`get-tags --resource-arn ${arn}`)).toEqual({ tags: { b: '2' } });

  const api = await aws('create-rest-api --name orders');
  const restApi = `--rest-api-id ${String(api?.['id'])}`;
  expect(await aws(`get-rest-api ${restApi}`)).toEqual(api);
  expect(await aws('get-rest-apis')).toEqual({ items: [api] });
  // Older versions do not know the API's rootResourceId.
  const paths = (await aws(`get-resources ${restApi}`))?.['items'] as { id: string; path: string }[];
  const root = String(paths.find(({ path }) => path === '/')?.id);
  const resource = await aws(`create-resource ${restApi} --parent-id ${root} --path-part health`);
  const method = `${restApi} --resource-id ${String(resource?.['id'])} --http-method GET`;
  await aws(`put-method ${method} --authorization-type NONE`);
  const uri = `${lab.backend.url}/health`;
  await aws(
    `put-integration ${method} --type HTTP_PROXY --integration-http-method GET --uri ${uri} --tls-config insecureSkipVerification=true`,
  );
  expect(await aws(`get-integration ${method}`)).toMatchObject({
    uri,
    tlsConfig: { insecureSkipVerification: true },
  });
  expect(await aws(`get-method ${method}`)).toMatchObject({ methodIntegration: { type: 'HTTP_PROXY' } });
  const resources = await aws(`get-resources ${restApi} --embed methods`);
  expect(resources?.['items']).toHaveLength(2);

  const deployment = await aws(`create-deployment ${restApi} --stage-name prod`);
  expect(await aws(`get-deployments ${restApi}`)).toEqual({ items: [deployment] });
  await aws(`create-stage ${restApi} --stage-name test --deployment-id ${String(deployment?.['id'])}`);
  const attach = `op=replace,path=/clientCertificateId,value=${id}`;
  const stage = await aws(`update-stage ${restApi} --stage-name prod --patch-operations ${attach}`);
  expect(stage).toMatchObject({ clientCertificateId: id });
  expect(await aws(`get-stage ${restApi} --stage-name prod`)).toEqual(stage);
  expect((await aws(`get-stages ${restApi}`))?.['item']).toHaveLength(2);

  const invoke = `test-invoke-method ${method} --path-with-query-string /health?a=b --client-certificate-id ${id}`;
  expect(await aws(invoke)).toMatchObject({
    status: 403,
    log: expect.stringContaining('Method completed with status: 403'),
  });
  await expect(aws(`delete-client-certificate --client-certificate-id ${id}`)).rejects.toThrow(
    'An error occurred (BadRequestException) when calling the DeleteClientCertificate operation',
  );
  const detach = 'op=replace,path=/clientCertificateId,value=';
  await aws(`update-stage ${restApi} --stage-name prod --patch-operations ${detach}`);
  await aws(`delete-client-certificate --client-certificate-id ${id}`);
  await aws(`delete-stage ${restApi} --stage-name test`);
  await aws(`delete-rest-api ${restApi}`);
  expect(await aws('get-rest-apis')).toEqual({ items: [] });
  await expect(aws(`get-rest-api ${restApi}`)).rejects.toThrow('(NotFoundException)');
});

cliTest('the AWS CLI runs all operations of apigatewayv2, unmodified: %s', async (file) => {
  const aws = awsCli(file, 'apigatewayv2');
  const certificate = await awsCli(file)('generate-client-certificate');
  const id = String(certificate?.['clientCertificateId']);
  expect(await aws('get-apis')).toEqual({ Items: [] });
  const made = await aws(
    'create-api --name chat --protocol-type WEBSOCKET --route-selection-expression $request.body.action',
  );
  expect(made).toMatchObject({ Name: 'chat', ProtocolType: 'WEBSOCKET' });
  const api = `--api-id ${String(made?.['ApiId'])}`;
  expect(await aws(`get-api ${api}`)).toEqual(made);
  expect(await aws('get-apis')).toEqual({ Items: [made] });
  const uri = `${lab.backend.url}/messages`;
  const integration = await aws(
    `create-integration ${api} --integration-type HTTP_PROXY --integration-method POST --integration-uri ${uri}`,
  );
  const integrationId = String(integration?.['IntegrationId']);
  expect(await aws(`get-integration ${api} --integration-id ${integrationId}`)).toEqual(integration);
  expect(await aws(`get-integrations ${api}`)).toEqual({ Items: [integration] });
  const route = await aws(`create-route ${api} --route-key $default --target integrations/${integrationId}`);
  expect(await aws(`get-routes ${api}`)).toEqual({ Items: [route] });

  await aws(`create-stage ${api} --stage-name prod`);
  const deployment = await aws(`create-deployment ${api} --stage-name prod`);
  expect(await aws(`get-deployments ${api}`)).toEqual({ Items: [deployment] });
  const stage = await aws(`update-stage ${api} --stage-name prod --client-certificate-id ${id}`);
  expect(stage).toMatchObject({
    ClientCertificateId: id,
    StageName: 'prod',
    DeploymentId: deployment?.['DeploymentId'],
  });
  expect(await aws(`get-stage ${api} --stage-name prod`)).toEqual(stage);
  expect(await aws(`get-stages ${api}`)).toEqual({ Items: [stage] });
  await expect(awsCli(file)(`delete-client-certificate --client-certificate-id ${id}`)).rejects.toThrow(
    'BadRequestException',
  );
  await aws(`update-stage ${api} --stage-name prod --client-certificate-id`, '');
  await awsCli(file)(`delete-client-certificate --client-certificate-id ${id}`);

  const arn = `arn:aws:apigateway:ap-southeast-2::/apis/${String(made?.['ApiId'])}`;
  await aws(`tag-resource --resource-arn ${arn} --tags a=1,b=2`);
  await aws(`untag-resource --resource-arn ${arn} --tag-keys a`);
  expect(await aws(`get-tags --resource-arn ${arn}`)).toEqual({ Tags: { b: '2' } });
  await aws(`delete-stage ${api} --stage-name prod`);
  await aws(`delete-api ${api}`);
  await expect(aws(`get-api ${api}`)).rejects.toThrow(
    /\(NotFoundException\).*Invalid API identifier specified/,
  );
});

cliTest('the AWS CLI runs the operations of ACM, unmodified: %s', async (file) => {
  const aws = awsCli(file, 'acm');
  const pki = await makePki();
  const leaf = await pki.leaf();
  const folder = mkdtempSync(join(tmpdir(), 'apigw-cert-'));
  const written = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return `fileb://${join(folder, name)}`;
  };
  const key = written('key.pem', leaf.privateKeyPem);
  const imported = await aws(
    `import-certificate --certificate ${written('leaf.pem', leaf.pem)} --private-key ${key}`,
    '--certificate-chain',
    written('chain.pem', pki.issuing.pem),
  );
  rmSync(folder, { recursive: true });
  const certificate = `--certificate-arn ${String(imported?.['CertificateArn'])}`;
  expect(await aws(`get-certificate ${certificate}`)).toEqual({
    Certificate: leaf.pem,
    CertificateChain: pki.issuing.pem,
  });
  expect(await aws(`describe-certificate ${certificate}`)).toMatchObject({
    Certificate: { Type: 'IMPORTED', Status: 'ISSUED', KeyAlgorithm: 'EC_prime256v1', InUseBy: [] },
  });
  expect(await aws('list-certificates --includes keyTypes=EC_prime256v1')).toMatchObject({
    CertificateSummaryList: [imported],
  });
  await aws(`delete-certificate ${certificate}`);
  await expect(aws(`delete-certificate ${certificate}`)).rejects.toThrow('(ResourceNotFoundException)');
  if (!process.env['APIGW_CERT_FULL']) return;
  const requested = await aws('request-certificate --domain-name orders.example --tags Key=a,Value=1');
  const own = `--certificate-arn ${String(requested?.['CertificateArn'])}`;
  await aws(`add-tags-to-certificate ${own} --tags Key=b,Value=2`);
  await aws(`remove-tags-from-certificate ${own} --tags Key=a`);
  expect(await aws(`list-tags-for-certificate ${own}`)).toEqual({ Tags: [{ Key: 'b', Value: '2' }] });
});

cliTest('the AWS CLI runs the operations of CloudFormation, unmodified: %s', async (file) => {
  lab.emulator.configure({ stackStepMs: 0 });
  const aws = awsCli(file, 'cloudformation');
  const template = `{"Parameters": {"Name": {"Type": "String"}, "Text": {"Type": "String"}}, "Resources":
      {"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": {"Ref": "Name"}}},
       "Cert": {"Type": "AWS::ApiGateway::ClientCertificate", "Properties": {"Description": {"Ref": "Text"}}}}}`;
  const parameter = (name: string, what: string) => `ParameterKey=${name},${what}`;
  const made = await aws(
    'create-stack --stack-name orders --template-body',
    ...[template, '--parameters', parameter('Name', 'ParameterValue=orders')],
    ...[parameter('Text', 'ParameterValue=one'), '--tags', 'Key=a,Value=1'],
  );
  const updated = await aws(
    'update-stack --stack-name orders --use-previous-template --parameters',
    ...[parameter('Name', 'UsePreviousValue=true'), parameter('Text', 'ParameterValue=two')],
  );
  expect(updated).toEqual(made);
  expect(await aws('describe-stacks --stack-name orders')).toMatchObject({
    Stacks: [
      {
        ...made,
        StackStatus: 'UPDATE_COMPLETE',
        Parameters: [
          { ParameterKey: 'Name', ParameterValue: 'orders' },
          { ParameterKey: 'Text', ParameterValue: 'two' },
        ],
        Tags: [{ Key: 'a', Value: '1' }],
      },
    ],
  });
  if (!process.env['APIGW_CERT_FULL']) return;
  await aws('wait stack-update-complete --stack-name orders');
  const { StackEvents = [] } = (await aws('describe-stack-events --stack-name orders')) as {
    StackEvents?: object[];
  };
  expect(StackEvents).toHaveLength(10);
  expect((await aws('describe-stack-resources --stack-name orders'))?.['StackResources']).toHaveLength(2);
  expect(await aws('get-template --stack-name orders')).toMatchObject({
    TemplateBody: JSON.parse(template) as object,
  });
  await aws('delete-stack --stack-name orders');
  await aws('wait stack-delete-complete --stack-name orders');
});
