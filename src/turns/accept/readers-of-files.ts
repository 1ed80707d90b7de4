/** Chooses the models that can read the files of a message. */
import { ParleyError } from '../../core/errors.ts';
import { estimateFile } from '../../core/file.ts';
import { filesIn, type FilePart, type Part } from '../../core/parts.ts';
import type { ChatModel } from '../../models/chat/registry.ts';

type Models = readonly [ChatModel, ...ChatModel[]];

/**
 * Returns the models that take each file as it is, or can read its text.
 * @param parts of the message that they are to answer
 * @param tokenBudget the operator's; without it, a model's window decides
 * @throws ParleyError `unsupported_parameter` that names the first model and the file, or
 *   `context_too_long` when no window holds the files
 */
export function readersOf(models: Models, parts: readonly Part[], tokenBudget?: number): Models {
  const files = filesIn(parts);
  if (files.length === 0) return models;
  const [able, ...others] = models.filter((model) => !unreadBy(model, files));
  if (!able) throw unread(models[0], unreadBy(models[0], files));
  const tokens = files.reduce((sum, file) => sum + estimateFile(file), 0);
  const [fit, ...more] = [able, ...others].filter(
    ({ window }) => tokens <= (tokenBudget ?? window.context - window.answer),
  );
  if (fit) return [fit, ...more];
  const detail = `The attachments take about ${tokens} tokens, more than ${able.name} reads`;
  throw new ParleyError({ code: 'context_too_long', detail });
}

function unreadBy(model: ChatModel, files: readonly FilePart[]): FilePart | undefined {
  return files.find((file) => file.text_tokens === undefined && !model.takes(file.mime_type));
}

function unread({ name }: ChatModel, file: FilePart | undefined): ParleyError {
  const what = file ? `${JSON.stringify(file.name)} (${file.mime_type})` : 'the attachments';
  const message = `${name} cannot read ${what}, which has no text either`;
  const errors = [{ path: 'attachments', message }];
  return new ParleyError({ code: 'unsupported_parameter', detail: message, errors });
}
