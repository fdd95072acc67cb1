import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomValues } from '../gguf/random-values.ts';
import { type Field, message } from './protobuf.ts';

export interface TestExtractorOptions {
  readonly seed: number;
  /** Default 32. */
  readonly width?: number;
}

const maxTokens = 128;
const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'] as const;

/**
 * Writes a folder as Hugging Face's tools lay it out: a feature extractor in ONNX with random weights, and a tokenizer that knows ASCII characters. It computes
 * `tanh(embedding × weights) × mask` for each token. The same seed gives the same bytes on every machine.
 */
export async function writeTestExtractor(folder: string, { seed, width = 32 }: TestExtractorOptions): Promise<void> {
  await mkdir(join(folder, 'onnx'), { recursive: true });
  const config = { model_type: 'bert', architectures: ['BertModel'], hidden_size: width, vocab_size: words().length };
  const names = { pad_token: '[PAD]', unk_token: '[UNK]', cls_token: '[CLS]', sep_token: '[SEP]' };
  const tokenizerConfig = {
    tokenizer_class: 'BertTokenizer',
    model_max_length: maxTokens,
    do_lower_case: true,
    ...names,
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(tokenizerConfig));
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer()));
  await writeFile(join(folder, 'onnx', 'model.onnx'), extractorModel(seed, width));
}

/** The first letter of a word stands for itself, the others continue it. */
function words(): readonly string[] {
  const printable = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index));
  return [...special, ...printable, ...printable.map((character) => `##${character}`)];
}

function tokenizer(): unknown {
  const vocabulary = Object.fromEntries(words().map((word, index) => [word, index]));
  const specialTokens = ['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [vocabulary[id]], tokens: [id] }]);
  return {
    version: '1.0',
    truncation: { direction: 'Right', max_length: maxTokens, strategy: 'LongestFirst', stride: 0 },
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: Object.fromEntries(specialTokens),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: vocabulary,
    },
  };
}

// Element types of ONNX (TensorProto.DataType).
const float32 = 1;
const int64 = 7;

/** Numbers of fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
function extractorModel(seed: number, width: number): Uint8Array {
  const graph = message(
    [1, node('Gather', ['table', 'input_ids'], 'embedded')],
    [1, node('MatMul', ['embedded', 'weights'], 'mixed')],
    [1, node('Tanh', ['mixed'], 'bounded')],
    [1, node('Cast', ['attention_mask'], 'mask', message([1, 'to'], [3, float32], [20, 2]))],
    [1, node('Unsqueeze', ['mask', 'last'], 'mask3')],
    [1, node('Mul', ['bounded', 'mask3'], 'last_hidden_state')],
    [2, 'extractor'],
    [5, floats('table', [words().length, width], randomValues(words().length * width, seed, 1))],
    [5, floats('weights', [width, width], randomValues(width * width, seed + 1, 1 / Math.sqrt(width)))],
    [5, message([1, 1], [2, int64], [8, 'last'], [9, new Uint8Array(new BigInt64Array([-1n]).buffer)])],
    [11, value('input_ids', int64, ['batch', 'sequence'])],
    [11, value('attention_mask', int64, ['batch', 'sequence'])],
    [12, value('last_hidden_state', float32, ['batch', 'sequence', width])],
  );
  return message([1, 8], [2, 'genie'], [7, graph], [8, message([2, 17])]);
}

function node(operator: string, inputs: readonly string[], output: string, attribute?: Uint8Array): Uint8Array {
  const given = inputs.map((name): Field => [1, name]);
  return message(...given, [2, output], [4, operator], ...(attribute ? [[5, attribute] as const] : []));
}

function floats(name: string, dimensions: readonly number[], values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return message(...dimensions.map((size): Field => [1, size]), [2, float32], [8, name], [9, bytes]);
}

function value(name: string, type: number, dimensions: readonly (string | number)[]): Uint8Array {
  const shape = message(
    ...dimensions.map((size): Field => [1, typeof size === 'number' ? message([1, size]) : message([2, size])]),
  );
  return message([1, name], [2, message([1, message([1, type], [2, shape])])]);
}
