/** The file with the table of word vectors, from the root of the repository. */
export const WORD_VECTORS_FILE = 'src/models/offline/word-vectors.bin';
/** Its path among the static assets of a Worker, which are served to nobody else. */
export const WORD_VECTORS_ASSET = '/data/word-vectors.bin';
