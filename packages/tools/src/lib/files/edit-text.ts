import { GenieError } from '@genie/core/errors';

export interface EditRequest {
  readonly path: string;
  readonly find: string;
  readonly replace: string;
  readonly all: boolean;
}

/** Replaces an exact piece of text. Throws `GENIE_EDIT_NOT_FOUND` and, when it occurs more than once, `GENIE_EDIT_AMBIGUOUS`. */
export function editText(text: string, request: EditRequest): { readonly text: string; readonly replaced: number } {
  const parts = text.split(request.find);
  const times = parts.length - 1;
  if (times === 0) {
    throw new GenieError(
      'GENIE_EDIT_NOT_FOUND',
      `${JSON.stringify(request.path)} does not hold the text to replace: read the file and copy it exactly, white space included.`,
    );
  }
  if (times > 1 && !request.all) {
    throw new GenieError(
      'GENIE_EDIT_AMBIGUOUS',
      `${JSON.stringify(request.path)} holds the text ${times} times: give more of its surroundings, or "all": true.`,
    );
  }
  return { text: parts.join(request.replace), replaced: times };
}
