/**
 * The learner's inner loops in AssemblyScript: four float32 values at a time, which JavaScript cannot say. Matrices are
 * row-major float32; all arguments are byte addresses or counts. Only SIMD whose results WebAssembly fixes to the bit is
 * used (no relaxed operations), so every machine computes the same bytes.
 */

const bytes: i32 = 4;

// @ts-expect-error: decorator
@inline
function sumOf(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/**
 * c (m x n) = a (m x k) . b (k x n), added to what c holds when `accumulate` is not 0. a's element (i, j) lies at
 * i * aRow + j * aColumn, so a transpose needs no copy. Blocks of 4 rows and 8 columns stay in registers.
 */
export function multiply(
  a: i32, aRow: i32, aColumn: i32, b: i32, c: i32, m: i32, k: i32, n: i32, accumulate: i32,
): void {
  const rowBytes = aRow * bytes;
  const columnBytes = aColumn * bytes;
  const width = n * bytes;
  const wideColumns = n & ~7;
  const blockRows = m & ~3;
  for (let j = 0; j < wideColumns; j += 8) {
    const bColumn = b + j * bytes;
    for (let i = 0; i < blockRows; i += 4) {
      let a0 = a + i * rowBytes;
      let a1 = a0 + rowBytes;
      let a2 = a1 + rowBytes;
      let a3 = a2 + rowBytes;
      const c0 = c + i * width + j * bytes;
      const c1 = c0 + width;
      const c2 = c1 + width;
      const c3 = c2 + width;
      let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
      if (accumulate) {
        s00 = v128.load(c0); s01 = v128.load(c0, 16);
        s10 = v128.load(c1); s11 = v128.load(c1, 16);
        s20 = v128.load(c2); s21 = v128.load(c2, 16);
        s30 = v128.load(c3); s31 = v128.load(c3, 16);
      }
      let row = bColumn;
      for (let x = 0; x < k; x++) {
        const b0 = v128.load(row);
        const b1 = v128.load(row, 16);
        let v = v128.load32_splat(a0);
        s00 = f32x4.add(s00, f32x4.mul(v, b0)); s01 = f32x4.add(s01, f32x4.mul(v, b1));
        v = v128.load32_splat(a1);
        s10 = f32x4.add(s10, f32x4.mul(v, b0)); s11 = f32x4.add(s11, f32x4.mul(v, b1));
        v = v128.load32_splat(a2);
        s20 = f32x4.add(s20, f32x4.mul(v, b0)); s21 = f32x4.add(s21, f32x4.mul(v, b1));
        v = v128.load32_splat(a3);
        s30 = f32x4.add(s30, f32x4.mul(v, b0)); s31 = f32x4.add(s31, f32x4.mul(v, b1));
        row += width;
        a0 += columnBytes; a1 += columnBytes; a2 += columnBytes; a3 += columnBytes;
      }
      v128.store(c0, s00); v128.store(c0, s01, 16);
      v128.store(c1, s10); v128.store(c1, s11, 16);
      v128.store(c2, s20); v128.store(c2, s21, 16);
      v128.store(c3, s30); v128.store(c3, s31, 16);
    }
    for (let i = blockRows; i < m; i++) {
      let a0 = a + i * rowBytes;
      const c0 = c + i * width + j * bytes;
      let s0 = f32x4.splat(0), s1 = s0;
      if (accumulate) { s0 = v128.load(c0); s1 = v128.load(c0, 16); }
      let row = bColumn;
      for (let x = 0; x < k; x++) {
        const v = v128.load32_splat(a0);
        s0 = f32x4.add(s0, f32x4.mul(v, v128.load(row)));
        s1 = f32x4.add(s1, f32x4.mul(v, v128.load(row, 16)));
        row += width;
        a0 += columnBytes;
      }
      v128.store(c0, s0); v128.store(c0, s1, 16);
    }
  }
  for (let i = 0; i < m; i++) {
    for (let j = wideColumns; j < n; j++) {
      const at = c + i * width + j * bytes;
      let sum: f32 = accumulate ? load<f32>(at) : 0;
      for (let x = 0; x < k; x++) sum += load<f32>(a + i * rowBytes + x * columnBytes) * load<f32>(b + x * width + j * bytes);
      store<f32>(at, sum);
    }
  }
}

/** Adds the bias (n) to each row of a matrix (m x n), and cuts off what is negative. */
export function addBiasAndRectify(matrix: i32, bias: i32, m: i32, n: i32): void {
  const zero = f32x4.splat(0);
  for (let i = 0; i < m; i++) {
    const row = matrix + i * n * bytes;
    let j = 0;
    for (; j + 4 <= n; j += 4) {
      const at = row + j * bytes;
      v128.store(at, f32x4.pmax(f32x4.add(v128.load(at), v128.load(bias + j * bytes)), zero));
    }
    for (; j < n; j++) {
      const value = load<f32>(row + j * bytes) + load<f32>(bias + j * bytes);
      store<f32>(row + j * bytes, value < 0 ? 0 : value);
    }
  }
}

/** Sets to 0 every gradient (length n) whose unit was cut off, that is whose value is not above 0. */
export function maskRectified(gradient: i32, values: i32, n: i32): void {
  const zero = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = gradient + i * bytes;
    v128.store(at, v128.and(v128.load(at), f32x4.gt(v128.load(values + i * bytes), zero)));
  }
  for (; i < n; i++) if (!(load<f32>(values + i * bytes) > 0)) store<f32>(gradient + i * bytes, 0);
}

