/** Value types of GGUF metadata (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). */
export const valueTypes = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

export type ScalarType = Exclude<keyof typeof valueTypes, 'array'>;

/** Metadata as the writer takes it: the type is always said, because readers insist on exact types. */
export type GgufField =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: Exclude<ScalarType, 'string' | 'bool'>; readonly value: number }
  | { readonly type: 'array'; readonly of: 'string'; readonly value: readonly string[] }
  | { readonly type: 'array'; readonly of: Exclude<ScalarType, 'string' | 'bool'>; readonly value: readonly number[] };

/** Tensor types that this project writes and checks; others are named by their number. */
export const tensorTypes = { f32: 0, f16: 1 } as const;

export interface GgufTensorInfo {
  readonly name: string;
  /** Fastest dimension first: `[in, out]` for a matrix that maps `in` to `out`. */
  readonly dimensions: readonly number[];
  readonly type: number;
  /** From the start of the tensor data. */
  readonly offset: number;
}

export const ggufMagic = 0x46554747;
export const alignment = 32;
