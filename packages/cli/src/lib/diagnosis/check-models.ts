import { toErrorRecord } from '@genie/core/errors';
import { type Environment, findModel, surveyModels } from '@genie/inference';
import type { Check } from './check.ts';

/** Every place where models come from, and which one a genie gets that names none. */
export async function checkModels(environment: Environment): Promise<readonly Check[]> {
  try {
    const [places, { id, why }] = await Promise.all([surveyModels({ environment }), findModel({ environment })]);
    return [
      ...places.map((place) => ({
        name: 'model',
        status: place.usable ? ('ok' as const) : ('absent' as const),
        detail: `${place.id}: ${place.usable ? 'usable' : 'not usable'}, ${place.why}`,
      })),
      { name: 'model', status: 'ok', detail: `a genie that names none gets ${id}: ${why}` },
    ];
  } catch (error) {
    const { code, message } = toErrorRecord(error, 'GENIE_MODEL_FAILED');
    return [
      { name: 'model', status: 'fail', detail: `${message} [${code}]`, fix: 'Correct GENIE_MODEL, or unset it.' },
    ];
  }
}