/** sums (n) = the sums over the rows of a matrix (m x n). */
export function sumRows(matrix: i32, sums: i32, m: i32, n: i32): void {
  memory.fill(sums, 0, n * bytes);
  for (let i = 0; i < m; i++) {
    let j = 0;
    for (; j + 4 <= n; j += 4) {
      const at = sums + j * bytes;
      v128.store(at, f32x4.add(v128.load(at), v128.load(matrix + (i * n + j) * bytes)));
    }
    for (; j < n; j++) {
      const at = sums + j * bytes;
      store<f32>(at, load<f32>(at) + load<f32>(matrix + (i * n + j) * bytes));
    }
  }
}

/** to (n x m) = the transpose of a matrix (m x n). */
export function transpose(matrix: i32, to: i32, m: i32, n: i32): void {
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) store<f32>(to + (j * m + i) * bytes, load<f32>(matrix + (i * n + j) * bytes));
}

// @ts-ignore: decorator
@inline
function dotOf(a: i32, b: i32, n: i32): f32 {
  let s0 = f32x4.splat(0), s1 = s0;
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a + i * bytes), v128.load(b + i * bytes)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(a + i * bytes, 16), v128.load(b + i * bytes, 16)));
  }
  let sum = sumOf(f32x4.add(s0, s1));
  for (; i < n; i++) sum += load<f32>(a + i * bytes) * load<f32>(b + i * bytes);
  return sum;
}

// @ts-ignore: decorator
@inline
function addScaledTo(to: i32, factor: f32, from: i32, n: i32): void {
  const v = f32x4.splat(factor);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = to + i * bytes;
    v128.store(at, f32x4.add(v128.load(at), f32x4.mul(v, v128.load(from + i * bytes))));
  }
  for (; i < n; i++) {
    const at = to + i * bytes;
    store<f32>(at, load<f32>(at) + factor * load<f32>(from + i * bytes));
  }
}

/** out (m) = matrix (m x n) . vector (n). */
export function dots(matrix: i32, vector: i32, out: i32, m: i32, n: i32): void {
  for (let i = 0; i < m; i++) store<f32>(out + i * bytes, dotOf(matrix + i * n * bytes, vector, n));
}

/**
 * The last layer of a Q-network for those outputs of each row that have a target, forwards and backwards: most rows know the
 * outcome of one action of a dozen. `weights` and `targets` (rows x outputs), hidden values h (rows x hidden); the layer w and
 * its gradient gW are transposed (outputs x hidden), so that everything runs along the hidden units. Writes values
 * (rows x outputs, 0 where nothing is known), gH (rows x hidden), gW and gBias; returns the loss.
 */
export function outputLayer(
  h: i32, w: i32, bias: i32, targets: i32, weights: i32, rows: i32, hidden: i32, outputs: i32,
  delta: f32, values: i32, gH: i32, gW: i32, gBias: i32,
): f32 {
  const share: f32 = 1 / <f32>rows;
  const width = hidden * bytes;
  let loss: f64 = 0;
  memory.fill(values, 0, rows * outputs * bytes);
  memory.fill(gH, 0, rows * width);
  memory.fill(gW, 0, outputs * width);
  memory.fill(gBias, 0, outputs * bytes);
  for (let r = 0; r < rows; r++) {
    const hRow = h + r * width;
    for (let o = 0; o < outputs; o++) {
      const at = (r * outputs + o) * bytes;
      const weight = load<f32>(weights + at);
      if (weight == 0) continue;
      const column = w + o * width;
      const value = dotOf(hRow, column, hidden) + load<f32>(bias + o * bytes);
      store<f32>(values + at, value);
      const error = value - load<f32>(targets + at);
      const cut = error > delta ? delta : error < -delta ? -delta : error;
      const gradient = cut * (weight * share);
      loss += <f64>(gradient * (error - <f32>0.5 * cut));
      const biasAt = gBias + o * bytes;
      store<f32>(biasAt, load<f32>(biasAt) + gradient);
      addScaledTo(gH + r * width, gradient, column, hidden);
      addScaledTo(gW + o * width, gradient, hRow, hidden);
    }
  }
  return <f32>loss;
}

/** Euclidean norm of n values. */
export function norm(values: i32, n: i32): f32 {
  let sum: f64 = 0;
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(values + i * bytes);
    sum += <f64>sumOf(f32x4.mul(v, v));
  }
  for (; i < n; i++) {
    const v = load<f32>(values + i * bytes);
    sum += <f64>(v * v);
  }
  return <f32>Math.sqrt(sum);
}

/**
 * Adam with decoupled weight decay, in place, over n parameters. The gradient counts `shorten` times; `rate` and
 * `secondCorrection` carry the corrections for the start of the means; `kept` is what weight decay leaves.
 */
