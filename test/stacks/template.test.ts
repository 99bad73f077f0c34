import { describe, expect, test } from '@jest/globals';
import { parameterUse, readTemplate } from '../../src/stacks/template.js';

const stageWith = (certificate: string, more = '') => `
Parameters:
  Id: { Type: String }
  Ami: { Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>' }
Resources:
  Prod:
    Type: AWS::ApiGateway::Stage
    Properties: { StageName: prod, ClientCertificateId: ${certificate} }
${more}`;

const stages = (text: string) => parameterUse(text, 'Id').stages.map(({ logicalId }) => logicalId);

describe('the stages that a parameter sets are those whose certificate is its value:', () => {
  test.each([
    ['!Ref Id', ['Prod']],
    ['{ Ref: Id }', ['Prod']],
    ['!Sub "${Id}"', ['Prod']],
    ['!If [HasId, !Ref Id, !Ref "AWS::NoValue"]', ['Prod']],
    ['{ "Fn::If": [HasId, !Ref Other, { Ref: Id }] }', ['Prod']],
    ['!If [Id, a, b]', []],
    ['!Ref Other', []],
    ['!Sub "x${Id}"', []],
    ['abc123', []],
    ['[!Ref Id]', []],
    ['!GetAtt Id.Value', []],
  ])('%s', (certificate, expected) => {
    expect(stages(stageWith(certificate))).toEqual(expected);
  });

  test('of both services, in JSON, under a condition, and no other types', () => {
    const text = JSON.stringify({
      Parameters: { Id: { Type: 'String', NoEcho: 'true' } },
      Resources: {
        Socket: {
          Type: 'AWS::ApiGatewayV2::Stage',
          Condition: 'C',
          Properties: { ClientCertificateId: { Ref: 'Id' } },
        },
        Other: { Type: 'AWS::Serverless::Api', Properties: { ClientCertificateId: { Ref: 'Id' } } },
        Bare: { Type: 'AWS::ApiGateway::Stage' },
        Cert: { Type: 'AWS::ApiGateway::ClientCertificate' },
      },
    });
    expect(parameterUse(text, 'Id')).toMatchObject({
      parameter: { type: 'String', isHidden: true },
      stages: [{ logicalId: 'Socket', isConditional: true }],
      certificates: ['Cert'],
    });
    expect(parameterUse(text, 'Unknown')).toEqual({ stages: [], readAgain: [], certificates: ['Cert'] });
  });
});

describe('parameters that an update reads from Systems Manager again count where anything depends on them:', () => {
  test.each([
    ['  A: { Type: T, Properties: { Image: !Ref Ami } }', ['Ami']],
    ['  A: { Type: T, Properties: { Image: !Sub "a-${Ami}" } }', ['Ami']],
    ['  A: { Type: T, Properties: { Image: !Sub ["${X}${Ami}", { X: 1 }] } }', ['Ami']],
    ['  A: { Type: T, Properties: { Image: !Sub ["${X}", { X: !Ref Ami }] } }', ['Ami']],
    ['Outputs: { Image: { Value: !Ref Ami } }', ['Ami']],
    ['Conditions: { C: !Equals [!Ref Ami, x] }', ['Ami']],
    ['Rules: { Bootstrap: { Assertions: [{ Assert: !Equals [!Ref Ami, "6"] }] } }', []],
    ['  A: { Type: T, Properties: { Text: "Ami ${Ami}", Sub: !Sub "${!Ami}" } }', []],
    ['', []],
  ])('%s', (more, expected) => {
    expect(parameterUse(stageWith('!Ref Id', more), 'Id').readAgain).toEqual(expected);
  });

  test('the parameter itself is not one of them', () => {
    expect(parameterUse(stageWith('!Ref Ami'), 'Ami').readAgain).toEqual([]);
  });
});

test.each(['', '{', 'a text', '[]', 'Resources: []', '&a [*a, *a]', '\u0000'])(
  'is no template: %j',
  (text) => {
    expect(() => readTemplate(text)).toThrow('the template of the stack cannot be read');
  },
);

test('what keeps a resource is seen, and short forms of lists and mappings mean the long ones', () => {
  const { resources } = readTemplate(`
Resources:
  A: { Type: T, DeletionPolicy: Retain, Properties: { B: !GetAtt X.Y, C: !Join ["", [!Ref D, e]], F: !Transform { Name: n } } }
  G: { Type: T, DeletionPolicy: Delete }
  H: text
`);
  expect([...resources.keys()]).toEqual(['A', 'G']);
  expect(resources.get('A')).toMatchObject({
    isRetained: true,
    properties: {
      B: { 'Fn::GetAtt': ['X', 'Y'] },
      C: { 'Fn::Join': ['', [{ Ref: 'D' }, 'e']] },
      F: { 'Fn::Transform': { Name: 'n' } },
    },
  });
  expect(resources.get('G')).toMatchObject({ isRetained: false, properties: {} });
});
