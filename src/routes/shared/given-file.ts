/** Files as other people's clients send them: as data, by an address, or by an id of ours. */
import { bytesOfBase64 } from '../../core/base64.ts';
import { invalid } from '../../core/errors.ts';
import type { Attachment } from '../../core/file.ts';

/** The fields that come with a file. */
interface Said {
  /** The field that a refusal names. */
  path: string;
  name?: string | undefined;
  type?: string | undefined;
}

/** An address of a file of ours, as our own messages of the AI SDK's form have it. */
const OURS = /^\/files\/([\w-]{1,200})$/;

/**
 * Returns the attachment that an address stands for: data within it, a file of ours, or one that is
 * fetched.
 * @throws ParleyError `invalid_request` for data that cannot be read
 */
export function fileAt(url: string, said: Said): Attachment {
  const id = OURS.exec(url)?.[1];
  if (id !== undefined) return { file_id: id };
  if (/^data:/i.test(url)) return dataFile(url, said);
  if (!URL.canParse(url)) throw invalid(said.path, `${said.path}: a file has no address`);
  return { url };
}

function dataFile(url: string, { path, name, type }: Said): Attachment {
  const comma = url.indexOf(',');
  const head = url.slice('data:'.length, Math.max(comma, 0));
  const declared = head.split(';', 1)[0] || type;
  if (comma < 0) throw invalid(path, `${path}: a data: address has no data`);
  const data = url.slice(comma + 1);
  if (/;\s*base64\s*$/i.test(head)) return base64File(data, { path, name, type: declared });
  try {
    return { bytes: new TextEncoder().encode(decodeURIComponent(data)), name, type: declared };
  } catch {
    throw invalid(path, `${path}: a data: address cannot be read`);
  }
}

/** Returns the attachment of bytes in base64. @throws ParleyError `invalid_request` */
export function base64File(data: string, { path, name, type }: Said): Attachment {
  const bytes = bytesOfBase64(data);
  if (!bytes) throw invalid(path, `${path}: the data of a file is not base64`);
  return { bytes, name, type };
}