export function adam(
  theta: i32, first: i32, second: i32, gradient: i32, n: i32,
  shorten: f32, beta1: f32, beta2: f32, rate: f32, secondCorrection: f32, kept: f32, epsilon: f32,
): void {
  const vShorten = f32x4.splat(shorten), vBeta1 = f32x4.splat(beta1), vBeta2 = f32x4.splat(beta2);
  const vRest1 = f32x4.splat(1 - beta1), vRest2 = f32x4.splat(1 - beta2);
  const vRate = f32x4.splat(rate), vSecond = f32x4.splat(secondCorrection), vKept = f32x4.splat(kept);
  const vEpsilon = f32x4.splat(epsilon);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = i * bytes;
    const g = f32x4.mul(v128.load(gradient + at), vShorten);
    const m = f32x4.add(f32x4.mul(v128.load(first + at), vBeta1), f32x4.mul(g, vRest1));
    const v = f32x4.add(f32x4.mul(v128.load(second + at), vBeta2), f32x4.mul(f32x4.mul(g, g), vRest2));
    v128.store(first + at, m);
    v128.store(second + at, v);
    const spread = f32x4.add(f32x4.sqrt(f32x4.mul(v, vSecond)), vEpsilon);
    const kept4 = f32x4.mul(v128.load(theta + at), vKept);
    v128.store(theta + at, f32x4.sub(kept4, f32x4.mul(f32x4.div(m, spread), vRate)));
  }
  for (; i < n; i++) {
    const at = i * bytes;
    const g = load<f32>(gradient + at) * shorten;
    const m = load<f32>(first + at) * beta1 + g * (1 - beta1);
    const v = load<f32>(second + at) * beta2 + g * g * (1 - beta2);
    store<f32>(first + at, m);
    store<f32>(second + at, v);
    const spread = <f32>Math.sqrt(<f64>(v * secondCorrection)) + epsilon;
    store<f32>(theta + at, load<f32>(theta + at) * kept - (m / spread) * rate);
  }
}

/**
 * Sketches are packed: a bit for each of their n values, n a multiple of 32, then those int8 values that are not 0. `starts`: the address
 * of each of them.
 */

/** sums (n float32) plus the sum of sketches, each times its scale. */
export function sumSketches(starts: i32, scales: i32, rows: i32, sums: i32, n: i32): void {
  for (let r = 0; r < rows; r++) {
    const sketch = load<i32>(starts + r * bytes);
    const scale = load<f32>(scales + r * bytes);
    let value = sketch + (n >> 3);
    for (let word = 0; word < n; word += 32) {
      for (let left = load<u32>(sketch + (word >> 3)); left != 0; left &= left - 1) {
        const at = sums + (word + <i32>ctz(left)) * bytes;
        store<f32>(at, load<f32>(at) + scale * <f32>load<i8>(value++));
      }
    }
  }
}

/** out (rows x 32) = scale * sketch . matrix (n x 32) less `shift` (32), for each of the sketches. */
export function projectSketches(
  starts: i32, scales: i32, rows: i32, matrix: i32, shift: i32, out: i32, n: i32,
): void {
  for (let r = 0; r < rows; r++) {
    const to = out + r * 128;
    project(load<i32>(starts + r * bytes), matrix, to, n);
    const scale = f32x4.splat(load<f32>(scales + r * bytes));
    for (let c = 0; c < 128; c += 16)
      v128.store(to + c, f32x4.sub(f32x4.mul(scale, v128.load(to + c)), v128.load(shift + c)));
  }
}

/** matrix (n x 32) plus the outer products of the sketches, times their scales, with coordinates (rows x 32). */
export function addSketchProducts(
  starts: i32, scales: i32, rows: i32, coordinates: i32, matrix: i32, n: i32,
): void {
  for (let r = 0; r < rows; r++) {
    const from = coordinates + r * 128;
    const scale = f32x4.splat(load<f32>(scales + r * bytes));
    const c0 = f32x4.mul(scale, v128.load(from)), c1 = f32x4.mul(scale, v128.load(from, 16));
    const c2 = f32x4.mul(scale, v128.load(from, 32)), c3 = f32x4.mul(scale, v128.load(from, 48));
    const c4 = f32x4.mul(scale, v128.load(from, 64)), c5 = f32x4.mul(scale, v128.load(from, 80));
    const c6 = f32x4.mul(scale, v128.load(from, 96)), c7 = f32x4.mul(scale, v128.load(from, 112));
    const sketch = load<i32>(starts + r * bytes);
    let value = sketch + (n >> 3);
    for (let word = 0; word < n; word += 32) {
      for (let left = load<u32>(sketch + (word >> 3)); left != 0; left &= left - 1) {
        const v = f32x4.splat(<f32>load<i8>(value++));
        const row = matrix + (word + <i32>ctz(left)) * 128;
        v128.store(row, f32x4.add(v128.load(row), f32x4.mul(v, c0)));
        v128.store(row, f32x4.add(v128.load(row, 16), f32x4.mul(v, c1)), 16);
        v128.store(row, f32x4.add(v128.load(row, 32), f32x4.mul(v, c2)), 32);
        v128.store(row, f32x4.add(v128.load(row, 48), f32x4.mul(v, c3)), 48);
        v128.store(row, f32x4.add(v128.load(row, 64), f32x4.mul(v, c4)), 64);
        v128.store(row, f32x4.add(v128.load(row, 80), f32x4.mul(v, c5)), 80);
        v128.store(row, f32x4.add(v128.load(row, 96), f32x4.mul(v, c6)), 96);
        v128.store(row, f32x4.add(v128.load(row, 112), f32x4.mul(v, c7)), 112);
      }
    }
  }
}

