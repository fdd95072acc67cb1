export type { ModelShape, TestLayerOptions } from './lib/gguf/test-model.ts';
export { benchShape, tinyShape, writeTestLayer, writeTestModel } from './lib/gguf/test-model.ts';
export type { TestExtractorOptions } from './lib/onnx/test-extractor.ts';
export { writeTestExtractor } from './lib/onnx/test-extractor.ts';
