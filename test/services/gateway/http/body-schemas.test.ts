import { schemaVersions } from '../../../../lib/topics/generated/schemas';
import { addMessage, fieldDoc, type JsonSchema } from '../../../../services/gateway/http/avro-json-schema';
import { feedbackBodySchema, routeBodySchema } from '../../../../services/gateway/http/body-schemas';

const fieldsOf = (message: string) =>
  (schemaVersions[message]!.at(-1)!.schema as { fields: { name: string }[] }).fields.map((field) => field.name);

test('bodies have exactly the fields of the messages, but for what the gateway itself fills in', () => {
  expect(Object.keys(routeBodySchema.shape).sort()).toEqual(
    fieldsOf('RouteRequested')
      .filter((name) => name !== 'replyTo' && name !== 'holds')
      .sort(),
  );
  expect(Object.keys(feedbackBodySchema.shape).sort()).toEqual(fieldsOf('RouteOutcome').sort());
});

test('messages become JSON Schema with their documentation; types they name are referred to', () => {
  const components: Record<string, JsonSchema> = {};
  expect(addMessage(components, 'ModelProfile')).toEqual({ $ref: '#/components/schemas/ModelProfile' });
  expect(Object.keys(components).sort()).toEqual([
    'Breaker',
    'BreakerChange',
    'Capacity',
    'DecayedStats',
    'Health',
    'LatencySketch',
    'ModelProfile',
  ]);
  expect(components['Health']).toMatchObject({ type: 'string', enum: ['CLOSED', 'HALF_OPEN', 'OPEN'] });
  const properties = components['Breaker']!['properties'] as Record<string, JsonSchema>;
  expect(properties['probeAtMs']).toMatchObject({
    anyOf: [{ type: 'null' }, { type: 'integer' }],
    description: fieldDoc('Breaker', 'probeAtMs'),
  });
});

test('what does not exist is refused by name', () => {
  expect(() => addMessage({}, 'Nothing')).toThrow('no message named Nothing');
  expect(() => fieldDoc('Breaker', 'nothing')).toThrow('Breaker.nothing is not documented');
});