/** sums (clusters x n) plus each row (rows x n) in the place of its largest cosine (rows x clusters); the first of equal ones. */
export function sumNearest(cosines: i32, from: i32, sums: i32, rows: i32, clusters: i32, n: i32): void {
  for (let r = 0; r < rows; r++) {
    const own = cosines + r * clusters * bytes;
    let best = 0;
    let most = load<f32>(own);
    for (let k = 1; k < clusters; k++) {
      const cosine = load<f32>(own + k * bytes);
      if (cosine > most) {
        most = cosine;
        best = k;
      }
    }
    const row = from + r * n * bytes;
    const sum = sums + best * n * bytes;
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      const at = sum + i * bytes;
      v128.store(at, f32x4.add(v128.load(at), v128.load(row + i * bytes)));
    }
    for (; i < n; i++) {
      const at = sum + i * bytes;
      store<f32>(at, load<f32>(at) + load<f32>(row + i * bytes));
    }
  }
}

/** out (32) = sketch . matrix (n x 32), for one packed sketch. */
export function project(sketch: i32, matrix: i32, out: i32, n: i32): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  let value = sketch + (n >> 3);
  for (let word = 0; word < n; word += 32) {
    for (let left = load<u32>(sketch + (word >> 3)); left != 0; left &= left - 1) {
      const v = f32x4.splat(<f32>load<i8>(value++));
      const row = matrix + (word + <i32>ctz(left)) * 128;
      s0 = f32x4.add(s0, f32x4.mul(v, v128.load(row)));
      s1 = f32x4.add(s1, f32x4.mul(v, v128.load(row, 16)));
      s2 = f32x4.add(s2, f32x4.mul(v, v128.load(row, 32)));
      s3 = f32x4.add(s3, f32x4.mul(v, v128.load(row, 48)));
      s4 = f32x4.add(s4, f32x4.mul(v, v128.load(row, 64)));
      s5 = f32x4.add(s5, f32x4.mul(v, v128.load(row, 80)));
      s6 = f32x4.add(s6, f32x4.mul(v, v128.load(row, 96)));
      s7 = f32x4.add(s7, f32x4.mul(v, v128.load(row, 112)));
    }
  }
  v128.store(out, s0); v128.store(out, s1, 16); v128.store(out, s2, 32); v128.store(out, s3, 48);
  v128.store(out, s4, 64); v128.store(out, s5, 80); v128.store(out, s6, 96); v128.store(out, s7, 112);
}

/**
 * One observation's Kalman step on a covariance (n x n float32, the rows of its lower triangle one behind the other):
 * gain (n) = covariance . phi, and the covariance less what was learned. Returns noise + phi . covariance . phi.
 */
function observe(covariance: i32, phi: i32, gain: i32, n: i32, noise: f32): f32 {
  memory.fill(gain, 0, n * bytes);
  let row = covariance;
  for (let i = 0; i < n; i++) {
    const value = load<f32>(phi + i * bytes);
    const vValue = f32x4.splat(value);
    let vSum = f32x4.splat(0);
    let j = 0;
    for (; j + 4 <= i; j += 4) {
      const p = v128.load(row + j * bytes);
      const at = gain + j * bytes;
      vSum = f32x4.add(vSum, f32x4.mul(p, v128.load(phi + j * bytes)));
      v128.store(at, f32x4.add(v128.load(at), f32x4.mul(p, vValue)));
    }
    let sum = sumOf(vSum);
    for (; j < i; j++) {
      const p = load<f32>(row + j * bytes);
      const at = gain + j * bytes;
      sum += p * load<f32>(phi + j * bytes);
      store<f32>(at, load<f32>(at) + p * value);
    }
    const own = gain + i * bytes;
    store<f32>(own, load<f32>(own) + (sum + load<f32>(row + i * bytes) * value));
    row += (i + 1) * bytes;
  }
  let total = noise;
  for (let i = 0; i < n; i++) total += load<f32>(gain + i * bytes) * load<f32>(phi + i * bytes);
  row = covariance;
  for (let i = 0; i < n; i++) {
    const factor = load<f32>(gain + i * bytes) / total;
    const vFactor = f32x4.splat(factor);
    let j = 0;
    for (; j + 4 <= i + 1; j += 4) {
      const at = row + j * bytes;
      v128.store(at, f32x4.sub(v128.load(at), f32x4.mul(vFactor, v128.load(gain + j * bytes))));
    }
    for (; j <= i; j++) {
      const at = row + j * bytes;
      store<f32>(at, load<f32>(at) - factor * load<f32>(gain + j * bytes));
    }
    row += (i + 1) * bytes;
  }
  return total;
}

