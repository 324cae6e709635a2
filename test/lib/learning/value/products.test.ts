import fc from 'fast-check';
import {
  hiddenLayer,
  initialParameters,
  layerShapes,
  outputLayer,
  runLayers,
} from '../../../../lib/learning/rl/network';
import { dot32 } from '../../../../lib/learning/value/linear-algebra';
import { createProducts } from '../../../../lib/learning/value/products';
import { seededRandom } from '../../../../lib/random/seeded';

const float32 = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 }),
  fc.constantFrom(0, -0, 1e-45, -1e-38, 3e38, -3e38),
);
describe('products of fixed matrices', () => {
  test('products of rows are those of dot32 to the last bit, for any shape', () => {
    const shape = fc.record({ rows: fc.integer({ min: 0, max: 7 }), size: fc.integer({ min: 0, max: 23 }) });
    const values = fc.array(float32, { minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(shape, values, values, ({ rows, size }, weights, inputs) => {
        const matrix = Float32Array.from({ length: rows * size }, (_, i) => weights[i % weights.length]!);
        const vector = Float32Array.from({ length: size }, (_, i) => inputs[i % inputs.length]!);
        const [made] = createProducts([{ matrix, rows, size }], []).rows;
        for (let round = 0; round < 2; round++) {
          made!.vector.set(vector);
          made!.multiply();
          for (let row = 0; row < rows; row++)
            expect(made!.products[row]).toBe(dot32(matrix, row * size, vector, 0, size));
          vector.reverse();
        }
      }),
    );
  });

  test('layers come to what the network comes to, to the last bit', () => {
    const random = seededRandom(3, 'layers');
    for (let round = 0; round < 40; round++) {
      const shape = {
        inputs: 1 + random.integer(30),
        hidden: 1 + random.integer(20),
        actions: 1 + random.integer(9),
        heads: 1 + random.integer(10),
      };
      const parameters = initialParameters(shape, random);
      const { layers } = createProducts([], layerShapes(shape, parameters));
      for (let request = 0; request < 3; request++) {
        const x = Float32Array.from({ length: shape.inputs }, () => (random.next() < 0.3 ? 0 : random.normal()));
        const first = new Float32Array(shape.hidden);
        const second = new Float32Array(shape.hidden);
        const out = new Float32Array(shape.actions * shape.heads);
        hiddenLayer(shape, parameters, x, 0.7, first, second);
        outputLayer(shape, parameters, second, out);
        runLayers(layers, x, 0.7);
        expect(Array.from(layers[2]!.out)).toEqual(Array.from(out));
      }
    }
  });

  test('several matrices and layers do not write into each other', () => {
    const random = seededRandom(4, 'several');
    const shapes = [5, 4, 3].map((rows) => {
      const size = 7 + rows;
      return { matrix: Float32Array.from({ length: rows * size }, () => random.normal()), rows, size };
    });
    const network = { inputs: 6, hidden: 5, actions: 3, heads: 1 };
    const parameters = initialParameters(network, random);
    const { rows, layers } = createProducts(shapes, layerShapes(network, parameters));
    rows.forEach(({ vector }) => {
      for (let i = 0; i < vector.length; i++) vector[i] = Math.fround(random.normal());
    });
    rows.forEach((made) => {
      made.multiply();
    });
    runLayers(layers, new Float32Array(6).fill(1), 1);
    rows.forEach((made, k) => {
      const { matrix, size } = shapes[k]!;
      const vector = Float32Array.from(made.vector);
      expect(Array.from(made.products, (_, row) => dot32(matrix, row * size, vector, 0, size))).toEqual(
        Array.from(made.products),
      );
    });
  });
});
