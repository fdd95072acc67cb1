/** Uniform values with this standard deviation; xorshift32 only, because Math.cos and friends differ between machines. */
export function randomValues(size: number, seed: number, deviation: number): Float32Array {
  const values = new Float32Array(size);
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x85ebca6b) | 1;
  const scale = (deviation * Math.sqrt(12)) / 4_294_967_296;
  for (let index = 0; index < size; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[index] = (state | 0) * scale;
  }
  return values;
}