// @ts-ignore: decorator
@inline
function dot64(a: i32, b: i32, n: i32): f64 {
  let s0 = f64x2.splat(0), s1 = s0;
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(a + (i << 3)), v128.load(b + (i << 3))));
    s1 = f64x2.add(s1, f64x2.mul(v128.load(a + (i << 3), 16), v128.load(b + (i << 3), 16)));
  }
  s0 = f64x2.add(s0, s1);
  let sum = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1);
  for (; i < n; i++) sum += load<f64>(a + (i << 3)) * load<f64>(b + (i << 3));
  return sum;
}

/**
 * The Cholesky factor of a symmetric matrix (n x n float64), in the place of its lower triangle. Returns -1, or the first
 * row at which the matrix is not positive definite.
 */
export function factorize(matrix: i32, n: i32): i32 {
  const width = n << 3;
  let i = 0;
  // Two rows at a time, so that additions overlap; each is summed as it would be alone.
  for (; i + 2 <= n; i += 2) {
    const row = matrix + i * width;
    const below = row + width;
    for (let j = 0; j < i; j++) {
      const other = matrix + j * width;
      let a0 = f64x2.splat(0), a1 = a0, b0 = a0, b1 = a0;
      let k = 0;
      for (; k + 4 <= j; k += 4) {
        const at = k << 3;
        const o0 = v128.load(other + at), o1 = v128.load(other + at, 16);
        a0 = f64x2.add(a0, f64x2.mul(v128.load(row + at), o0));
        a1 = f64x2.add(a1, f64x2.mul(v128.load(row + at, 16), o1));
        b0 = f64x2.add(b0, f64x2.mul(v128.load(below + at), o0));
        b1 = f64x2.add(b1, f64x2.mul(v128.load(below + at, 16), o1));
      }
      a0 = f64x2.add(a0, a1);
      b0 = f64x2.add(b0, b1);
      let a = f64x2.extract_lane(a0, 0) + f64x2.extract_lane(a0, 1);
      let b = f64x2.extract_lane(b0, 0) + f64x2.extract_lane(b0, 1);
      for (; k < j; k++) {
        const o = load<f64>(other + (k << 3));
        a += load<f64>(row + (k << 3)) * o;
        b += load<f64>(below + (k << 3)) * o;
      }
      const at = j << 3;
      const pivot = load<f64>(other + at);
      store<f64>(row + at, (load<f64>(row + at) - a) / pivot);
      store<f64>(below + at, (load<f64>(below + at) - b) / pivot);
    }
    if (!finishRow(row, i)) return i;
    const at = i << 3;
    store<f64>(below + at, (load<f64>(below + at) - dot64(below, row, i)) / load<f64>(row + at));
    if (!finishRow(below, i + 1)) return i + 1;
  }
  if (i < n) {
    const row = matrix + i * width;
    for (let j = 0; j < i; j++) {
      const other = matrix + j * width;
      const at = row + (j << 3);
      store<f64>(at, (load<f64>(at) - dot64(row, other, j)) / load<f64>(other + (j << 3)));
    }
    if (!finishRow(row, i)) return i;
  }
  return -1;
}

/** The diagonal of a row of a Cholesky factor; false when the matrix is not positive definite there. */
// @ts-ignore: decorator
@inline
function finishRow(row: i32, i: i32): bool {
  const at = row + (i << 3);
  const left = load<f64>(at) - dot64(row, row, i);
  if (!(left > 0)) return false;
  store<f64>(at, Math.sqrt(left));
  return true;
}

/**
 * inverse (the rows of its lower triangle one behind the other, float32) of the matrix with this Cholesky factor (n x n
 * float64). `scratch`: n x n float64.
 */
export function invertFactor(factor: i32, scratch: i32, inverse: i32, n: i32): void {
  const width = n << 3;
  // Row j of scratch: column j of the factor's inverse, from j on.
  for (let j = 0; j < n; j++) {
    const column = scratch + j * width;
    store<f64>(column + (j << 3), 1 / load<f64>(factor + j * width + (j << 3)));
    for (let i = j + 1; i < n; i++) {
      const row = factor + i * width;
      const sum = dot64(row + (j << 3), column + (j << 3), i - j);
      store<f64>(column + (i << 3), -sum / load<f64>(row + (i << 3)));
    }
  }
  let to = inverse;
  for (let i = 0; i < n; i++) {
    const a = scratch + i * width + (i << 3);
    const length = n - i;
    let j = 0;
    // Two at a time, so that additions overlap; each is summed as it would be alone.
    for (; j + 2 <= i + 1; j += 2) {
      const p = scratch + j * width + (i << 3);
      const q = p + width;
      let p0 = f64x2.splat(0), p1 = p0, q0 = p0, q1 = p0;
      let k = 0;
      for (; k + 4 <= length; k += 4) {
        const at = k << 3;
        const a0 = v128.load(a + at), a1 = v128.load(a + at, 16);
        p0 = f64x2.add(p0, f64x2.mul(a0, v128.load(p + at)));
        p1 = f64x2.add(p1, f64x2.mul(a1, v128.load(p + at, 16)));
        q0 = f64x2.add(q0, f64x2.mul(a0, v128.load(q + at)));
        q1 = f64x2.add(q1, f64x2.mul(a1, v128.load(q + at, 16)));
      }
      p0 = f64x2.add(p0, p1);
      q0 = f64x2.add(q0, q1);
      let sumP = f64x2.extract_lane(p0, 0) + f64x2.extract_lane(p0, 1);
      let sumQ = f64x2.extract_lane(q0, 0) + f64x2.extract_lane(q0, 1);
      for (; k < length; k++) {
        const v = load<f64>(a + (k << 3));
        sumP += v * load<f64>(p + (k << 3));
        sumQ += v * load<f64>(q + (k << 3));
      }
      store<f32>(to, <f32>sumP);
      store<f32>(to, <f32>sumQ, 4);
      to += 2 * bytes;
    }
    for (; j <= i; j++) {
      store<f32>(to, <f32>dot64(a, scratch + j * width + (i << 3), length));
      to += bytes;
    }
  }
}

/** gram (n x n float64, its upper half) plus the outer products of rows (count x n float64) with themselves. */
export function addOuterProducts(gram: i32, rows: i32, count: i32, n: i32): void {
  const width = n << 3;
  let r = 0;
  for (; r + 4 <= count; r += 4) {
    const r0 = rows + r * width;
    const r1 = r0 + width;
    const r2 = r1 + width;
    const r3 = r2 + width;
    for (let i = 0; i < n; i++) {
      const at = i << 3;
      const v0 = v128.load64_splat(r0 + at), v1 = v128.load64_splat(r1 + at);
      const v2 = v128.load64_splat(r2 + at), v3 = v128.load64_splat(r3 + at);
      const out = gram + i * width;
      // From an even column on, so that vectors stay aligned: at most one value of the lower half is touched.
      let j = i & ~1;
      for (; j + 2 <= n; j += 2) {
        const c = j << 3;
        const low = f64x2.add(f64x2.mul(v0, v128.load(r0 + c)), f64x2.mul(v1, v128.load(r1 + c)));
        const high = f64x2.add(f64x2.mul(v2, v128.load(r2 + c)), f64x2.mul(v3, v128.load(r3 + c)));
        v128.store(out + c, f64x2.add(v128.load(out + c), f64x2.add(low, high)));
      }
      if (j < n) {
        const c = j << 3;
        const low = load<f64>(r0 + at) * load<f64>(r0 + c) + load<f64>(r1 + at) * load<f64>(r1 + c);
        const high = load<f64>(r2 + at) * load<f64>(r2 + c) + load<f64>(r3 + at) * load<f64>(r3 + c);
        store<f64>(out + c, load<f64>(out + c) + (low + high));
      }
    }
  }
  for (; r < count; r++) {
    const row = rows + r * width;
    for (let i = 0; i < n; i++) addScaledRow(gram + i * width + (i << 3), load<f64>(row + (i << 3)), row + (i << 3), n - i);
  }
}

/** to (n) += factor * from (n), float64. */
// @ts-ignore: decorator
@inline
function addScaledRow(to: i32, factor: f64, from: i32, n: i32): void {
  const v = f64x2.splat(factor);
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    const at = to + (i << 3);
    v128.store(at, f64x2.add(v128.load(at), f64x2.mul(v, v128.load(from + (i << 3)))));
  }
  if (i < n) {
    const at = to + (i << 3);
    store<f64>(at, load<f64>(at) + factor * load<f64>(from + (i << 3)));
  }
}

/** Makes the rows of a matrix (rows x n float64) orthonormal in place, by modified Gram-Schmidt, so many times over. A row of zeros stays. */
export function orthonormalize(matrix: i32, rows: i32, n: i32, passes: i32): void {
  const width = n << 3;
  for (let pass = 0; pass < passes; pass++) {
    for (let i = 0; i < rows; i++) {
      const row = matrix + i * width;
      for (let j = 0; j < i; j++) {
        const other = matrix + j * width;
        addScaledRow(row, -dot64(row, other, n), other, n);
      }
      const norm = Math.sqrt(dot64(row, row, n));
      const factor = norm > 1e-9 ? 1 / norm : 0;
      for (let k = 0; k < n; k++) {
        const at = row + (k << 3);
        store<f64>(at, load<f64>(at) * factor);
      }
    }
  }
}

/** moments (wide x n) plus the sum over rows (count x n) of factors (count x wide) times the row; all float64. */
export function addMoments(moments: i32, factors: i32, rows: i32, count: i32, wide: i32, n: i32): void {
  for (let r = 0; r < count; r++) {
    for (let t = 0; t < wide; t++)
      addScaledRow(moments + ((t * n) << 3), load<f64>(factors + ((r * wide + t) << 3)), rows + ((r * n) << 3), n);
  }
}

/** Solves factor . x = vector in the vector's place (n float64). */
export function solveLower(factor: i32, vector: i32, n: i32): void {
  for (let i = 0; i < n; i++) {
    const row = factor + ((i * n) << 3);
    const at = vector + (i << 3);
    store<f64>(at, (load<f64>(at) - dot64(row, vector, i)) / load<f64>(row + (i << 3)));
  }
}

/** Solves factor . factor^T . x = vector, each vector (n float64) in its place. */
export function solve(factor: i32, vectors: i32, count: i32, n: i32): void {
  for (let k = 0; k < count; k++) {
    const vector = vectors + ((k * n) << 3);
    solveLower(factor, vector, n);
    for (let i = n - 1; i >= 0; i--) {
      const row = factor + ((i * n) << 3);
      const at = vector + (i << 3);
      const x = load<f64>(at) / load<f64>(row + (i << 3));
      store<f64>(at, x);
      addScaledRow(vector, -x, row, i);
    }
  }
}

// @ts-expect-error: decorator
@inline
function firstTwo(row: v128): v128 {
  return f64x2.promote_low_f32x4(row);
}

// @ts-expect-error: decorator
@inline
function lastTwo(row: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(row, row, 2, 3, 2, 3));
}

// @ts-expect-error: decorator
@inline
function sumOfFour(first: v128, second: v128): f64 {
  return (
    f64x2.extract_lane(first, 0) + f64x2.extract_lane(first, 1) +
    (f64x2.extract_lane(second, 0) + f64x2.extract_lane(second, 1))
  );
}

/**
 * Products of the rows of a float32 matrix with a float64 vector, float64 each, summed as `dot32` sums them: what serves is
 * the same to the last bit as plain loops make it. `rows` is even: two are summed at a time, so that additions overlap.
 */
export function exactDots(matrix: i32, rows: i32, size: i32, vector: i32, out: i32): void {
  const stride = size * bytes;
  const whole = vector + (size & ~3) * 8;
  const end = vector + size * 8;
  let p = matrix;
  for (; rows > 0; rows -= 2, out += 16) {
    let q = p + stride;
    let a0 = f64x2.splat(0), a1 = a0, b0 = a0, b1 = a0;
    let v = vector;
    for (; v < whole; v += 32, p += 16, q += 16) {
      const x0 = v128.load(v);
      const x1 = v128.load(v, 16);
      let row = v128.load(p);
      a0 = f64x2.add(a0, f64x2.mul(firstTwo(row), x0));
      a1 = f64x2.add(a1, f64x2.mul(lastTwo(row), x1));
      row = v128.load(q);
      b0 = f64x2.add(b0, f64x2.mul(firstTwo(row), x0));
      b1 = f64x2.add(b1, f64x2.mul(lastTwo(row), x1));
    }
    for (; v < end; v += 8, p += bytes, q += bytes) {
      const x = load<f64>(v);
      a0 = f64x2.replace_lane(a0, 0, f64x2.extract_lane(a0, 0) + <f64>load<f32>(p) * x);
      b0 = f64x2.replace_lane(b0, 0, f64x2.extract_lane(b0, 0) + <f64>load<f32>(q) * x);
    }
    store<f64>(out, sumOfFour(a0, a1));
    store<f64>(out, sumOfFour(b0, b1), 8);
    p = q;
  }
}

// @ts-expect-error: decorator
@inline
function plusFour(sum: v128, p0: v128, p1: v128, p2: v128, p3: v128): v128 {
  return f64x2.add(f64x2.add(f64x2.add(sum, p0), p1), f64x2.add(p2, p3));
}

/**
 * out += input . weights of a layer, four inputs at a time and rounded to float32 after them, as the plain loops of a network
 * do it. `input` is float64, a multiple of four; `stride` is a row of weights in bytes. Four outputs are made at a time, so up to
 * three numbers behind `out` are written, and as many behind the weights are read.
 */
export function exactLayer(weights: i32, stride: i32, input: i32, inputEnd: i32, out: i32, outEnd: i32): void {
  for (; input < inputEnd; input += 32, weights += 4 * stride) {
    const a = load<f64>(input), b = load<f64>(input, 8), c = load<f64>(input, 16), d = load<f64>(input, 24);
    if (a == 0 && b == 0 && c == 0 && d == 0) continue;
    const f0 = f64x2.splat(a), f1 = f64x2.splat(b), f2 = f64x2.splat(c), f3 = f64x2.splat(d);
    let w0 = weights;
    let w1 = w0 + stride;
    let w2 = w1 + stride;
    let w3 = w2 + stride;
    for (let o = out; o < outEnd; o += 16, w0 += 16, w1 += 16, w2 += 16, w3 += 16) {
      const r0 = v128.load(w0), r1 = v128.load(w1), r2 = v128.load(w2), r3 = v128.load(w3);
      const sum = v128.load(o);
      const first = plusFour(
        firstTwo(sum), f64x2.mul(f0, firstTwo(r0)), f64x2.mul(f1, firstTwo(r1)), f64x2.mul(f2, firstTwo(r2)), f64x2.mul(f3, firstTwo(r3)),
      );
      const last = plusFour(
        lastTwo(sum), f64x2.mul(f0, lastTwo(r0)), f64x2.mul(f1, lastTwo(r1)), f64x2.mul(f2, lastTwo(r2)), f64x2.mul(f3, lastTwo(r3)),
      );
      v128.store(
        o, v128.shuffle<f32>(f32x4.demote_f64x2_zero(first), f32x4.demote_f64x2_zero(last), 0, 1, 4, 5),
      );
    }
  }
}

/** a . b (n float64), summed as the plain loops of linear-algebra.ts do it. */
// @ts-ignore: decorator
@inline
function plainDot(a: i32, b: i32, n: i32): f64 {
  let s0 = f64x2.splat(0), s1 = s0;
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(a + (i << 3)), v128.load(b + (i << 3))));
    s1 = f64x2.add(s1, f64x2.mul(v128.load(a + (i << 3), 16), v128.load(b + (i << 3), 16)));
  }
  for (; i < n; i++)
    s0 = f64x2.replace_lane(s0, 0, f64x2.extract_lane(s0, 0) + load<f64>(a + (i << 3)) * load<f64>(b + (i << 3)));
  return sumOfFour(s0, s1);
}

/**
 * One observation of a regression: `observe` on its covariance, then each row of weights (rows x n float64) moves along the gain by
 * what `wanted` (rows float64) is above weights . phi. `phi` and `gain` are float64 here and float32 there. Returns the first row's error.
 */
export function regress(
  covariance: i32, phi32: i32, gain32: i32, phi: i32, gain: i32, weights: i32, wanted: i32, rows: i32, n: i32, noise: f32,
): f64 {
  const total = <f64>observe(covariance, phi32, gain32, n, noise);
  for (let i = 0; i < n; i++) store<f64>(gain + (i << 3), <f64>load<f32>(gain32 + i * bytes) / total);
  let first: f64 = 0;
  for (let row = 0; row < rows; row++) {
    const own = weights + ((row * n) << 3);
    const error = load<f64>(wanted + (row << 3)) - plainDot(own, phi, n);
    addScaledRow(own, error, gain, n);
    if (row == 0) first = error;
  }
  return first;
}

/** Each of n float32 values times a factor in float64, rounded once. */
export function scale(values: i32, n: i32, factor: f64): void {
  const v = f64x2.splat(factor);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = values + i * bytes;
    const four = v128.load(at);
    const low = f32x4.demote_f64x2_zero(f64x2.mul(firstTwo(four), v));
    const high = f32x4.demote_f64x2_zero(f64x2.mul(lastTwo(four), v));
    v128.store(at, v128.shuffle<f32>(low, high, 0, 1, 4, 5));
  }
  for (; i < n; i++) {
    const at = values + i * bytes;
    store<f32>(at, <f32>(<f64>load<f32>(at) * factor));
  }
}

/**
 * What targets (count float64) are above weights . row replaces them, and moment (n float64) grows by each of that times its row (count x n
 * float64).
 */
export function addResiduals(moment: i32, weights: i32, targets: i32, rows: i32, count: i32, n: i32): void {
  for (let r = 0; r < count; r++) {
    const row = rows + ((r * n) << 3);
    const at = targets + (r << 3);
    const left = load<f64>(at) - plainDot(weights, row, n);
    store<f64>(at, left);
    addScaledRow(moment, left, row, n);
  }
}

/** to (n float64) += from. */
export function addTo(to: i32, from: i32, n: i32): void {
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    const at = to + (i << 3);
    v128.store(at, f64x2.add(v128.load(at), v128.load(from + (i << 3))));
  }
  if (i < n) store<f64>(to + (i << 3), load<f64>(to + (i << 3)) + load<f64>(from + (i << 3)));
}

/** The upper half of gram (n x n float64) divided by the noise, as the lower half of matrix; the rest of that stays. */
export function lowerOf(matrix: i32, gram: i32, n: i32, noise: f64): void {
  for (let i = 0; i < n; i++) {
    const row = gram + ((i * n) << 3);
    for (let j = i; j < n; j++) store<f64>(matrix + ((j * n + i) << 3), load<f64>(row + (j << 3)) / noise);
  }
}

// @ts-ignore: decorator
@inline
function turnColumns(a: i32, p: i32, q: i32, n: i32, c: f64, s: f64): void {
  for (let k = 0; k < n; k++) {
    const kp = a + ((k * n + p) << 3), kq = a + ((k * n + q) << 3);
    const vp = load<f64>(kp), vq = load<f64>(kq);
    store<f64>(kp, c * vp - s * vq);
    store<f64>(kq, s * vp + c * vq);
  }
}

// @ts-ignore: decorator
@inline
function turnRows(a: i32, p: i32, q: i32, n: i32, c: f64, s: f64): void {
  for (let k = 0; k < n; k++) {
    const pk = a + ((p * n + k) << 3), qk = a + ((q * n + k) << 3);
    const vp = load<f64>(pk), vq = load<f64>(qk);
    store<f64>(pk, c * vp - s * vq);
    store<f64>(qk, s * vp + c * vq);
  }
}

/** Cyclic Jacobi rotations: a symmetric matrix becomes diagonal, and the rows of vectors (both n x n float64) turn with it. */
export function diagonalize(a: i32, vectors: i32, n: i32): void {
  for (let sweep = 0; sweep < 30; sweep++) {
    let off: f64 = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const value = load<f64>(a + ((p * n + q) << 3));
        off += value * value;
      }
    }
    if (off < 1e-22) return;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = load<f64>(a + ((p * n + q) << 3));
        if (Math.abs(apq) < 1e-18) continue;
        const theta = (load<f64>(a + ((q * n + q) << 3)) - load<f64>(a + ((p * n + p) << 3))) / (2 * apq);
        const t = (theta >= 0 ? 1.0 : -1.0) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        turnColumns(a, p, q, n, c, s);
        turnRows(a, p, q, n, c, s);
        turnRows(vectors, p, q, n, c, s);
      }
    }
  }
}
